"""Pictures of two million records, beside the tools of Argus: wall and CPU seconds, memory."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.bench.clients import Beside, beside, count, records

if TYPE_CHECKING:
    from pathlib import Path

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
    # AfterGlow, likewise Perl, reads what this prints.
    "ratree, hosts": (
        ("ratree", "-w", "bench-picture.svg"),
        ("ra", "-X", "-c", ",", "-n", "-s", "saddr", "daddr", "bytes"),
    ),
}


def measure(argosy: str, build: Path, name: str, runs: int) -> Beside:
    """Do one work with both tools in turn."""
    ours, theirs = records(argosy, build)
    first, second = (
        [word.replace("bench-picture", str(build / "bench-picture")) for word in words] for words in WORK[name]
    )
    commands = [[argosy, *first, "-r", str(ours)]]
    if theirs is not None and second and shutil.which(second[0]):
        commands.append([*second, "-r", str(theirs)])
    return beside(commands, runs, count(argosy, ours))
