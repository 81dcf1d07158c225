"""What a whole process costs: CPU seconds by the operating system's account."""

from __future__ import annotations

import os
import statistics
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds (user and system), wall seconds and peak memory in MB of one run; the system's share of the CPU."""

    cpu: float
    wall: float
    megabytes: float
    system: float = 0.0


def run(command: Sequence[str], place: str | None = None, statuses: Sequence[int] = (0,)) -> Cost:
    """Run a command that has to end with one of these statuses, its output thrown away; in a directory."""
    import time

    # An installed command finds its modules compiled; in some shells Python is told not to keep them so.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, cwd=place)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    message = process.stderr.read().decode("utf-8", "replace") if process.stderr else ""
    if process.stderr:
        process.stderr.close()
    if process.returncode not in statuses:
        raise RuntimeError(f"{' '.join(command)}: exit {process.returncode}: {message[-300:]}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, usage.ru_stime)


def median_cpu(command: Sequence[str], runs: int) -> float:
    """Return the median CPU seconds of some runs."""
    return statistics.median(run(command).cpu for _ in range(runs))


def median_wall(command: Sequence[str], runs: int) -> float:
    """Return the median wall seconds of some runs."""
    return statistics.median(run(command).wall for _ in range(runs))


def beyond(commands: Sequence[Sequence[str]], runs: int, place: str | None = None) -> Cost:
    """Return what the second command costs more than the first, medians of some runs in turn, and its memory."""
    costs = [[run(command, place, statuses=(0, 1)) for command in commands] for _ in range(runs)]
    few, many = ([pair[which] for pair in costs] for which in range(2))
    cpu = statistics.median(cost.cpu for cost in many) - statistics.median(cost.cpu for cost in few)
    wall = statistics.median(cost.wall for cost in many) - statistics.median(cost.wall for cost in few)
    return Cost(max(0.001, cpu), max(0.001, wall), max(cost.megabytes for cost in many))
