"""Records merged column by column, all together or within bins of time: what Aggregation and Series do, but faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from processors.bins.column_split import split_columns
from processors.bins.split import TIMES, split
from processors.merge.columns import FIELDS, ColumnAggregation, Pieces, can_merge
from processors.merge.lanes import narrowed
from topics.frame import ARROW_SCHEMA, OBSERVER_COLUMNS, from_arrow, from_columns, to_arrow, to_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    import pyarrow as pa

    from processors.bins.edges import BinSize
    from topics.batch import FlowBatch, Observer, Times
    from topics.columns import Column

ROW = "row"  # column that says which record a piece is of
FEW = 1 << 8  # flows that those are mostly, whose two ends were both taken for the source
AT_ONCE = 1 << 17  # records given out at a time


class ColumnSeries:
    """Merges what `read` gives, asked for columns of topics/frame.py and always in the same order.

    `keys`, those that `can_merge`, `correct` and `aggregates` are Aggregation's; `size` is that of the bins, None for
    one. `columns` of the records that come out are wanted.
    """

    def __init__(
        self,
        read: Callable[[set[str]], Iterable[pa.RecordBatch]],
        keys: Sequence[str],
        columns: Collection[str],
        *,
        size: BinSize | None = None,
        correct: bool = True,
        aggregates: bool = True,
    ) -> None:
        self._read, self._size, self._aggregates = read, size, aggregates
        self._wanted = set(columns)
        names = {"observer" if name in OBSERVER_COLUMNS else name for name in columns}
        self._merging = ColumnAggregation(keys, names, correct=correct, aggregates=aggregates)
        self._needed = self._merging.needed | (set(TIMES) if size else set())
        self._bytes = {name for name in columns if name not in FIELDS} - set(OBSERVER_COLUMNS)
        self._observers: dict[int, Observer] = {}

    @staticmethod
    def can_merge(keys: Sequence[str]) -> bool:
        """Tell whether records can be merged by these keys here."""
        return can_merge(keys)

    def merged(self) -> Iterator[pa.RecordBatch] | None:
        """Merge all records and return what yields those that come out; None where there are bytes to be merged."""
        asked = _named(self._needed) | self._bytes
        for data in self._read(asked):
            columns, observers, heap = to_columns(data, asked)
            if len(heap):
                return None
            if not len(data):
                continue
            self._observers |= observers
            taken = {name: narrowed(column) for name, column in columns.items() if name in FIELDS}
            pieces = self._split(taken, len(data))
            if len(pieces.bins):
                self._merging.add(pieces)
        return self._given()

    def _split(self, columns: dict[str, Column], count: int) -> Pieces:
        if self._size is None:
            return Pieces(columns, np.zeros(count, np.int64))
        return split_columns(columns, count, self._size)

    def _given(self) -> Iterator[pa.RecordBatch]:
        columns, bins, numbers = self._merging.finish()
        if self._merging.has_met:
            columns, bins, numbers = _joined([(columns, bins, numbers), *self._left()])
        for start in range(0, len(bins), AT_ONCE):
            part = {n: c if len(c) == 1 else c[start : start + AT_ONCE] for n, c in columns.items()}
            data = from_columns(part, min(AT_ONCE, len(bins) - start), self._observers)
            yield data.select([name for name in data.schema.names if name in self._wanted])

    def _left(self) -> Iterator[tuple[dict[str, Column], Times, Times]]:
        """Merge the conversations that were seen from both ends: records, whole, one after the other."""
        from processors.merge.aggregation import Aggregation  # here, since it takes Numba

        merging: dict[int, Aggregation] = {}
        numbers: dict[int, list[Times]] = {}
        count = 0
        for data in self._read(set(ARROW_SCHEMA.names)):
            pieces = self._split(to_columns(data)[0] | {ROW: np.arange(len(data))}, len(data))
            met = np.flatnonzero(self._merging.met(pieces))
            batch = from_arrow(data.take(np.unique(pieces.whole(ROW)[met])))
            for start, rows, part in self._parts(batch):
                merging.setdefault(start, Aggregation(aggregates=self._aggregates, capacity=FEW)).add(part)
                numbers.setdefault(start, []).append(count + met[rows])
            count += len(pieces.bins)
        for start, aggregation in merging.items():
            columns = to_columns(to_arrow(aggregation.finish()))[0]
            last = np.concatenate(numbers[start])[aggregation.last_records]
            yield columns, np.full(len(last), start), last

    def _parts(self, batch: FlowBatch) -> Iterator[tuple[int, Any, FlowBatch]]:
        """Yield the start of each bin, which of all pieces that have met are in it, and those."""
        if not len(batch):
            return
        pieces, starts = (batch, np.zeros(len(batch), np.int64)) if self._size is None else split(batch, self._size)
        met = np.flatnonzero(self._merging.met(Pieces({name: pieces.records[name] for name in FIELDS}, starts)))
        for start in np.unique(starts[met]).tolist():
            rows = np.flatnonzero(starts[met] == start)
            yield start, rows, pieces.select(met[rows])


def _named(fields: set[str]) -> set[str]:
    """Return the columns that fields of records are."""
    return fields - {"observer"} | (set(OBSERVER_COLUMNS) if "observer" in fields else set())


def _joined(
    parts: Sequence[tuple[dict[str, Column], Times, Times]],
) -> tuple[dict[str, Column], Times, Times]:
    """Put flows together, by bin and then by their last record."""
    bins, numbers = (np.concatenate([part[place] for part in parts]) for place in (1, 2))
    order = np.lexsort((numbers, bins))
    columns = {}
    for name in parts[0][0]:
        whole = [np.repeat(c[name], len(b), axis=0) if len(c[name]) != len(b) else c[name] for c, b, _ in parts]
        columns[name] = np.concatenate(whole)[order]
    return columns, bins[order], numbers[order]
