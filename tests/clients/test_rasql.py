from pathlib import Path

import pytest

from clients.main import main
from sinks.formats import open_writer
from tests.topics.filter_texts import flows

FLOWS = flows(60, seed=3)


@pytest.fixture
def records(tmp_path: Path) -> str:
    path = str(tmp_path / "records.parquet")
    with open_writer(path) as writer:
        writer.write(FLOWS)
    return path


def lines(capfd: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main([arguments[0], "-L", "-1", "-s", "saddr", "pkts", "bytes", *arguments[1:]]) == 0
    return sorted(capfd.readouterr().out.splitlines())


@pytest.mark.parametrize("columns", [[], ["-s", "pkts", "record"]])
def test_what_was_inserted_is_selected_like_a_file(
    records: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], columns: list[str]
) -> None:
    table = f"{tmp_path}/x.sqlite/some"
    assert main(["rasqlinsert", "-r", records, "-w", table, *columns]) == 0
    assert capfd.readouterr().err == "argosy rasqlinsert: 60 records\n"
    for text in ("tcp", 'saddr ~ "^10" and pkts gt 3', "net 10/8"):
        assert lines(capfd, "rasql", "-r", table, "-", text) == lines(capfd, "ra", "-r", records, "-", text)


def test_rows_of_a_key_are_merged_like_racluster(
    records: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = f"{tmp_path}/x.sqlite/hosts"
    assert main(["rasqlinsert", "-r", records, "-w", table, "-M", "cache", "-m", "saddr", "proto", "-q"]) == 0
    merged = lines(capfd, "racluster", "-r", records, "-m", "saddr", "proto")
    assert lines(capfd, "rasql", "-r", table) == merged
    assert main(["rasqlinsert", "-r", records, "-w", table, "-M", "drop", "-m", "saddr", "proto", "-q"]) == 0
    assert lines(capfd, "rasql", "-r", table) == merged


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rasql"], "say which database"),
        (["rasql", "-r", "x.parquet"], "'x.parquet' is no database"),
        (["rasql", "-r", "nowhere.sqlite"], "nowhere.sqlite: there is no such file"),
        (["rasql", "-r", "mysql://u@127.0.0.1:1/d"], "mysql://u@127.0.0.1:1/d: "),
        (["rasqlinsert", "-r", "-", "-w", "x.parquet"], "say where to: -w DATABASE"),
        (["rasqlinsert", "-r", "-", "-w", "x.sqlite", "-M", "cache"], "name its fields with -m"),
        (["rasqlinsert", "-r", "-", "-w", "x.sqlite", "-M", "cash"], "did you mean 'cache'"),
        (["rasqlinsert", "-r", "-", "-w", "x.sqlite", "-m", "sadr"], "did you mean 'saddr'"),
        (["rasqlinsert", "-r", "-", "-w", "x.sqlite", "-s", "sadr"], "did you mean 'saddr'"),
        (["rasqlinsert", "-r", "-", "-w", "x.sqlite", "--keep", "0"], "takes a number from 1 up"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    error = capfd.readouterr().err
    assert said in error
    assert error.count("\n") == 1
