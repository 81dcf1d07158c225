"""Two queues of flows: those that have something to report, and all of them, to be looked at for being idle.

A queue is a ring of (row of the flow, time it came, ns), int64[n, 2] with n a power of two that is not below the number
of rows: no flow stands in a queue twice. How many entries were taken out of it and put into it lies in `counts`, one
after the other. So asking whether the first is due touches no memory of its flow, and that of the flows whose turn
comes next is asked for ahead of time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.flows import layout as at
from probes.flows.rows import ask_for
from probes.flows.table import place_of
from topics.compiled import inlined, prefetch

# Entries of both queues, the free rows and the used, and how much of the heap of the records to come: int64[COUNTS].
STATUS_TAKEN, STATUS_PUT, IDLE_TAKEN, IDLE_PUT, FREE, USED, HEAP_USED = range(7)
COUNTS = 7
ROW, TIME = 0, 1

Int64 = np.ndarray[Any, np.dtype[np.int64]]

SOON = 6  # entries ahead: memory is asked for
SOONER = 2  # entries ahead: what that memory refers to


@inlined
def is_empty(counts: Any, taken: int) -> Any:
    """Tell whether the queue counted at `taken` holds nothing."""
    return counts[taken] == counts[taken + 1]


@inlined
def first(ring: Any, counts: Any, taken: int) -> Any:
    """Return the first entry of a queue that is not empty."""
    return ring[counts[taken] & (len(ring) - 1)]


@inlined
def append(ring: Any, counts: Any, taken: int, row: int, now: int) -> None:
    """Put a row at the end."""
    entry = ring[counts[taken + 1] & (len(ring) - 1)]
    entry[ROW], entry[TIME] = row, now
    counts[taken + 1] += 1


@inlined
def _ask_for_all(row: Any, size: int) -> None:
    for place in range(0, size, at.LINE):
        ask_for(row, place)


@inlined
def prepare_report(ring: Any, counts: Any, keys: Any, flows: Any, sides: Any, payloads: Any) -> None:
    """Ask for the memory of a flow that will soon be reported."""
    soon = counts[STATUS_TAKEN] + SOON
    if soon < counts[STATUS_PUT]:
        row = ring[soon & (len(ring) - 1), ROW]
        prefetch(keys[row], 0)
        _ask_for_all(flows[row], at.FLOW_ROW_BYTES)
        _ask_for_all(sides[row, 0], at.SIDE_ROW_BYTES)
        _ask_for_all(sides[row, 1], at.SIDE_ROW_BYTES)
        for place in range(0, payloads.shape[1] * payloads.shape[2], at.LINE):
            prefetch(payloads[row].reshape(-1), place)


@inlined
def prepare_check(ring: Any, counts: Any, index: Any, keys: Any, flows: Any) -> None:
    """Ask for the memory of a flow that will soon be looked at for being idle, and of its place in the index."""
    soon = counts[IDLE_TAKEN] + SOON
    if soon < counts[IDLE_PUT]:
        row = ring[soon & (len(ring) - 1), ROW]
        ask_for(flows[row], at.BUSY_FLOW_LINE)
        prefetch(keys[row], at.HASH)
        sooner = ring[(counts[IDLE_TAKEN] + SOONER) & (len(ring) - 1), ROW]
        prefetch(index, np.int64(place_of(index, keys[sooner, at.HASH])))


def moved(ring: Int64, counts: Int64, taken: int, length: int) -> Int64:
    """Return a ring of `length` entries (a power of two, none below what it holds) with those of another."""
    larger = np.zeros((length, 2), np.int64)
    waiting = np.arange(counts[taken], counts[taken + 1])
    larger[waiting & (length - 1)] = ring[waiting & (len(ring) - 1)]
    return larger
