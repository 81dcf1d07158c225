from pathlib import Path

from sinks.formats import open_writer
from sinks.formats.column_files import ColumnFiles
from tests.topics.filter_texts import flows
from topics.batch import FlowBatch

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
