"""Merging beside racluster: the status records of one capture, several times over."""

from __future__ import annotations

import shutil
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from processors.merge import Aggregation, FlowMerge
from tests.bench.probe import captures
from tests.bench.processes import median_cpu, run
from tests.bench.records import status_batches

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COPIES = 5


@dataclass(frozen=True, slots=True)
class MergeRates:
    """Records per CPU second: our racluster, our stream merge, and racluster itself where it is installed."""

    aggregation: float
    stream: float
    racluster: float | None


def _rate(records: int, work: Callable[[], None], runs: int) -> float:
    work()
    seconds = []
    for _ in range(runs):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return records / statistics.median(seconds)


def measure(build: Path, runs: int) -> MergeRates:
    """Merge the records of the smaller bench capture, reported every second."""
    capture = captures(build)[0]
    batches = status_batches(capture)
    records = sum(len(batch) for batch in batches)

    def aggregate() -> None:
        aggregation = Aggregation()
        for _ in range(COPIES):
            for batch in batches:
                aggregation.add(batch)
        aggregation.finish()

    def stream() -> None:
        merge = FlowMerge()
        for batch in batches:
            merge.process(batch)
        merge.flush()

    aggregated, streamed = _rate(COPIES * records, aggregate, runs), _rate(records, stream, runs)
    return MergeRates(aggregated, streamed, _racluster(capture, build, runs))


def _racluster(capture: Path, build: Path, runs: int) -> float | None:
    if not (shutil.which("argus") and shutil.which("racluster") and shutil.which("racount")):
        return None
    argus = build / "bench-1s.argus"
    argus.unlink(missing_ok=True)
    run(["argus", "-X", "-S", "1", "-r", str(capture), "-w", str(argus)])
    count = _records(str(argus))
    return COPIES * count / median_cpu(["racluster", "-X", "-r", *[str(argus)] * COPIES, "-w", "-"], runs)


def _records(path: str) -> int:
    import subprocess

    printed = subprocess.run(["racount", "-X", "-r", path], capture_output=True, text=True, check=True).stdout
    return int(printed.splitlines()[1].split()[1])
