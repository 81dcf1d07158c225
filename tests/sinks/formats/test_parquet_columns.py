"""Columns of Parquet files that are not as they should be, and how that is told."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from clients.main import main
from sinks.formats.column_files import ColumnFiles
from sinks.formats.parquet import read_columns, read_parquet
from tests.topics.filter_texts import flows
from topics.errors import InputError
from topics.frame import ARROW_SCHEMA, to_arrow

WHOLE = pl.DataFrame(to_arrow(flows(5, seed=1)))
WRONG = {
    "column 'site' is missing": WHOLE.drop("site"),
    "column 'src_port' is missing": WHOLE.drop("src_port"),
    "column 'src_port' is of type": WHOLE.cast({"src_port": pl.String}),
    "column 'src_port' has missing values": WHOLE.with_columns(src_port=pl.lit(None, pl.UInt16)),
}


@pytest.fixture(params=WRONG)
def wrong(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A file with such a column, and what is to be said of it."""
    path = str(tmp_path / "wrong.parquet")
    pq.write_table(WRONG[request.param].to_arrow(), path)
    return path, f"{path}: {request.param}"


def test_the_file_and_its_column_are_named(wrong: tuple[str, str]) -> None:
    path, said = wrong
    with pytest.raises(InputError) as refused:
        list(read_parquet(path))
    assert str(refused.value).startswith(said)
    with pytest.raises(InputError) as refused:
        list(read_columns(path, ARROW_SCHEMA.names))
    assert str(refused.value).startswith(said)


def test_a_column_that_nobody_asked_for_may_be_wrong(tmp_path: Path) -> None:
    path = str(tmp_path / "wrong.parquet")
    pq.write_table(WHOLE.drop("src_port").to_arrow(), path)
    (data,) = read_columns(path, ["dst_port"])
    assert data.schema.names == ["dst_port"]


def test_words_that_are_missing_are_named_before_columns_are_sorted(tmp_path: Path) -> None:
    path = str(tmp_path / "wrong.parquet")
    pq.write_table(WHOLE.drop("probe").to_arrow(), path)
    with pytest.raises(InputError, match=r"wrong\.parquet: column 'probe' is missing"):
        ColumnFiles([path])


@pytest.mark.parametrize("command", [["racluster"], ["rabins", "-M", "time", "10s"]])
def test_commands_that_merge_name_them_too(
    command: list[str], wrong: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, said = wrong
    output = tmp_path / "out" / "merged.arrow"
    output.parent.mkdir()
    assert main([*command, "-r", path, "-w", str(output)]) == 2
    assert said in capsys.readouterr().err
    assert not list(output.parent.iterdir())
