"""Inventories beside the tools of Argus they stand for: two million records, start-up and a small file taken off."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.clients import records
from tests.bench.processes import Cost, beyond, run

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALL = Path(__file__).parents[1] / "topics" / "argus" / "sample.argus"
ACL = """\
access-list 100 permit tcp any any eq 443
access-list 100 permit udp any 10.20.0.0 0.0.255.255 eq 53
access-list 100 deny tcp any any range 20 23
access-list 100 permit tcp 10.20.0.0 0.0.255.255 any eq 80
access-list 100 permit icmp any any
"""
CONF = 'RA_POLICY_JUST_LABEL="yes"\nRA_POLICY_LABEL_ALL="yes"\nRA_POLICY_ACL_FILE="{acl}"\n'
# rahosts asks POSIX for the name of a temporary file, which Perl took away in 5.26.
OLD_PERL = "package OldPerl; use POSIX (); { no warnings; *POSIX::tmpnam = sub { '/nonexistent/rahosts' }; } 1;\n"
LABELS = ("-L", "-1", "-s", "label")
# Ours, and what stands in front of the records for theirs; {place} is a directory with access list and configuration.
WORK: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "rahosts": (("rahosts", "-M", "src"), ("perl", "-I{place}", "-MOldPerl", "/usr/bin/rahosts", "-r")),
    "raports": (("raports", "-M", "all", "hosts"), ("/usr/bin/raports", "-n", "-r")),
    "radark": (
        ("radark", "-M", "outside", "-l", "10.20.0.0/16"),
        ("/usr/bin/radark", "-L", "10.20.0.0/16", "-f", "-R"),
    ),
    "rapolicy": (
        ("rapolicy", "-f", "{place}/rapolicy.conf", *LABELS),
        ("rapolicy", "-X", "-f", "{place}/rapolicy.conf", *LABELS, "-r"),
    ),
    "rarpwatch": (("rarpwatch",), ("rarpwatch", "-X", "-r")),
    "rapath": (("rapath",), ("rapath", "-X", "-r")),
    "rascan": (("rascan",), ()),
    "racompare": (("racompare", "-t", "2026/03/10.09:15-09:30", "--before", "2026/03/10.09:00-09:15"), ()),
}


@dataclass(frozen=True, slots=True)
class Beside:
    """What the records cost ours and theirs beyond a small file; seconds, and MB in all."""

    ours: Cost
    theirs: Cost | None


def small(argosy: str, build: Path) -> Path:
    """Return a file of a few records, made when it is missing."""
    few = build / "bench-small.parquet"
    if not few.exists():
        sample = build / "sample.pcap"
        run([sys.executable, "-m", "tests.traffic", "sample", str(sample)])
        run([argosy, "probe", "-r", str(sample), "-w", str(few)])
    return few


def measure(argosy: str, build: Path, name: str, runs: int) -> Beside:
    """Ask the same of both, of many records and of few."""
    many, theirs = records(argosy, build)
    few = small(argosy, build)
    command, peer = WORK[name]
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "acl").write_text(ACL)
        (Path(place) / "rapolicy.conf").write_text(CONF.format(acl=Path(place) / "acl"))
        (Path(place) / "OldPerl.pm").write_text(OLD_PERL)
        ours = [[argosy, *_put(command, place), "-r", str(file)] for file in (few.resolve(), many.resolve())]
        found = beyond(ours, runs, place)
        if not peer or theirs is None or shutil.which(peer[0]) is None:
            return Beside(found, None)
        others = [[*_put(peer, place), str(file)] for file in (SMALL, theirs.resolve())]
        return Beside(found, beyond(others, max(1, runs // 2), place))


def _put(words: Sequence[str], place: str) -> list[str]:
    return [word.format(place=place) for word in words]
