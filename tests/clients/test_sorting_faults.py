"""rasort -w column by column, when something is wrong: files, memory, disks, signals."""

import os
import resource
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import clients.records.sorting
from clients.main import main
from clients.reading.sources import Source
from processors.sorting import by_columns
from sinks.formats import column_files
from sinks.formats.arrow_columns import ArrowColumns
from sinks.formats.column_files import ColumnFiles, LongColumnError
from sinks.formats.destination import Destination
from tests.clients.test_sorting import frame, sorted_by, written
from tests.topics.filter_texts import flows

ROWS = 300
FULL = OSError(28, "No space left on device")


@pytest.fixture
def file(tmp_path: Path) -> str:
    return written(tmp_path / "a.parquet", flows(ROWS, seed=1))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "sorted.arrow"


def refused(file: str, output: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what is said where nothing can be sorted, and nothing is left."""
    assert main(["rasort", "-r", file, "-w", str(output)]) == 2
    assert not list(output.parent.iterdir()), "half a file is left"
    return capsys.readouterr().err


def called_first(owner: Any, name: str, patch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """Let something happen before a function does its work for the first time."""
    original, once = getattr(owner, name), iter([work])

    def first(*given: Any, **named: Any) -> Any:
        for todo in once:
            todo()
        return original(*given, **named)

    patch.setattr(owner, name, first)


@pytest.mark.parametrize(
    ("number", "owner", "name"),
    [
        (signal.SIGTERM, Source, "frames"),
        (signal.SIGINT, by_columns, "ordered"),
        (signal.SIGTERM, ColumnFiles, "column"),
        (signal.SIGINT, ArrowColumns, "put"),
        (signal.SIGTERM, ArrowColumns, "write_to"),
        (signal.SIGINT, Destination, "commit"),
        (signal.SIGTERM, Destination, "commit"),
    ],
)
def test_a_signal_leaves_no_file_whenever_it_comes(
    number: signal.Signals, owner: object, name: str, file: str, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(output.parent))
    called_first(owner, name, monkeypatch, lambda: os.kill(os.getpid(), number))
    before = signal.getsignal(signal.SIGTERM)
    command = ["rasort", "-r", file, "-w", str(output)]
    if number == signal.SIGINT:
        assert main(command) == 130
    else:
        with pytest.raises(SystemExit) as ended:
            main(command)
        assert ended.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before
    assert not list(output.parent.iterdir())
    opened = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert not [place for place in opened if place.startswith(str(output.parent))], "something is open still"


def test_row_groups_without_records_say_nothing(file: str, tmp_path: Path) -> None:
    table = pq.read_table(file)
    place = table.schema.get_field_index("dst_first")
    table = table.set_column(place, table.schema.field(place), pa.nulls(ROWS, table.schema.field(place).type))
    with pq.ParquetWriter(tmp_path / "gaps.parquet", table.schema) as writer:
        for part in (table.slice(0, 0), table.slice(0, 100), table.slice(0, 0), table.slice(100)):
            writer.write_table(part)
    gaps = [written(tmp_path / "none.parquet"), str(tmp_path / "gaps.parquet"), file]
    expected = sorted_by(gaps, tmp_path / "whole.arrow", ["dur"], "--records", "100")
    assert sorted_by(gaps, tmp_path / "columns.arrow", ["dur"]).equals(expected)


def test_a_footer_that_lies_about_its_records_is_damage(
    file: str, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said, lie = (bytes([0x16, 0x80 | (2 * rows & 0x7F), 2 * rows >> 7, 0x19, 0x1C]) for rows in (ROWS, ROWS - 1))
    data = Path(file).read_bytes()
    assert data.count(said) == 1, "the records of all row groups, before the list of those"
    Path(file).write_bytes(data.replace(said, lie))
    assert f"{file}: row groups of 300 records where the footer says 299" in refused(file, output, capsys)


def test_a_file_replaced_meanwhile_is_noticed(
    file: str, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called_first(by_columns, "ordered", monkeypatch, lambda: written(Path(file), flows(ROWS, seed=2)))
    assert f"{file}: was changed or replaced while it was read" in refused(file, output, capsys)


def test_what_is_too_much_is_sorted_with_its_records(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = sorted_by([file], tmp_path / "columns.arrow", ["saddr"])
    taken: list[object] = []
    called_first(clients.records.sorting._Work, "put_all", monkeypatch, lambda: taken.append(None))
    for owner, name, value in ((by_columns, "MOST_KEYS", 10), (clients.records.sorting, "MOST_FILES", 0)):
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, value)
            assert sorted_by([file], tmp_path / "whole.arrow", ["saddr"]).equals(expected)
    assert not taken


def test_huge_row_groups_are_read_in_parts(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = sorted_by([file], tmp_path / "whole.arrow", ["bytes"])
    monkeypatch.setattr(column_files, "LARGEST_WHOLE", 50)
    monkeypatch.setattr(column_files, "READ_AT_ONCE", 70)
    assert sorted_by([file], tmp_path / "parts.arrow", ["bytes"]).equals(expected)
    with ColumnFiles([file]) as files:
        assert [len(part) for part in files.column("src_first")] == [70, 70, 70, 70, 20]
        assert {len(part) for part in files.column("site")} == {70, 20}


def test_words_count_as_what_is_held(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_files, "LONGEST", 5)
    with ColumnFiles([file]) as files, pytest.raises(LongColumnError):
        list(files.column("cause"))


@pytest.mark.parametrize("taken", [0, 50])
def test_without_room_for_columns_records_are_sorted_whole(
    taken: int, file: str, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = sorted_by([file], tmp_path / "room.arrow", ["bytes"])
    left, original = iter(range(taken)), os.pwrite

    def nearly_full(descriptor: int, data: memoryview, place: int) -> int:
        if next(left, None) is None:
            raise FULL
        return original(descriptor, data[: max(1, len(data) // 2)], place)

    monkeypatch.setattr(os, "pwrite", nearly_full)
    assert sorted_by([file], output, ["bytes"]).equals(expected)
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_without_a_place_for_temporary_files_records_are_sorted_whole(
    file: str, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = sorted_by([file], output, ["bytes"])

    def nowhere(**_: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", nowhere)
    assert sorted_by([file], output, ["bytes"]).equals(expected)


def test_a_full_disk_is_named_and_keeps_the_file_that_was_there(
    file: str, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted_by([file], output, ["bytes"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        assert main(["rasort", "-r", file, "-w", str(output)]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert f"{output}: File too large" in capsys.readouterr().err
    assert [path.name for path in output.parent.iterdir()] == [output.name]
    assert frame(output).equals(before)
    assert main(["rasort", "-r", file, "-w", "/dev/full"]) == 2
    assert "/dev/full: No space left on device" in capsys.readouterr().err


def test_what_goes_wrong_in_a_thread_is_told_and_leaves_no_file(
    file: str, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.delenv("ARGOSY_DEBUG", raising=False)
    called_first(ArrowColumns, "put", monkeypatch, broken)
    assert main(["rasort", "-r", file, "-w", str(output)]) == 1
    assert "internal error, ZeroDivisionError" in capsys.readouterr().err
    assert not list(output.parent.iterdir())
