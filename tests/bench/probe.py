"""The probe beside argus: CPU seconds per packet, start-up told apart by the difference of two files."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.processes import run

if TYPE_CHECKING:
    from pathlib import Path

SMALL, LARGE = 2_000_000, 6_000_000


@dataclass(frozen=True, slots=True)
class Marginal:
    """Packets per CPU second once started, and the CPU seconds of starting."""

    rate: float
    start: float


def captures(build: Path) -> tuple[Path, Path]:
    """Return the two captures, made first when they are missing."""
    paths = []
    for packets in (SMALL, LARGE):
        path = build / f"bench-{packets // 1_000_000}m.pcap"
        if not path.exists():
            command = [sys.executable, "-m", "tests.traffic", "bulk", str(path), "--packets", str(packets)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        paths.append(path)
    return paths[0], paths[1]


def _marginal(small: list[float], large: list[float]) -> Marginal:
    a, b = statistics.median(small), statistics.median(large)
    each = (b - a) / (LARGE - SMALL)
    return Marginal(1 / each, max(0.0, a - each * SMALL))


def _into_page_cache(path: Path) -> None:
    """Read a file once, or who comes first pays for it."""
    buffer = bytearray(1 << 22)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def measure(argosy: str, build: Path, runs: int, options: tuple[str, ...] = ()) -> tuple[Marginal, Marginal | None]:
    """Return what argosy and argus (None when it is not installed) need with the same options, their runs in turn."""
    files = captures(build)
    commands = {"argosy": [argosy, "probe", *options, "-w", str(build / "bench.arrow"), "-r"]}
    if shutil.which("argus"):
        commands["argus"] = ["argus", "-X", *options, "-w", str(build / "bench.argus"), "-r"]
    seconds: dict[tuple[str, Path], list[float]] = {}
    for path in files:
        _into_page_cache(path)
    for name, command in commands.items():
        run([*command, str(files[0])])  # its kernels are loaded from a warm cache after this
        (build / "bench.argus").unlink(missing_ok=True)
        seconds |= {(name, path): [] for path in files}
    for _ in range(runs):
        for path in files:
            for name, command in commands.items():
                (build / "bench.argus").unlink(missing_ok=True)
                seconds[name, path].append(run([*command, str(path)]).cpu)
    found = {name: _marginal(seconds[name, files[0]], seconds[name, files[1]]) for name in commands}
    return found["argosy"], found.get("argus")
