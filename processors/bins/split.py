"""Records cut at bin edges: each piece gets the packets that were sent in its time if they came evenly.

The counters of the pieces add up to those of the record, exactly. The first packet of a direction is in its first
piece and the last in its last; a piece without packets is left out.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.batch import last_times, start_times
from topics.histograms import VECTOR_BYTES
from topics.schema import flow_fields

if TYPE_CHECKING:
    from processors.bins.edges import BinSize
    from topics.batch import FlowBatch
    from topics.columns import Column

    Integers = np.ndarray[Any, np.dtype[np.int64]]

SIDES = ("src", "dst")
SUMMED = {side: [f for f in flow_fields() if f.merge == "sum" and f.name.startswith(side)] for side in SIDES}
COUNTERS = tuple(field.name for fields in SUMMED.values() for field in fields)
TIMES = tuple(f"{side}_{what}" for side in SIDES for what in ("first", "last", "packets"))
LARGEST = 2.0**63 - 1024  # of the floats that an int64 can hold
EXACT = 3_037_000_499  # of packets: the square still fits into an int64
DURATIONS = ("duration_sum", "duration_min", "duration_max", "duration_square_sum")


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
    cut = np.flatnonzero((high > low)[rows])
    pieces = _with_shared_counts(whole, cut, rows, ends)  # select made copies
    _cut({name: pieces.records[name] for name in (*TIMES, *DURATIONS, *COUNTERS)}, cut, rows, starts, ends)
    filled = (pieces.records["src_packets"] > 0) | (pieces.records["dst_packets"] > 0)
    filled[np.setdiff1d(np.arange(len(rows)), cut, assume_unique=True)] = True
    chosen = np.flatnonzero(filled)
    return pieces.select(chosen), starts[chosen]


def _with_shared_counts(pieces: FlowBatch, cut: Integers, rows: Integers, ends: Integers) -> FlowBatch:
    """Share the histograms of records among the pieces they were cut into, whose times and packets are still theirs."""
    for side in SIDES:
        offsets, lengths = (pieces.records[f"{side}_histograms_{part}"][cut] for part in ("offset", "length"))
        inside = offsets.astype(np.int64) + VECTOR_BYTES <= len(pieces.heap)
        counted = cut[(lengths == VECTOR_BYTES) & inside]
        if len(counted):
            pieces = _share_counts(pieces, side, counted, rows[counted], ends[counted])
    return pieces


def _share_counts(pieces: FlowBatch, side: str, counted: Integers, owner: Integers, end: Integers) -> FlowBatch:
    records, name = pieces.records, f"{side}_histograms"
    packets, first, last = (records[f"{side}_{what}"][counted] for what in ("packets", "first", "last"))
    upto = share_until(packets, first, last, end)
    leads = np.ones(len(counted), bool)
    leads[1:] = owner[1:] != owner[:-1]
    before = np.where(leads, 0, np.concatenate([[0], upto[:-1]]))
    octets = pieces.heap[records[f"{name}_offset"][counted].astype(np.int64)[:, None] + np.arange(VECTOR_BYTES)]
    counts = octets.view("<u4").astype(np.int64)
    sent, earlier, whole = (column[:, None] for column in (upto, before, packets))
    shares = (proportion(counts, sent, whole) - proportion(counts, earlier, whole)).astype("<u4")
    kept = shares.any(axis=1)
    records[f"{name}_offset"][counted] = np.where(kept, len(pieces.heap) + VECTOR_BYTES * np.arange(len(counted)), 0)
    records[f"{name}_length"][counted] = np.where(kept, VECTOR_BYTES, 0)
    return pieces.replace(heap=np.concatenate([pieces.heap, shares.view(np.uint8).reshape(-1)]))


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


def _times(columns: Any) -> tuple[Integers, Integers]:  # noqa: ANN401 - fields by name, as records have them
    return start_times(columns), last_times(columns)


def _cut(columns: dict[str, Column], cut: Integers, rows: Integers, starts: Integers, ends: Integers) -> None:
    """Give each piece its times and its share of the counters, of those that are among the columns."""
    owner, begin, end = rows[cut], starts[cut], ends[cut]
    leads = np.ones(len(cut), bool)
    leads[1:] = owner[1:] != owner[:-1]
    for side in SIDES:
        _cut_side(columns, cut, leads, side, begin, end)
    first, last = _times(columns)
    duration = (last - first)[cut]
    values = dict.fromkeys(DURATIONS[:3], duration) | {DURATIONS[3]: (duration / 1000.0) ** 2}
    for name in DURATIONS:
        if name in columns:
            columns[name][cut] = values[name]


def _cut_side(
    columns: dict[str, Column], cut: Integers, leads: np.ndarray[Any, Any], side: str, begin: Integers, end: Integers
) -> None:
    packets = columns[f"{side}_packets"][cut]
    first, last = columns[f"{side}_first"][cut], columns[f"{side}_last"][cut]
    upto = share_until(packets, first, last, end)
    before = np.where(leads, 0, np.concatenate([[0], upto[:-1]]))
    got = upto - before
    for field in SUMMED[side]:
        if field.name not in columns:
            continue
        total = columns[field.name][cut]
        if field.kind == "double":
            columns[field.name][cut] = total * got / np.maximum(packets, 1)
        elif field.name != f"{side}_packets":
            columns[field.name][cut] = proportion(total, upto, packets) - proportion(total, before, packets)
    columns[f"{side}_packets"][cut] = got
    columns[f"{side}_first"][cut] = np.where(got > 0, np.maximum(first, begin), 0)
    columns[f"{side}_last"][cut] = np.where(got > 0, np.minimum(last, end), 0)


def share_until(packets: Integers, first: Integers, last: Integers, end: Integers) -> Integers:
    """Return how many packets were sent before an instant: the first at once, the last at the end, others evenly."""
    length = np.maximum(last - first, 1)
    passed = np.clip(end - first, 0, length)
    between = np.maximum(packets - 1, 0)
    sent = np.minimum(between * (passed / length), LARGEST).astype(np.int64)
    sent = np.where(end > last, packets, np.minimum(sent, between - 1) + 1)
    share: Integers = np.where((end > first) & (packets > 0), np.minimum(np.maximum(sent, 1), packets), 0)
    return share


def proportion(total: Integers, part: Integers, whole: Integers) -> Integers:
    """Return total * part // whole without overflow, rising with `part`: the whole, where that is reached.

    From EXACT on, what `total` is more than a multiple of `whole` is shared as near as a float tells.
    """
    least = np.maximum(whole, 1)
    quotient, rest = np.divmod(total, least)
    exact = least <= EXACT
    more = rest * np.where(exact, part, 0) // least
    if not exact.all():
        near = np.minimum(np.minimum(rest * (part / least), LARGEST).astype(np.int64), rest)
        more = np.where(exact, more, near)
    share: Integers = np.where(part == whole, total, quotient * part + more)
    return share
