from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sinks.formats import open_writer
from sinks.formats.column_files import ColumnFiles
from sinks.formats.parquet import LARGEST_WHOLE, read_columns
from tests.topics.filter_texts import flows
from topics.batch import FlowBatch
from topics.errors import InputError
from topics.frame import ARROW_SCHEMA

DURATIONS = {"duration_sum": ["duration_min", "duration_max"]}


def written(path: Path, batch: FlowBatch) -> str:
    with open_writer(str(path)) as writer:
        writer.write(batch)
    return str(path)


def batch(seed: int) -> FlowBatch:
    """Return records of which each was merged of one, and whose protocol numbers, of another type, are as TTLs."""
    made = flows(300, seed=seed)
    made.records["duration_sum"] = 1_000_000 * (1 + made.records["src_packets"])
    made.records["duration_min"] = made.records["duration_max"] = made.records["duration_sum"]
    made.records["src_vlan"] = made.records["protocol"]
    return made


def alike(*paths: str) -> dict[str, list[str]]:
    with ColumnFiles(paths) as files:
        return files.alike()


def test_columns_of_the_same_bytes_are_found_by_the_first(tmp_path: Path) -> None:
    found = alike(*(written(tmp_path / f"{seed}.parquet", batch(seed)) for seed in (1, 2)))
    assert {name: others for name, others in found.items() if name in DURATIONS} == DURATIONS
    assert "src_vlan" not in found.get("protocol", ())


def test_what_differs_in_one_record_or_one_file_is_not_alike(tmp_path: Path) -> None:
    other = batch(2)
    other.records["duration_max"][7] += 1
    paths = [written(tmp_path / "a.parquet", batch(1)), written(tmp_path / "b.parquet", other)]
    assert alike(*paths)["duration_sum"] == ["duration_min"]


def test_bytes_that_end_too_soon_are_like_nothing(tmp_path: Path) -> None:
    path = Path(written(tmp_path / "a.parquet", batch(1)))
    content = path.read_bytes()
    with ColumnFiles([str(path)]) as files:
        assert files.alike()
        path.write_bytes(content[:10])
        assert not files.alike()


@pytest.mark.parametrize("largest", [LARGEST_WHOLE, 100])
def test_columns_read_once_are_those_read_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    monkeypatch.setattr("sinks.formats.parquet.LARGEST_WHOLE", largest)
    path = written(tmp_path / "a.parquet", batch(1))
    found = pa.Table.from_batches(read_columns(path, ARROW_SCHEMA.names))
    whole = pq.read_table(path)
    assert all(str(found[name].to_pylist()) == str(whole[name].to_pylist()) for name in ARROW_SCHEMA.names)
    assert found["duration_max"].combine_chunks().equals(found["duration_sum"].combine_chunks())
    assert all(only.schema.names == ["duration_max"] for only in read_columns(path, ["duration_max"]))


def test_a_column_of_another_shape_is_compared_with_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", batch(1))
    whole = pq.read_table(path)
    pairs = pa.array([{"one": 1, "other": 1}] * len(whole))
    changed = whole.set_column(whole.schema.names.index("src_ttl"), "src_ttl", pairs)
    pq.write_table(changed, path)
    with pytest.raises(InputError, match="column 'src_ttl' is of type struct"):
        list(read_columns(path, ["src_ttl", "dst_ttl"]))
