"""Pictures of two million records beside the tools of Argus: what they cost beyond those of a small file."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.bench.clients import Beside, count, records
from tests.bench.inventories import SMALL, small
from tests.bench.processes import beyond

if TYPE_CHECKING:
    from pathlib import Path

ADDED_UP = "awk -F , '{ sums[$1 FS $2] += $3 } END { for (pair in sums) print pair, sums[pair] }' | sort -k2nr"
# What is asked of ours and, of Argus, of the tool that does most of the same work: ragraph is Perl around this call of
# rabins, and reads the half a million lines that it prints.
WORK: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ragraph, bytes by port": (
        ("ragraph", "sbytes", "dbytes", "dport", "-M", "10s", "-w", "bench-picture.png"),
        (
            "rabins",
            "-X",
            "-c",
            ",",
            "-M",
            "hard",
            "zero",
            "-p6",
            "-GL0",
            "-s",
            "ltime",
            "sbytes",
            "dbytes",
            "dport",
            "-M",
            "10s",
        ),
    ),
    "rahisto, durations": (
        ("rahisto", "-H", "dur", "100:0-10"),
        ("rahisto", "-X", "-H", "dur", "100:0-10"),
    ),
    # AfterGlow, Perl around such a pipe, is in no Debian: pairs are printed and added up, and no picture is made.
    "ratree, hosts": (
        ("ratree", "-w", "bench-picture.svg"),
        ("sh", "-c", f'ra -X -c , -n -s saddr daddr bytes "$@" | {ADDED_UP}', "ra"),
    ),
}


def measure(argosy: str, build: Path, name: str, runs: int) -> Beside:
    """Draw the same of many records and of few, with ours and with theirs."""
    many, theirs = records(argosy, build)
    first, second = (
        [word.replace("bench-picture", str(build / "bench-picture")) for word in words] for words in WORK[name]
    )
    ours = beyond([[argosy, *first, "-r", str(file)] for file in (small(argosy, build), many)], runs)
    found = None
    if theirs is not None and shutil.which(second[0]):
        found = beyond([[*second, "-r", str(file)] for file in (SMALL, theirs)], runs)
    return Beside(ours, found, count(argosy, many))
