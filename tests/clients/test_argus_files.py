"""Files of Argus wherever records are read and written, whatever they are called and compressed with."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clients.main import main
from clients.reading.source_names import record_files
from tests.argus_records import argus_tools, run_ra

if TYPE_CHECKING:
    import pytest

SAMPLE = Path(__file__).parents[1] / "topics" / "argus" / "sample.argus"
COMMAND = ("ra", "-nn", "-u", "-c", ",", "-s", "stime", "saddr", "daddr", "pkts", "bytes", "-L", "-1")


def printed(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    assert main([*COMMAND, *options]) == 0
    return capsys.readouterr().out.splitlines()


def test_ra_reads_them_by_what_is_in_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = SAMPLE.read_bytes()
    contents = {
        "plain.argus": data,
        "x.gz": gzip.compress(data),
        "x.bz2": bz2.compress(data),
        "x.xz": lzma.compress(data),
    }
    contents["argus.2026.11.21.out"] = data + data
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    whole = printed(capsys, "-r", str(SAMPLE))
    assert len(whole) > 500
    for name in contents:
        expected = whole * 2 if name.endswith(".out") else whole
        assert printed(capsys, "-r", str(tmp_path / name)) == expected
    assert len(record_files(str(tmp_path))) == 5
    assert len(printed(capsys, "-R", str(tmp_path), "-", "tcp and dst port 80")) == 6 * len(
        printed(capsys, "-r", str(SAMPLE), "-", "tcp and dst port 80")
    )


def test_a_pipe_may_carry_them(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    piped = io.TextIOWrapper(io.BufferedReader(io.BytesIO(SAMPLE.read_bytes())))
    monkeypatch.setattr(sys, "stdin", piped)
    assert len(printed(capsys, "-r", "-", "-", "tcp")) > 50


def test_damage_names_file_and_offset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (("cut", SAMPLE.read_bytes()[:1000]), ("cut.gz", gzip.compress(SAMPLE.read_bytes())[:9000])):
        (tmp_path / name).write_bytes(content)
        assert main([*COMMAND, "-r", str(tmp_path / name)]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"argosy ra: {tmp_path / name}: ")
        assert " at offset " in error


def test_what_is_written_ra_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argus_tools()
    out = tmp_path / "merged.argus"
    assert main(["racluster", "-r", str(SAMPLE), "-m", "proto", "saddr/16", "-w", str(out), "-", "ip"]) == 0
    fields = ("-nn", "-c", ",", "-L", "-1", "-s", "proto", "saddr", "pkts", "bytes", "trans")
    theirs = run_ra(out, *fields).splitlines()
    assert main(["ra", "-r", str(out), *fields]) == 0
    assert capsys.readouterr().out.splitlines() == theirs
    assert any(",10.20.0.0," in line for line in theirs)
    assert main(["ra", "-r", str(out), "-L", "-1", "-s", "smask", "-", "tcp and ipv4"]) == 0
    assert set(capsys.readouterr().out.split()) == {"16"}
