"""The probe beside the real one on everything that packets are wrapped in, with other options too.

What differs on purpose is in docs/reference/argus-differences.md; here are only wrappings that argus opens.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.traffic.encapsulated import encapsulated_frames
from tests.traffic.pcap import write_pcap

if TYPE_CHECKING:
    from pathlib import Path

KEY = ("proto", "saddr", "sport", "daddr", "dport")
ESP = "50"
NOT_FOLLOWED = {"sappbytes", "dappbytes", "sloss", "dloss", "tcprtt", "ackdat"}
TIMES = {"stime", "ltime"}
FIELDS = [
    *("stime", "ltime", *KEY, "spkts", "dpkts", "sbytes", "dbytes", "sappbytes", "dappbytes", "state", "sttl", "dttl"),
    *("stos", "dtos", "smac", "dmac", "svid", "dvid", "sloss", "dloss", "tcprtt", "synack", "ackdat", "swin", "dwin"),
    *("stcpb", "dtcpb", "sintpkt", "dintpkt", "sjit", "djit", "smaxsz", "sminsz", "dmaxsz", "dminsz"),
]
Flows = dict[tuple[str, ...], dict[str, str]]


def agree(field: str, theirs: str, ours: str) -> bool:
    """Whether two cells say the same: integers and text exactly, times within 1.5 us, other numbers within 0.1 %."""
    if theirs == ours:
        return True
    try:
        a, b = float(theirs or 0), float(ours or 0)
    except ValueError:
        return False
    if field in TIMES:
        return abs(a - b) <= 1.5e-6
    if "." in theirs + ours:
        return abs(a - b) <= max(2e-6, 1e-3 * max(abs(a), abs(b)))
    return a == b


def on_purpose(key: tuple[str, ...], field: str) -> bool:
    """Whether docs/reference/argus-differences.md has this."""
    protocol, source, _, _, port = key
    two_tags = source.startswith(("10.3.", "2001:db8:3:")) and field in {"svid", "dvid"}
    numbered_gre = source.startswith("2001:db8:10:") and field in NOT_FOLLOWED
    fragments = port == "2222" and field in {"sappbytes", "sintpkt", "sminsz"}
    stream = port == "17000" and field == "sappbytes"
    error = port == "9999" and field == "ltime"
    groups = protocol == "2" and field == "sintpkt"
    frames = protocol == "35020" and field == "state"
    return two_tags or numbered_gre or fragments or stream or error or groups or frames


def flows(probe: list[str], racluster: list[str], fields: list[str]) -> Flows:
    records = subprocess.run(probe, capture_output=True, check=True, timeout=300)
    asked = ["-M", "norep", "-nn", "-u", "-c", ",", "-p", "6", "-L", "-1", "-s", *fields, "-", "not", "man"]
    done = subprocess.run([*racluster, *asked], input=records.stdout, capture_output=True, check=True, timeout=300)
    rows = csv.reader(done.stdout.decode("latin-1").splitlines())
    named = [dict(zip(fields, (cell.strip() for cell in row), strict=True)) for row in rows]
    for row in named:
        if row["proto"] == ESP:
            row["dport"] = row["dport"][-4:]  # ra prints the first half of every SPI as two blanks
    return {tuple(row[name] for name in KEY): row for row in named}


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (shutil.which("argus") and shutil.which("racluster")):
        pytest.skip("needs the real argus: apt-get install argus-server argus-client")
    path = tmp_path_factory.mktemp("encapsulations") / "encapsulations.pcap"
    write_pcap(path, encapsulated_frames())
    return path


def both(capture: Path, options: list[str], fields: list[str]) -> tuple[Flows, Flows]:
    argosy = [sys.executable, "-m", "clients.main"]
    whole = ["-AJRZm", *options, "-r", str(capture), "-w", "-"]
    theirs = flows(["argus", "-X", *whole], ["racluster", "-X", "-r", "-"], fields)
    ours = flows([*argosy, "probe", *whole], [*argosy, "racluster", "-r", "-"], fields)
    return theirs, ours


@pytest.mark.timeout(600)
@pytest.mark.parametrize("options", [["-S", "5"], ["-S", "0.5"], ["-S", "5", "-U", "64"]], ids=" ".join)
def test_wrapped_flows_are_found_and_measured_as_by_argus(capture: Path, options: list[str]) -> None:
    theirs, ours = both(capture, options, FIELDS)
    assert len(theirs) > 100
    assert theirs.keys() == ours.keys()
    parted = [
        (key, field, theirs[key][field], ours[key][field])
        for key in theirs.keys() & ours.keys()
        for field in FIELDS
        if not agree(field, theirs[key][field], ours[key][field]) and not on_purpose(key, field)
    ]
    assert parted == []


@pytest.mark.timeout(600)
def test_payload_is_that_of_argus(capture: Path) -> None:
    fields = [*KEY, "suser:64", "duser:64"]
    theirs, ours = both(capture, ["-S", "5", "-U", "64"], fields)
    web = [key for key in theirs if key in ours and key[0] == "6"]
    assert len(web) > 20
    for key in web:
        assert (theirs[key]["suser:64"], theirs[key]["duser:64"]) == (ours[key]["suser:64"], ours[key]["duser:64"])
