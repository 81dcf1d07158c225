"""How well conversations that several probes saw are matched, by clocks that are wrong, and what it costs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from processors.observers import ObserverMatch
from tests.traffic.mirrored.conversations import clean
from tests.traffic.mirrored.points import Point, flow_numbers, flows_of, seen_by
from topics.batch import concatenate
from topics.verdicts import FURTHER, PRIMARY

if TYPE_CHECKING:
    from topics.batch import FlowBatch

PACKETS = 400_000
MILLISECOND = 1_000_000
NEAR = Point("near", 1, 2 * MILLISECOND, share=0.9, loss=0.001)
MIDDLE = Point("middle", 3, 1_700_000, 2_000 * MILLISECOND, share=0.95)
FAR = Point("far", 6, 0, -1_900 * MILLISECOND, share=0.7, loss=0.001)
SITES = {"two probes": (NEAR, FAR), "three probes": (NEAR, MIDDLE, FAR)}


@dataclass(frozen=True)
class Found:
    """Share of the conversations that count once; the largest error of a clock, ns; CPU ns a flow that it took."""

    once: float
    conversations: int
    clock_error: float
    cost: float


def measure(points: tuple[Point, ...], packets: int = PACKETS) -> Found:
    """Match what the points saw of the same packets."""
    rows = clean(packets, Random(4))
    match, given = ObserverMatch(), 0
    for number, point in enumerate(points):
        for flows in flows_of(point, seen_by(point, rows, np.random.default_rng(number))):
            given += len(flows)
            match.process(flows)
    begun = time.process_time()
    out = concatenate(match.flush())
    cost = (time.process_time() - begun) / given * 1e9
    if len(out) != given:
        raise RuntimeError(f"{given} flows went in, {len(out)} came out")
    counted = np.bincount(flow_numbers(out.records[out.records["verdict"] == PRIMARY]))
    seen = np.unique(flow_numbers(out.records))
    return Found(float((counted[seen] == 1).mean()), len(seen), _clock_error(out, points), cost)


def _clock_error(out: FlowBatch, points: tuple[Point, ...]) -> float:
    """The largest difference between a clock as told and as it is, where only two points saw a conversation."""
    clocks = {point.name: point.clock for point in points}
    worst = 0.0
    for row in np.flatnonzero(out.records["verdict"] == FURTHER).tolist():
        told = dict(pair.split("=") for pair in out.heap_value(row, "labels").decode().split(":"))
        names = told["cor"].split(",")
        if len(names) == 2 and "dlclock" in told:
            mine = out.observers[int(out.records["observer"][row])].probe
            (other,) = set(names) - {mine}
            worst = max(worst, abs(float(told["dlclock"]) * 1e9 - (clocks[mine] - clocks[other])))
    return worst
