"""A time series as columns: what the records of each bin and key add up to, with no more columns than it takes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from processors.bins.edges import MOST_EDGES, BinSize
from processors.bins.pieces import BIN, NEEDED, pieces, record_times
from processors.merge.grouped_rules import FIELDS, merged_column
from processors.merge.rules import SCALES
from topics.distinct import spread
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    Integers = np.ndarray[Any, np.dtype[np.int64]]

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
# Each divides the next, so that bins that became too many can be put together.
SIZES = tuple(
    BinSize(round(seconds * SECOND))
    for seconds in (0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 86400, 604800)
)
WANTED_BINS, MOST_BINS = 100, 600
AT_ONCE = 1 << 19  # rows that are kept before they are added up


class BinTable:
    """Records merged by bins of `size` and by keys, by the rules of processors/merge.

    `keys` are named expressions over the columns of topics/frame.py, `columns` those that are merged besides NEEDED.
    Without a size there will be some hundred bins, of a round length. Memory goes by bins and keys, not by records.
    """

    def __init__(self, size: BinSize | None, keys: Sequence[pl.Expr], columns: Collection[str]) -> None:
        self.size = size or SIZES[0]
        self._chosen = size is not None
        self._keys = list(keys)
        self._names = [BIN, *(key.meta.output_name() for key in keys)]
        self._columns = sorted({*NEEDED, *columns, *_companions(columns)})
        self._rows: list[pl.DataFrame] = []
        self._low, self._high = np.iinfo(np.int64).max, 0

    @property
    def columns(self) -> set[str]:
        """The columns that frames need to have."""
        return {*self._columns, *(name for key in self._keys for name in key.meta.root_names())}

    def add(self, frame: pl.DataFrame) -> None:
        """Take records, in order; raises UsageError for more than MOST_EDGES bins."""
        if not frame.height:
            return
        first, last = record_times(frame)
        self._low, self._high = min(self._low, int(first.min())), max(self._high, int(last.max()))
        self._fit()
        keyed = frame.select(self._columns).with_columns(self._key(frame, key) for key in self._keys)
        for part in _parts(keyed, (last - first) // (self.size.length or DAY)):
            self._rows.append(self._merged(pieces(part, self.size)))
            if sum(rows.height for rows in self._rows) > AT_ONCE:
                self._rows = [self._together()]

    def _key(self, frame: pl.DataFrame, key: pl.Expr) -> pl.Series:
        """Return the values of a key, each different one worked out once where they come again and again."""
        made_of = frame.select(sorted(set(key.meta.root_names())))
        return spread(made_of, key).alias(key.meta.output_name())

    def finish(self) -> pl.DataFrame:
        """Return one row for each bin and key that has records, by bin: BIN, the keys, the columns."""
        if not self._rows:
            return pl.DataFrame(schema=dict.fromkeys(self._names, pl.Int64))
        return self._together().sort(self._names)

    def _together(self) -> pl.DataFrame:
        return self._rows[0] if len(self._rows) == 1 else self._merged(pl.concat(self._rows))

    def _merged(self, rows: pl.DataFrame) -> pl.DataFrame:
        return merged(rows, self._names, self._columns)

    def _fit(self) -> None:
        """Choose the size, or a longer one before there are too many bins."""
        span, length = self._high - self._low, self.size.length
        if self._chosen:
            if length and span // length > MOST_EDGES:
                raise UsageError(f"more than {MOST_EDGES} bins")
            return
        if self._rows and span // length < MOST_BINS:
            return
        self.size = fitting(span, WANTED_BINS)
        length = self.size.length
        if self._rows:
            self._rows = [self._merged(pl.concat(self._rows).with_columns(pl.col(BIN) // length * length))]


def _parts(frame: pl.DataFrame, edges: Integers) -> Iterator[pl.DataFrame]:
    """Cut a frame so that no part crosses many more than AT_ONCE edges."""
    place = np.cumsum(edges) // AT_ONCE
    bounds = [0, *(np.flatnonzero(np.diff(place)) + 1).tolist(), frame.height]
    for low, high in itertools.pairwise(bounds):
        yield frame.slice(low, high - low)


def merged(rows: pl.DataFrame, keys: Sequence[str], columns: Iterable[str]) -> pl.DataFrame:
    """Merge the rows of each key into one, in their order."""
    parts = [part for name in columns for part in merged_column(name)]
    kinds = rows.schema
    together = rows.group_by(keys, maintain_order=True).agg(parts) if keys else rows.select(parts)
    return together.with_columns(pl.col(name).cast(kinds[name]) for name in columns)


def fitting(length: int, bins: int) -> BinSize:
    """Return the shortest of SIZES of which no more than `bins` are in so many ns, or the longest."""
    return next((size for size in SIZES if length <= size.length * bins), SIZES[-1])


def _companions(columns: Collection[str]) -> set[str]:
    """Return the columns that others are merged by."""
    counted = [(name, *FIELDS[name].merge.partition(":")) for name in columns if name in FIELDS]
    scales = {SCALES[name] for name in columns if name in SCALES}
    return scales | {f"{name[:4]}{count}" for name, rule, _, count in counted if rule == "min_counted"}
