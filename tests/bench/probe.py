"""The probe beside argus: CPU seconds of a packet, start-up told apart by the difference of two files.

Machines that others use too are faster at one time than at another, so both tools take both files in each round, in the
order turned round from one to the next, and a round has a ratio of its own. What is told is the median of the rounds,
and how far half of them, and all, are apart.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.processes import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.bench.processes import Cost

FEW = 500_000  # packets, after which flows end as others begin
SMALL, LARGE = 2_000_000, 6_000_000
MICROSECOND = 1e-6


@dataclass(frozen=True, slots=True)
class Marginal:
    """Packets per CPU second once started, the CPU seconds of starting, and us a packet by user and system."""

    rate: float
    start: float
    user: float
    system: float


@dataclass(frozen=True, slots=True)
class Beside:
    """Both tools, and the ratio of each round, rising; without argus there are none."""

    ours: Marginal
    argus: Marginal | None
    ratios: Sequence[float]


def captures(build: Path) -> tuple[Path, Path]:
    """Return the two captures, made first when they are missing."""
    return _capture(build, SMALL), _capture(build, LARGE)


def _capture(build: Path, packets: int) -> Path:
    name = f"{packets // 1_000_000}m" if packets % 1_000_000 == 0 else f"{packets // 1000}k"
    path = build / f"bench-{name}.pcap"
    if not path.exists():
        command = [sys.executable, "-m", "tests.traffic", "bulk", str(path), "--packets", str(packets)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def _each(few: Sequence[Cost], many: Cost) -> float:
    """Return the CPU seconds of a packet beyond the start, which is that of all rounds, so that it varies less."""
    return (many.cpu - statistics.median(cost.cpu for cost in few)) / (LARGE - FEW)


def _marginal(few: Sequence[Cost], many: Sequence[Cost]) -> Marginal:
    each = statistics.median(_each(few, cost) for cost in many)
    system = statistics.median(cost.system for cost in many) - statistics.median(cost.system for cost in few)
    of_system = system / (LARGE - FEW)
    start = statistics.median(cost.cpu for cost in few) - each * FEW
    return Marginal(1 / each, max(0.0, start), (each - of_system) / MICROSECOND, of_system / MICROSECOND)


def _into_page_cache(path: Path) -> None:
    """Read a file once, or who comes first pays for it."""
    buffer = bytearray(1 << 22)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def measure(argosy: str, build: Path, rounds: int, options: tuple[str, ...] = ()) -> Beside:
    """Return what argosy and argus, where it is installed, need for the same files with the same options."""
    files = _capture(build, FEW), _capture(build, LARGE)
    commands = {"argosy": [argosy, "probe", *options, "-w", str(build / "bench.arrow"), "-r"]}
    if shutil.which("argus"):
        commands["argus"] = ["argus", "-X", *options, "-w", str(build / "bench.argus"), "-r"]
    for path in files:
        _into_page_cache(path)
    costs: dict[tuple[str, Path], list[Cost]] = {(name, path): [] for name in commands for path in files}
    for number in range(rounds + 1):
        for path in files:
            for name in sorted(commands, reverse=bool(number % 2)):
                if number == 0 and path == files[1]:
                    continue  # only to have kernels in the page cache
                (build / "bench.argus").unlink(missing_ok=True)  # argus would add to it
                cost = run([*commands[name], str(path)])
                if number:
                    costs[name, path].append(cost)
    found = {name: _marginal(costs[name, files[0]], costs[name, files[1]]) for name in commands}
    each = {name: [_each(costs[name, files[0]], cost) for cost in costs[name, files[1]]] for name in commands}
    ratios = sorted(theirs / ours for ours, theirs in zip(each["argosy"], each.get("argus", ()), strict=False))
    return Beside(found["argosy"], found.get("argus"), ratios)
