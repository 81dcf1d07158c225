"""Command lines as they stand in articles on Argus, and what their readers expect of them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sinks.formats import open_writer
from tests.argus_records import read_argus

RECORDS = Path(__file__).parents[1] / "topics" / "argus" / "sample.argus"
TOOLS = ("ra", "racluster", "rasort", "ranonymize", "rafilteraddr")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with records F, the same below DIR, a list of addresses, and the tools under their own names."""
    directory = tmp_path_factory.mktemp("articles")
    with open_writer(str(directory / "F")) as writer:
        writer.write(read_argus(RECORDS))
    (directory / "DIR").mkdir()
    shutil.copy(directory / "F", directory / "DIR" / "flows.arrow")
    (directory / "LIST").write_text("10.20.1.21\n")
    (directory / "bin").mkdir()
    for tool in TOOLS:
        script = directory / "bin" / tool
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m clients.main {tool} "$@"\n')
        script.chmod(0o755)
    return directory


def typed(line: str, place: Path) -> list[list[str]]:
    """Run a line in a shell, and return the words of the lines it prints."""
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PATH": f"{place / 'bin'}:{os.environ['PATH']}", "TZ": "UTC", "PYTHONPATH": root}
    done = subprocess.run(["sh", "-c", line], cwd=place, env=environment, capture_output=True, timeout=110, check=False)
    assert done.stderr == b""
    return [text.split() for text in done.stdout.decode().splitlines()]


def test_merging_by_hosts(place: Path) -> None:
    found = typed("racluster -r F -m saddr daddr -c, -s saddr daddr - 'tcp and dst port 25'", place)
    assert found[0] == ["SrcAddr,DstAddr"]
    assert len(found) > 1
    assert all(row[0].count(",") == 1 for row in found)


def test_printing_chosen_fields(place: Path) -> None:
    fields = "stime proto saddr sport daddr dport spkts sappbytes dpkts dappbytes state"
    found = typed(f"ra -u -n -r F -s {fields} - tcp", place)
    assert found[0][0] == "StartTime"
    assert float(found[1][0]) > 1_700_000_000
    assert {row[1] for row in found[1:]} == {"tcp"}


def test_sorting_what_was_merged(place: Path) -> None:
    found = typed("racluster -M norep -m saddr daddr -u -n -r F -w - - tcp | rasort -r - -m bytes -L0 -s bytes", place)
    sizes = [int(row[0]) for row in found[1:]]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) > 10


def test_merging_a_directory_into_a_file(place: Path) -> None:
    assert typed("racluster -R DIR -w OUT - tcp && ra -r OUT -L -1 -s proto | sort -u", place) == [["tcp"]]


def test_merging_what_was_made_anonymous(place: Path) -> None:
    found = typed("ranonymize -r F -w - | racluster -r - -m saddr daddr -s saddr daddr - tcp", place)
    assert len(found) > 10
    assert not [row for row in found if row[0].startswith("10.20.")]


def test_sorting_countries_into_a_file(place: Path) -> None:
    assert typed("racluster -m sco -r F -w - | rasort -m pkts -w G", place) == []
    assert typed("ra -r G -L -1 -s trans", place) == [["655"]]


def test_merging_nothing_and_other_columns(place: Path) -> None:
    assert len(typed("racluster -m none -r F", place)) == 656
    assert typed("ra -r F -t -2h5m+5m", place) == []  # long ago
    assert typed("ra -r F -s +sappbytes:5 -N 1", place)[0][-1] == "SAppB"
    assert "Flgs" not in typed("ra -r F -s -flgs -N 1", place)[0]
    assert typed("ra -n -r F - udp dst port 9996", place) == []
    assert len(typed("rafilteraddr -f LIST -vr F", place)) < 655
