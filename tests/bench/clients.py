"""The clients beside Argus's own: two million records, made from the same capture, wall and CPU seconds."""

from __future__ import annotations

import shutil
import statistics
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.probe import captures
from tests.bench.processes import Cost, run

if TYPE_CHECKING:
    from pathlib import Path

COPIES = 4
FIELDS = (
    *("stime", "ltime", "dur", "proto", "saddr", "sport", "dir", "daddr", "dport", "state", "flgs"),
    *("spkts", "dpkts", "sbytes", "dbytes", "sttl", "dttl", "tcprtt", "srcid", "trans"),
)
SCAN = ("-", "tcp", "and", "dst", "port", "443", "and", "pkts", "gt", "10")
# What is asked of both: the tool, its options, and whether it writes records.
WORK: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "ra, filter": ("ra", ("-q", *SCAN), False),
    "ra, 20 fields": ("ra", ("-n", "-c", ",", "-u", "-s", *FIELDS), False),
    "rasort, bytes": ("rasort", ("-m", "bytes"), True),
    "rasort, listed": ("rasort", ("-n", "-c", ",", "-m", "bytes", "-s", "saddr", "daddr", "bytes"), False),
    "racluster": ("racluster", (), True),
    "racluster, hosts listed": (
        "racluster",
        ("-n", "-c", ",", "-m", "saddr", "daddr", "-s", "saddr", "daddr", "spkts", "dpkts", "sbytes", "dbytes"),
        False,
    ),
    "rabins, 10 s by proto": ("rabins", ("-M", "time", "10s", "-m", "proto"), True),
    "racount": ("racount", (), False),
}


@dataclass(frozen=True, slots=True)
class Beside:
    """What our tool and theirs cost, None where it is not installed, for so many records."""

    ours: Cost
    theirs: Cost | None
    records: int


def records(argosy: str, build: Path) -> tuple[Path, Path | None]:
    """Return the records as Parquet and, where argus is installed, as it writes them; made when they are missing."""
    ours, theirs = build / "bench-records.parquet", build / "bench-records.argus"
    capture = captures(build)[1]
    if not ours.exists():
        once = build / "bench-once.parquet"
        run([argosy, "probe", "-r", str(capture), "-w", str(once)])
        run([argosy, "ra", "-r", *[str(once)] * COPIES, "-w", str(ours)])
        once.unlink()
    if not shutil.which("argus"):
        return ours, None
    if not theirs.exists():
        once = build / "bench-once.argus"
        once.unlink(missing_ok=True)
        run(["argus", "-X", "-r", str(capture), "-w", str(once)])
        theirs.write_bytes(once.read_bytes() * COPIES)
        once.unlink()
    return ours, theirs


def measure(argosy: str, build: Path, name: str, runs: int) -> Beside:
    """Do one work with both tools in turn, a warm-up first."""
    tool, options, writes = WORK[name]
    ours, theirs = records(argosy, build)
    output = str(build / "bench-output.arrow")
    commands = [[argosy, tool, "-r", str(ours), *(("-w", output) if writes else ()), *options]]
    if theirs is not None and shutil.which(tool):
        commands.append([tool, "-X", "-r", str(theirs), *(("-w", "-") if writes else ()), *options])
    return beside(commands, runs, count(argosy, ours))


def beside(commands: list[list[str]], runs: int, records: int) -> Beside:
    """Run ours and, if there is a second one, theirs in turn, a warm-up first."""
    costs: list[list[Cost]] = [[] for _ in commands]
    for _ in range(runs + 1):
        for command, found in zip(commands, costs, strict=True):
            found.append(run(command))
    medians = [_median(found[1:]) for found in costs]
    return Beside(medians[0], medians[1] if len(medians) > 1 else None, records)


def _median(costs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.wall for cost in costs),
        max(cost.megabytes for cost in costs),
    )


def count(argosy: str, path: Path) -> int:
    printed = subprocess.run([argosy, "racount", "-r", str(path)], capture_output=True, text=True, check=True).stdout
    return int(printed.splitlines()[1].split()[1])
