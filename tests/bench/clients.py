"""The clients beside Argus's own: two million records, made from the same capture, wall and CPU seconds.

Each work is done with a few records, too: what is left of the whole process is what two million of them cost.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.bench.probe import captures
from tests.bench.processes import Cost, run

if TYPE_CHECKING:
    from pathlib import Path

COPIES = 4
FEW = 1000  # records
NAMED = {"none": "UNCOMPRESSED"}  # of what compresses columns, as footers have it
ANSWERED = (0, 1)  # exit statuses: some record was selected, or none
FIELDS = (
    *("stime", "ltime", "dur", "proto", "saddr", "sport", "dir", "daddr", "dport", "state", "flgs"),
    *("spkts", "dpkts", "sbytes", "dbytes", "sttl", "dttl", "tcprtt", "srcid", "trans"),
)
SCAN = ("-", "tcp", "and", "dst", "port", "443", "and", "pkts", "gt", "10")
TEN_TIMES = "ra, filter, the file ten times"  # so that starts count for little
# What is asked of both: the tool, its options, and whether it writes records.
WORK: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "ra, filter": ("ra", ("-q", *SCAN), False),
    TEN_TIMES: ("ra", ("-q", *SCAN), False),
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
    "rabins, 10 s by proto, listed": (
        "rabins",
        ("-n", "-c", ",", "-M", "time", "10s", "-m", "proto", "-s", "stime", "proto", "trans", "pkts", "bytes"),
        False,
    ),
    "racount": ("racount", (), False),
}


@dataclass(frozen=True, slots=True)
class Beside:
    """What our tool and theirs cost, None where it is not installed, for so many records; `few` for a few of them."""

    ours: Cost
    theirs: Cost | None
    records: int
    few: Beside | None = None


def records(argosy: str, build: Path) -> tuple[Path, Path | None]:
    """Return the records as Parquet and, where argus is installed, as it writes them; made when they are missing."""
    ours, theirs = build / "bench-records.parquet", build / "bench-records.argus"
    capture = captures(build)[1]
    if not ours.exists() or not _is_current(ours):
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


def _is_current(path: Path) -> bool:
    """Tell whether a file has what this version writes: what readers go by in its footer, and compressed columns."""
    import pyarrow.parquet as pq

    from sinks.formats import footer
    from sinks.formats.parquet_columns import COMPRESSIONS

    metadata = pq.read_metadata(path)
    if footer.METADATA_KEY.encode() not in (metadata.metadata or {}):
        return False
    group = metadata.row_group(0)
    columns = (group.column(number) for number in range(group.num_columns))
    found = {column.path_in_schema: column.compression for column in columns}
    return found == {name: NAMED.get(codec, codec.upper()) for name, codec in COMPRESSIONS.items()}


def few(argosy: str, build: Path) -> tuple[Path, Path | None]:
    """Return the first records of both files in files of their own."""
    ours, theirs = records(argosy, build)
    few_ours, few_theirs = build / "bench-few.parquet", build / "bench-few.argus"
    run([argosy, "ra", "-r", str(ours), "-N", str(FEW), "-w", str(few_ours)])
    if theirs is None:
        return few_ours, None
    few_theirs.unlink(missing_ok=True)
    run(["ra", "-X", "-r", str(theirs), "-N", str(FEW), "-w", str(few_theirs)])
    return few_ours, few_theirs


def measure(argosy: str, build: Path, name: str, runs: int) -> Beside:
    """Do one work with both tools in turn, a warm-up first, with all records and with a few."""
    all_of_them, first = records(argosy, build), few(argosy, build)
    commands = [_commands(argosy, build, name, *files) for files in (all_of_them, first)]
    number = count(argosy, all_of_them[0]) * _times(name)
    fewer = beside(commands[1], runs, FEW)
    return replace(beside(commands[0], runs, number), few=fewer)


def _commands(argosy: str, build: Path, name: str, ours: Path, theirs: Path | None) -> list[list[str]]:
    tool, options, writes = WORK[name]
    output = str(build / "bench-output.arrow")
    times = _times(name)
    commands = [[argosy, tool, "-r", *[str(ours)] * times, *(("-w", output) if writes else ()), *options]]
    if theirs is not None and shutil.which(tool):
        commands.append([tool, "-X", "-r", *[str(theirs)] * times, *(("-w", "-") if writes else ()), *options])
    return commands


def _times(name: str) -> int:
    """Return how often a work is given its file."""
    return 10 if name == TEN_TIMES else 1


def beside(commands: list[list[str]], runs: int, records: int) -> Beside:
    """Run ours and, if there is a second one, theirs in turn, a warm-up first."""
    costs: list[list[Cost]] = [[] for _ in commands]
    for _ in range(runs + 1):
        for command, found in zip(commands, costs, strict=True):
            found.append(run(command, statuses=ANSWERED))
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
