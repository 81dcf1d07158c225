"""What telling copies apart costs the whole probe, from a capture to a file of records.

A probe that judges and one that counts copies as packets take the same capture in turn, block by block, so that both
meet the same machine. What one process finds depends on where its memory lies, so several are asked.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from probes.captures import CaptureSource
from probes.flows.probe import ProbeSettings
from probes.sensor import Sensor
from sinks.formats import open_writer

if TYPE_CHECKING:
    from pathlib import Path

PROCESSES = 5
JUDGING, COUNTING = range(2)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU ns a packet of a probe that judges, the median of processes; how many times that of one that counts."""

    judged: float
    ratio: float
    worst: float  # ratio of a process


class _Probe:
    """A probe on its way through a capture."""

    def __init__(self, capture: str, records: str, *, count_copies: bool) -> None:
        self._blocks = iter(CaptureSource([capture]))
        self._sensor = Sensor(ProbeSettings(count_copies=count_copies))
        self.writer = open_writer(records)
        self.ended = False

    def step(self) -> int:
        """Take the next block, at the end what is left in the table; return the CPU ns that it took."""
        begun = time.process_time_ns()
        block = next(self._blocks, None)
        for batch in self._sensor.flush() if block is None else self._sensor.take(block):
            self.writer.write(batch)
        self.ended = block is None
        return time.process_time_ns() - begun


def _round(capture: str, directory: str, odd: int) -> list[tuple[int, int]]:
    """Take a capture by both ways; return the CPU ns of each block. Who is first pays for bringing the bytes near."""
    with ExitStack() as stack:
        probes = [_Probe(capture, f"{directory}/{way}.arrow", count_copies=way == COUNTING) for way in range(2)]
        for probe in probes:
            stack.enter_context(probe.writer)
        spent: list[tuple[int, int]] = []
        while not spent or not probes[JUDGING].ended:
            turns = (JUDGING, COUNTING) if (len(spent) + odd) % 2 else (COUNTING, JUDGING)
            took = {way: probes[way].step() for way in turns}
            spent.append((took[JUDGING], took[COUNTING]))
    return spent


def in_this_process(capture: str, rounds: int) -> tuple[float, float]:
    """Return the CPU ns of the capture by both ways: of each block the median of the rounds."""
    with tempfile.TemporaryDirectory() as directory:
        _round(capture, directory, 0)
        spent = np.array([_round(capture, directory, number) for number in range(rounds)])
    judged, counted = np.median(spent, axis=0).sum(axis=0).tolist()
    return judged, counted


def cost(capture: Path, packets: int, rounds: int, processes: int = PROCESSES) -> Cost:
    """Return what judging the packets of a capture costs."""
    command = [sys.executable, "-m", __name__, str(capture), str(rounds)]
    found = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(processes)]
    ratios = [judged / counted for judged, counted in found]
    return Cost(statistics.median(judged for judged, _ in found) / packets, statistics.median(ratios), max(ratios))


if __name__ == "__main__":
    print(json.dumps(in_this_process(sys.argv[1], int(sys.argv[2]))))
