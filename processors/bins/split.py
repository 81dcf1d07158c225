"""Records cut at bin edges: each piece gets the packets that were sent in its time if they came evenly.

The counters of the pieces add up to those of the record, exactly. The first packet of a direction is in its first
piece and the last in its last; a piece without packets is left out.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.batch import last_times, start_times
from topics.schema import flow_fields

if TYPE_CHECKING:
    from processors.bins.edges import BinSize
    from topics.batch import FlowBatch, Records

    Integers = np.ndarray[Any, np.dtype[np.int64]]

SIDES = ("src", "dst")
SUMMED = {side: [f for f in flow_fields() if f.merge == "sum" and f.name.startswith(side)] for side in SIDES}


def split(batch: FlowBatch, size: BinSize) -> tuple[FlowBatch, Integers]:
    """Return the pieces of all records, in their order, and the start of the bin of each, ns, shape (n,)."""
    records = batch.records
    first, last = start_times(records), last_times(records)
    low, high = size.starts(first), size.starts(last)
    crossing = np.flatnonzero(high > low)
    if not len(crossing):
        return batch, low
    rows, starts, ends = overlaps(low, high, crossing, size)
    whole = batch.select(rows)
    pieces = whole  # select made copies
    cut = np.flatnonzero((high > low)[rows])
    _cut(pieces.records, cut, rows, starts, ends)
    filled = (pieces.records["src_packets"] > 0) | (pieces.records["dst_packets"] > 0)
    filled[np.setdiff1d(np.arange(len(rows)), cut, assume_unique=True)] = True
    chosen = np.flatnonzero(filled)
    return pieces.select(chosen), starts[chosen]


def overlaps(low: Integers, high: Integers, crossing: Integers, size: BinSize) -> tuple[Integers, Integers, Integers]:
    """Return, for each piece, its record and the start and end of its bin."""
    if size.length:
        counts = (high - low) // size.length + 1
        rows = np.repeat(np.arange(len(low)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        starts = low[rows] + within * size.length
        return rows, starts, starts + size.length
    listed: list[tuple[int, int, int]] = []
    parted = set(crossing.tolist())
    for row, begin in enumerate(low.tolist()):
        edges = [begin, size.next(begin)]
        while row in parted and edges[-1] <= high[row]:
            edges.append(size.next(edges[-1]))
        listed += [(row, *pair) for pair in itertools.pairwise(edges)]
    columns = np.array(listed, np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def _cut(records: Records, cut: Integers, rows: Integers, starts: Integers, ends: Integers) -> None:
    """Give each piece its times and its share of the counters."""
    owner, begin, end = rows[cut], starts[cut], ends[cut]
    leads = np.ones(len(cut), bool)
    leads[1:] = owner[1:] != owner[:-1]
    for side in SIDES:
        _cut_side(records, cut, leads, side, begin, end)
    first, last = start_times(records)[cut], last_times(records)[cut]
    duration = last - first
    for name in ("duration_sum", "duration_min", "duration_max"):
        records[name][cut] = duration
    records["duration_square_sum"][cut] = (duration / 1000.0) ** 2


def _cut_side(
    records: Records, cut: Integers, leads: np.ndarray[Any, Any], side: str, begin: Integers, end: Integers
) -> None:
    packets = records[f"{side}_packets"][cut]
    first, last = records[f"{side}_first"][cut], records[f"{side}_last"][cut]
    upto = share_until(packets, first, last, end)
    before = np.where(leads, 0, np.concatenate([[0], upto[:-1]]))
    got = upto - before
    for field in SUMMED[side]:
        total = records[field.name][cut]
        if field.kind == "double":
            records[field.name][cut] = total * got / np.maximum(packets, 1)
        elif field.name != f"{side}_packets":
            records[field.name][cut] = proportion(total, upto, packets) - proportion(total, before, packets)
    records[f"{side}_packets"][cut] = got
    records[f"{side}_first"][cut] = np.where(got > 0, np.maximum(first, begin), 0)
    records[f"{side}_last"][cut] = np.where(got > 0, np.minimum(last, end), 0)


def share_until(packets: Integers, first: Integers, last: Integers, end: Integers) -> Integers:
    """Return how many packets were sent before an instant: the first at once, the last at the end, others evenly."""
    length = np.maximum(last - first, 1)
    passed = np.clip(end - first, 0, length)
    between = np.maximum(packets - 1, 0)
    sent = 1 + (between * (passed / length)).astype(np.int64)
    sent = np.where(end > last, packets, np.minimum(sent, between))
    share: Integers = np.where((end > first) & (packets > 0), np.minimum(np.maximum(sent, 1), packets), 0)
    return share


def proportion(total: Integers, part: Integers, whole: Integers) -> Integers:
    """Return total * part // whole without overflow: the whole, where that is reached."""
    quotient, rest = np.divmod(total, np.maximum(whole, 1))
    share: Integers = np.where(part == whole, total, quotient * part + rest * part // np.maximum(whole, 1))
    return share
