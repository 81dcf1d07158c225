"""The line that counts what was read: on a terminal that shows nothing else, nowhere besides."""

import os
import pty
import sys
from pathlib import Path

import pytest

from clients import progress
from clients.main import main
from sinks.formats.column_files import ColumnFiles
from tests.clients.flows import ten, write
from topics.frame import ARROW_SCHEMA


@pytest.mark.parametrize("words", [["racluster", "-w", "flows.arrow"], ["rahosts"], ["rahisto", "-H", "dur", "2"]])
@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_for_terminals_alone(
    words: list[str],
    terminal: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    file = write(tmp_path / "flows.parquet", ten())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    reader, writer = pty.openpty() if terminal else os.pipe()
    with os.fdopen(writer, "w") as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", stream)
        assert main([*words, "-r", file]) == 0
        stream.write("end\n")
        stream.flush()
        said = b""
        while b"end" not in said:
            said += os.read(reader, 65536)
    os.close(reader)
    told = b"\r\x1b[K10 records, file 1 of 1\r\x1b[K" if terminal else b""
    assert said.replace(b"\r\n", b"\n") == told + b"end\n"  # a terminal makes two characters of the last one


def test_columns_that_are_put_into_order_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = write(tmp_path / "flows.parquet", ten())
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["rasort", "-r", file, "-w", str(tmp_path / "sorted.arrow")]) == 0
    said = capfdbinary.readouterr().err.decode().split("\r\x1b[K")
    with ColumnFiles([file]) as files:
        count = len(ARROW_SCHEMA) - sum(map(len, files.alike().values()))  # what is the same bytes is made once
    assert said[1:3] == ["10 records, file 1 of 1", ""]
    places = [*range(1, count + 1), count]  # once before the first, and after each
    assert said[3:] == [*(f"10 records, column {place} of {count}" for place in places), ""]
