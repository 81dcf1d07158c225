"""The probe and racluster beside the real ones, on the sample capture."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys

import pytest

from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames

FIELDS = [
    *("stime", "proto", "saddr", "sport", "daddr", "dport", "spkts", "dpkts", "sbytes", "dbytes"),
    *("sappbytes", "dappbytes", "state", "sttl", "dttl", "tcprtt", "stcpb"),
]
KEY = ("proto", "saddr", "sport", "daddr", "dport")
ASK = ["-M", "norep", "-nn", "-u", "-c", ",", "-p", "6", "-L", "-1", "-s", *FIELDS, "-", "not", "man"]
Flows = dict[tuple[str, ...], dict[str, str]]


def flows(probe: list[str], racluster: list[str]) -> Flows:
    records = subprocess.run(probe, capture_output=True, check=True, timeout=60)
    text = subprocess.run(racluster, input=records.stdout, capture_output=True, check=True, timeout=60).stdout.decode()
    rows = [dict(zip(FIELDS, (cell.strip() for cell in row), strict=True)) for row in csv.reader(text.splitlines())]
    return {tuple(row[name] for name in KEY): row for row in rows}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Flows, Flows]:
    if not (shutil.which("argus") and shutil.which("racluster")):
        pytest.skip("needs the real argus: apt-get install argus-server argus-client")
    path = tmp_path_factory.mktemp("differential") / "sample.pcap"
    write_pcap(path, sample_frames(1))
    argosy = [sys.executable, "-m", "clients.main"]
    options = ["-AJRZm", "-S", "5", "-r", str(path), "-w", "-"]
    counting = ["--count-copies"]  # the sample has a port that is mirrored both ways, on purpose
    theirs = flows(["argus", "-X", *options], ["racluster", "-X", "-r", "-", *ASK])
    ours = flows([*argosy, "probe", *counting, *options], [*argosy, "racluster", "-r", "-", *ASK])
    return theirs, ours


def test_the_flows_of_argus_are_found(both: tuple[Flows, Flows]) -> None:
    theirs, ours = both
    assert len(theirs) > 400
    missing = [key for key in theirs if key not in ours]
    assert len(missing) <= 0.03 * len(theirs), missing[:5]


@pytest.mark.parametrize("field", [name for name in FIELDS if name not in KEY])
def test_fields_agree(both: tuple[Flows, Flows], field: str) -> None:
    theirs, ours = both
    common = [key for key in theirs if key in ours]
    parted = [(key, theirs[key][field], ours[key][field]) for key in common if theirs[key][field] != ours[key][field]]
    assert len(parted) <= 0.02 * len(common), parted[:5]
