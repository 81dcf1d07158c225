"""A time series: every bin merges its records by a key, and is given out when nothing more can come into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from processors.bins.split import split
from topics.batch import FlowBatch, records_like, start_times
from topics.record import copy_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from processors.bins.edges import BinSize
    from processors.merge import Aggregation
    from processors.merge.by_fields import FieldAggregation

CAPACITY = 1 << 10  # flows a bin has room for at first


class Series:
    """Bins of `size`, each an Aggregation that `make` builds.

    `cut` splits records at the edges, else each counts in the bin it begins in. `hard` sets the times of what comes
    out to the edges; `zero` gives a record of nothing for each bin between others that has none. `hold` ns after the
    end of a bin it is given out, None only at the end.
    """

    def __init__(
        self,
        size: BinSize,
        make: Callable[[], Aggregation | FieldAggregation],
        *,
        cut: bool = True,
        hard: bool = False,
        zero: bool = False,
        hold: int | None = None,
    ) -> None:
        self._size, self._make = size, make
        self._cut, self._hard, self._zero, self._hold = cut, hard, zero, hold
        self._bins: dict[int, Aggregation | FieldAggregation] = {}
        self._newest = 0
        self._given = 0  # end of the last bin that was given out

    def add(self, batch: FlowBatch) -> Iterator[tuple[int, FlowBatch]]:
        """Take records and yield (start, merged records) of each bin that is complete."""
        if not len(batch):
            return
        if self._cut:
            pieces, starts = split(batch, self._size)
        else:
            pieces, starts = batch, self._size.starts(start_times(batch.records))
        if not len(starts):  # none of the pieces had a packet
            return
        order = np.argsort(starts, kind="stable")
        ordered, distinct = starts[order], np.unique(starts)
        bounds = np.searchsorted(ordered, distinct).tolist()
        for start, low, high in zip(distinct.tolist(), bounds, [*bounds[1:], len(order)], strict=True):
            index: Any = slice(low, high) if high - low == len(order) else order[low:high]
            self._bins.setdefault(start, self._make()).add(pieces.select(index))
        self._newest = max(self._newest, int(distinct[-1]))
        if self._hold is not None:
            yield from self._out([s for s in self._bins if self._size.next(s) + self._hold <= self._newest])

    def finish(self) -> Iterator[tuple[int, FlowBatch]]:
        """Yield all bins that are left."""
        yield from self._out(list(self._bins))

    def _out(self, starts: list[int]) -> Iterator[tuple[int, FlowBatch]]:
        for start in sorted(starts):
            yield from self._nothing_until(start)
            merged, end = self._bins.pop(start).finish(), self._size.next(start)
            self._given = end
            yield start, _on_edges(merged, start, end) if self._hard else merged

    def _nothing_until(self, start: int) -> Iterator[tuple[int, FlowBatch]]:
        while self._zero and 0 < self._given < start:
            empty, self._given = self._given, self._size.next(self._given)
            records = records_like(1)
            records["src_first"], records["src_last"], records["records"] = empty, self._given, 0
            yield empty, FlowBatch(records=records)


def _on_edges(batch: FlowBatch, start: int, end: int) -> FlowBatch:
    records = copy_records(batch.records)
    for side in ("src", "dst"):
        sent = records[f"{side}_packets"] > 0
        records[f"{side}_first"][sent] = start
        records[f"{side}_last"][sent] = end
    return batch.replace(records=records)
