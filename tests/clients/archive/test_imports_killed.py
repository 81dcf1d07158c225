"""An import that is killed again and again is resumed, and in the end everything is there once."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import polars as pl

from clients.main import main

SAMPLE = Path(__file__).parents[2] / "topics" / "argus" / "sample.argus"
FILES, LONG = 4, 120.0
TURNS = (2, 1, 2)  # the file of each run in which it is killed
# Ends itself with kill -9 in the so-many-th file, at the so-many-th call that taking it over makes, be it of Python or
# of C; tells how many calls the last file took.
IMPORT = """
import os, signal, sys
from clients.archive import imports
from clients.main import main

files, left = int(sys.argv[1]), int(sys.argv[2])
taken = 0

def count(*_):
    global taken
    taken += 1
    if files == 0 and taken == left:
        os.kill(os.getpid(), signal.SIGKILL)

take = imports._import

def counted(*given):
    global files, taken
    files, taken = files - 1, 0
    sys.setprofile(count)
    try:
        return take(*given)
    finally:
        sys.setprofile(None)

imports._import = counted
status = main(["archive", "import", *sys.argv[3:]])
print("calls:", taken)
sys.exit(status)
"""


def started(file: int, calls: int, archive: Path, years: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", IMPORT, str(file), str(calls), str(archive), "-R", str(years)]
    return subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=False)


def counted(place: str) -> tuple[int, int, int]:
    found = pl.scan_parquet(place).select(
        pl.len(),
        (pl.col("src_packets") + pl.col("dst_packets")).sum().alias("packets"),
        (pl.col("src_bytes") + pl.col("dst_bytes")).sum().alias("bytes"),
    )
    records, packets, octets = found.collect().row(0)
    return int(records), int(packets), int(octets)


def test_killed_at_any_moment_it_goes_on(tmp_path: Path) -> None:
    years, archive, whole = tmp_path / "years", tmp_path / "archive", tmp_path / "whole"
    for number in range(FILES):
        path = years / f"2019/{number:02}" / "argus.out"
        path.parent.mkdir(parents=True)
        path.write_bytes(SAMPLE.read_bytes())
    done = started(0, 0, whole, years)
    assert done.returncode == 0, done.stderr
    found = re.search(r"calls: (\d+)", done.stdout)
    assert found
    chance = Random(11)
    expected = counted(f"{whole}/**/*.parquet")
    kept = 0
    for file in TURNS:
        killed = started(file, chance.randrange(1, int(found[1])), archive, years)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        visible = sorted(archive.rglob("[!.]*.parquet"))
        assert len(visible) >= kept
        kept = len(visible)
        for path in visible:
            assert counted(str(path)) == tuple(count // FILES for count in expected), f"{path} is not whole"
    done = started(0, 0, archive, years)
    assert f"{FILES - kept} files imported, {kept} were there" in done.stdout
    assert 1 < kept < FILES, "kills came too early, or too late"
    assert counted(f"{archive}/**/*.parquet") == expected
    names = {str(path.relative_to(archive)) for path in archive.rglob("*") if path.is_file()} - {".argosy.archive.lock"}
    assert names == {f"2019/{number:02}/argus.out.parquet" for number in range(FILES)}, "something is left behind"
    assert main(["archive", "verify", str(archive), "-q"]) == 0
