"""What `split` does, for columns: only what the pieces of a record differ in is written anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from processors.bins.split import DURATIONS, SIDES, SUMMED, TIMES, overlaps, share_until
from processors.merge.columns import Pieces
from processors.merge.lanes import whole
from topics.batch import last_times, start_times
from topics.native import Native, address_of

if TYPE_CHECKING:
    from processors.bins.edges import BinSize
    from processors.bins.split import Integers
    from topics.columns import Column

_share = Native("processors.bins.share_kernel", "share", 9)


class _Cut(NamedTuple):
    """The pieces that are parts of a record: which, of which record, and when they begin and end, ns.

    Of each side how many packets were sent until their end and before they begin.
    """

    places: Integers
    owner: Integers
    begin: Integers
    end: Integers
    upto: dict[str, Integers]
    before: dict[str, Integers]

    def chosen(self, chosen: np.ndarray, places: Integers) -> _Cut:
        """Return some of them, which lie at other places."""
        upto, before = ({side: of[side][chosen] for side in SIDES} for of in (self.upto, self.before))
        return _Cut(places, self.owner[chosen], self.begin[chosen], self.end[chosen], upto, before)


def split_columns(columns: dict[str, Column], count: int, size: BinSize) -> Pieces:
    """Return the pieces of `count` records, in their order: columns of shape (count,), (count, octets), or one value.

    TIMES are among them, and any other fields; what is no field of a record is the same in all of its pieces.
    """
    columns = columns | {name: whole(columns[name], count) for name in TIMES}
    times: Any = columns  # fields by name, as records have them
    low, high = size.starts(start_times(times)), size.starts(last_times(times))
    crossing = np.flatnonzero(high > low)
    if not len(crossing):
        return Pieces(columns, low)
    rows, starts, ends = overlaps(low, high, crossing, size)
    cut = _cut(columns, np.flatnonzero((high > low)[rows]), rows, starts, ends)
    filled = np.logical_or(*(cut.upto[side] > cut.before[side] for side in SIDES))
    if not filled.all():
        kept = np.ones(len(rows), bool)
        kept[cut.places] = filled
        cut = cut.chosen(filled, (np.cumsum(kept) - 1)[cut.places[filled]])
        rows, starts = rows[kept], starts[kept]
    changed = _times(columns, cut)
    changed |= _durations(columns, changed) | _counters(columns, cut)
    return Pieces(columns, starts, rows, cut.places, changed)


def _cut(columns: dict[str, Column], places: Integers, rows: Integers, starts: Integers, ends: Integers) -> _Cut:
    owner, end = rows[places], ends[places]
    leads = np.ones(len(places), bool)
    leads[1:] = owner[1:] != owner[:-1]
    upto: dict[str, Integers] = {}
    before: dict[str, Integers] = {}
    for side in SIDES:
        packets, first, last = (columns[f"{side}_{what}"][owner] for what in ("packets", "first", "last"))
        upto[side] = share_until(packets, first, last, end)
        before[side] = np.where(leads, 0, np.concatenate([[0], upto[side][:-1]]))
    return _Cut(places, owner, starts[places], end, upto, before)


def _times(columns: dict[str, Column], cut: _Cut) -> dict[str, Column]:
    changed = {}
    for side in SIDES:
        first, last = (columns[f"{side}_{what}"][cut.owner] for what in ("first", "last"))
        got = cut.upto[side] - cut.before[side]
        changed[f"{side}_first"] = np.where(got > 0, np.maximum(first, cut.begin), 0)
        changed[f"{side}_last"] = np.where(got > 0, np.minimum(last, cut.end), 0)
        changed[f"{side}_packets"] = got
    return changed


def _durations(columns: dict[str, Column], times: Any) -> dict[str, Column]:  # noqa: ANN401 - as records have them
    duration = last_times(times) - start_times(times)
    values = dict.fromkeys(DURATIONS[:3], duration) | {DURATIONS[3]: (duration / 1000.0) ** 2}
    return {name: values[name] for name in DURATIONS if name in columns}


def _counters(columns: dict[str, Column], cut: _Cut) -> dict[str, Column]:
    """Spread the counters that are any: of nothing each has nothing."""
    changed = {}
    for side in SIDES:
        for name in (field.name for field in SUMMED[side]):
            if name in columns and name not in TIMES and columns[name].any():
                changed[name] = _shared(columns[name], columns[f"{side}_packets"], cut, side)
    return changed


def _shared(column: Column, packets: Column, cut: _Cut, side: str) -> Column:
    column, packets = whole(column, len(packets)), np.ascontiguousarray(packets)
    shared = np.empty(len(cut.places), column.dtype)
    parts = (cut.owner, cut.upto[side], cut.before[side], shared)
    places = [address_of(each) for each in (column, packets)]
    _share(column.dtype.kind == "f", *places, len(packets), *map(address_of, parts), len(shared))
    return shared
