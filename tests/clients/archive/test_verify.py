from collections.abc import Callable
from pathlib import Path

import pytest

from sinks.archive.spans import gaps, united
from sinks.files.facts import side_file
from sinks.formats import open_writer
from tests.clients.archive.places import argosy, flows, keep


def verified(directory: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    status = argosy("archive", "verify", directory, *options)
    return status, capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["", ".csv", ".avro"])
def test_a_whole_archive_is_well(tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    files = keep(tmp_path, pattern=f"%H.%M.%S{suffix}")
    status, said = verified(tmp_path, capsys)
    assert status == 0
    assert "t/0: offsets 0 to 9, without a gap" in said
    assert f"{len(files)} files" in said
    assert "60 records: all is well" in said


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 4] ^= 0xFF
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize("suffix", ["", ".csv"])
@pytest.mark.parametrize("harm", [flip, cut])
def test_a_damaged_file_is_named(
    tmp_path: Path, suffix: str, harm: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    files = keep(tmp_path, pattern=f"%H.%M.%S{suffix}")
    harm(files[3])
    status, said = verified(tmp_path, capsys)
    assert status == 1
    assert any(line.startswith(f"{files[3].name}: ") for line in said.splitlines())
    assert not any(line.startswith(f"{files[2].name}: ") for line in said.splitlines())


def test_a_file_with_other_flows_than_it_says_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = keep(tmp_path, pattern="%H.%M.%S.csv")
    files[1].write_bytes(files[2].read_bytes())
    assert verified(tmp_path, capsys)[0] == 1
    side_file(files[1]).write_bytes(side_file(files[2]).read_bytes())
    assert verified(tmp_path, capsys)[0] == 1  # its place in the run is empty


def test_a_missing_file_is_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = keep(tmp_path)
    files[4].unlink()
    status, said = verified(tmp_path, capsys, "--quick")
    assert status == 1
    assert "1 files of the sink's run" in said
    assert "number 4 to 4" in said
    assert "offsets 0 to 9, " in said


def test_a_file_of_another_writer_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_writer(str(tmp_path / "other.parquet")) as writer:
        writer.write(flows(1, 50, 0))
    assert verified(tmp_path, capsys)[0] == 0
    cut(tmp_path / "other.parquet")
    assert verified(tmp_path, capsys)[0] == 1


def test_spans_join_where_they_touch() -> None:
    assert united([(5, 6), (1, 2), (3, 3), (9, 9), (6, 7)]) == [[1, 3], [5, 7], [9, 9]]
    assert gaps([[1, 3], [5, 7], [9, 9]]) == [[4, 4], [8, 8]]
