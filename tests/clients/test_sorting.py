"""rasort -w column by column: the same records as where they are sorted whole."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clients.main import main
from sinks.formats import column_files, open_writer
from tests.topics.filter_texts import flows
from topics.batch import FlowBatch
from topics.frame import OPTIONAL

KEYS = [["bytes"], ["saddr/24", "-stime"], ["proto", "svid", "dur"]]


def written(path: Path, *batches: FlowBatch) -> str:
    with open_writer(str(path)) as writer:
        for batch in batches:
            writer.write(batch)
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    plain = flows(50, seed=3).select(slice(0, 1))
    return [
        written(tmp_path / "a.parquet", flows(300, seed=1)),
        written(tmp_path / "b.parquet", plain),
        written(tmp_path / "c.parquet", flows(200, seed=2)),
    ]


def sorted_by(files: list[str], output: Path, keys: list[str], *more: str) -> pl.DataFrame:
    assert main(["rasort", "-r", *files, "-m", *keys, "-w", str(output), *more]) == 0
    return frame(output)


def frame(path: Path) -> pl.DataFrame:
    data = pa.ipc.open_stream(path.read_bytes()).read_all()
    data.validate(full=True)
    return pl.DataFrame(data).with_columns(pl.col(pl.Categorical).cast(pl.String))


@pytest.mark.parametrize("keys", KEYS)
def test_records_are_those_of_the_sorter_in_its_order(files: list[str], tmp_path: Path, keys: list[str]) -> None:
    by_columns = sorted_by(files, tmp_path / "columns.arrow", keys)
    whole = sorted_by(files, tmp_path / "whole.arrow", keys, "--records", "100")
    assert by_columns.height == 501
    assert by_columns.equals(whole)


def test_columns_that_are_the_same_come_out_all(tmp_path: Path) -> None:
    batches = [flows(300, seed=1), flows(200, seed=2)]
    for batch in batches:
        batch.records["duration_min"] = batch.records["duration_max"] = batch.records["duration_sum"]
        batch.records["src_ttl_min"] = batch.records["src_ttl"]
    files = [written(tmp_path / f"{number}.parquet", batch) for number, batch in enumerate(batches)]
    whole = sorted_by(files, tmp_path / "whole.arrow", ["bytes"], "--records", "100")
    assert sorted_by(files, tmp_path / "columns.arrow", ["bytes"]).equals(whole)


def test_it_is_by_columns_that_files_of_this_version_are_sorted(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwanted(*_: object) -> None:
        raise AssertionError("records are sorted whole")

    monkeypatch.setattr("processors.sorting.Sorter.sorted", unwanted)
    sorted_by(files, tmp_path / "columns.arrow", ["bytes"])


def test_a_column_too_long_to_be_held_is_sorted_with_its_records(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = sorted_by(files, tmp_path / "columns.arrow", ["bytes"])
    monkeypatch.setattr(column_files, "LONGEST", 10)
    assert sorted_by(files, tmp_path / "whole.arrow", ["bytes"]).equals(expected)


def test_other_files_other_outputs_and_filters_are_as_before(files: list[str], tmp_path: Path) -> None:
    older, left_out = tmp_path / "older.parquet", min(OPTIONAL)
    pq.write_table(pq.read_table(files[0]).drop_columns([left_out]), older)
    expected = sorted_by([files[0]], tmp_path / "ours.arrow", ["bytes"])
    assert sorted_by([str(older)], tmp_path / "older.arrow", ["bytes"]).drop(left_out).equals(expected.drop(left_out))
    selected = sorted_by([files[0]], tmp_path / "tcp.arrow", ["bytes"], "-", "tcp")
    assert selected.equals(expected.filter(pl.col("protocol") == 6))
    two = [str(tmp_path / "first.arrow"), str(tmp_path / "second.arrow")]
    assert main(["rasort", "-r", files[0], "-m", "bytes", "-w", two[0], "-w", two[1], "tcp"]) == 0
    assert frame(Path(two[0])).equals(expected)
    assert frame(Path(two[1])).equals(selected)


def test_damage_is_named_and_leaves_no_file(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metadata = pq.read_metadata(files[2])
    place = next(
        metadata.row_group(0).column(column).dictionary_page_offset
        for column in range(metadata.num_columns)
        if metadata.row_group(0).column(column).path_in_schema == "dst_app_bytes"
    )
    data = bytearray(Path(files[2]).read_bytes())
    data[place + 30] ^= 0x55
    Path(files[2]).write_bytes(data)
    output = tmp_path / "out.arrow"
    assert main(["rasort", "-r", *files, "-m", "stime", "-w", str(output)]) == 2
    assert f"{files[2]}: " in capsys.readouterr().err
    assert not list(tmp_path.glob("*out*")), "half a file is left"
