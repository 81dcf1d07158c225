"""How well the probe tells copies from packets sent again, for each kind of fault, and what it costs to look."""

from __future__ import annotations

import statistics
import time
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from probes.flows.probe import FlowProbe, ProbeSettings
from tests.traffic.mirrored.conversations import clean
from tests.traffic.mirrored.faults import FAULTS
from tests.traffic.mirrored.render import blocks_of
from tests.traffic.mirrored.score import Score, score, verdicts_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probes.capture.packets import PacketBlock
    from tests.traffic.mirrored.table import Rows

PACKETS = 1_000_000
COST_PACKETS = 300_000
LOSS = 0.05


def kinds(packets: int) -> Iterator[tuple[str, Rows]]:
    """Yield a feed without a fault, then each fault, of about `packets` packets; by name."""
    yield "clean, 5 % loss", clean(packets, Random(1), LOSS)
    base = clean(packets // 2, Random(2), LOSS)
    for name, fault in FAULTS.items():
        yield name, fault(base, np.random.default_rng(1))


def scores(packets: int = PACKETS) -> Iterator[tuple[str, Score]]:
    """Yield how the verdicts on each feed compare with the truth."""
    for name, rows in kinds(packets):
        yield name, score(rows, verdicts_on(rows))


def _seconds(blocks: list[PacketBlock], *, count_copies: bool) -> float:
    """CPU seconds of the probe for the blocks."""
    probe = FlowProbe(ProbeSettings(count_copies=count_copies))
    begun = time.thread_time()
    for block in blocks:
        for _ in probe.observe(block):
            pass
    for _ in probe.flush():
        pass
    return time.thread_time() - begun


def cost(rows: Rows, runs: int) -> tuple[float, float]:
    """Nanoseconds of CPU a packet, with copies judged and without: medians of runs that take turns."""
    blocks = list(blocks_of(rows))
    _seconds(blocks, count_copies=False)
    pairs = [[_seconds(blocks, count_copies=way) for way in (False, True)] for _ in range(runs)]
    judged, plain = (statistics.median(times) / len(rows) * 1e9 for times in zip(*pairs, strict=True))
    return judged, plain
