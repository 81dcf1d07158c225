"""Merging by numbers: records of a key have the same one, and a kernel folds their columns into the totals of it.

It gives what grouped.py has Polars do, of columns whose rule is a matter of one integer a record, in two thirds of the
time, and with memory for what is read at a time rather than for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from processors.merge.foldings import ADDED, AGREED, ALL_BITS, AT_ONCE, FIRST_SET, LARGEST, LEAST, LEAST_SET
from processors.merge.grouped_rules import FIELDS, OBSERVER
from processors.merge.rules import SCALES
from topics.native import Native, address_of
from topics.rows.coding import Coding, pieces_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Rows = np.ndarray[Any, np.dtype[np.int64]]
    Frames = Callable[[Sequence[pl.Expr]], Iterator[pl.DataFrame]]

ROW = "row"  # number of the last record of a key: the order in which racluster 3.0.8.2 puts flows out
BITS = "bits:"
ROOM = 1 << 18  # of numbers, at first: memory that is not touched costs nothing
LIMITS = np.iinfo(np.int64)
NOTHING_YET = {ADDED: 0, LEAST: LIMITS.max, LARGEST: LIMITS.min, ALL_BITS: 0, FIRST_SET: 0}
NOTHING_YET |= {LEAST_SET: LIMITS.max, AGREED: LIMITS.min}
FIRST = -1  # of all values, which stays
RULES = {
    "first": FIRST,
    "sum": ADDED,
    "min": LEAST,
    "max": LARGEST,
    "or": ALL_BITS,
    "first_set": FIRST_SET,
    "min_set": LEAST_SET,
    "same": AGREED,
}
OF_TIMES = {"min_set": LEAST, "max": LARGEST}  # a record has none, or one that says something
INTEGERS: dict[type[pl.DataType], int] = {pl.UInt8: 8, pl.UInt16: 16, pl.UInt32: 32, pl.Int64: 64}  # their bits
STORES = ("u1", "u2", "u4", "i8")
WIDTHS = {16: (64, 2), 6: (16, 3)}  # bytes of a key, as parts of so many bits
PARTS = {64: pl.UInt64(), 16: pl.UInt16()}


class _Key(NamedTuple):
    """A part of the key by its name, as unsigned integers of so many bits, and how many of them."""

    name: str
    bits: int
    parts: int
    asked: pl.Expr


_fold_rows = Native("processors.merge.folding_kernel", "fold_rows", 8)


def numbered(
    records: pl.LazyFrame, keys: Sequence[pl.Expr], columns: Iterable[str], frames: Frames
) -> pl.DataFrame | None:
    """Return a row for each key, in the order of their last records, which is ROW: keys by their names, and columns.

    None where that takes more than integers. `frames` yields the records, which are only looked at as far as their
    types go, as what is asked of each.
    """
    foldings = {name: folding_of(name) for name in columns}
    schema = records.select(keys).collect_schema()
    compared = [_key(key, name, kind) for key, (name, kind) in zip(keys, schema.items(), strict=True)]
    known = [key for key in compared if key is not None]
    if None in foldings.values() or len(known) < len(keys):
        return None
    totals = _Totals(known, {name: folding for name, folding in foldings.items() if folding is not None})
    for frame in frames([*keys, *(key.asked for key in known), *map(pl.col, foldings)]):
        if not totals.add(frame):
            return None
    return totals.frame()


def folding_of(name: str) -> int | None:
    """Return how a column is folded, None where that is not done here."""
    if name in OBSERVER:
        return FIRST
    field = FIELDS[name]
    if name in SCALES or field.kind == "enum" or not (field.store in STORES or field.merge == "first"):
        return None
    return (OF_TIMES if _is_time(name) else RULES).get(field.merge)


def _is_time(name: str) -> bool:
    return FIELDS[name].unit.startswith("ns since")


def _key(key: pl.Expr, name: str, kind: pl.DataType) -> _Key | None:
    """Return what is compared of a key, None for one that is neither an integer nor of as many bytes in all records."""
    root = key.meta.root_names()[0]
    if kind == pl.Binary and root in FIELDS:
        bits, parts = WIDTHS[FIELDS[root].size]
        return _Key(name, bits, parts, key.bin.reinterpret(dtype=pl.Array(PARTS[bits], parts)).alias(BITS + name))
    bits = INTEGERS.get(type(kind), 0)
    unsigned = key.reinterpret(signed=False) if bits == 64 else key
    return _Key(name, bits, 1, unsigned.alias(BITS + name)) if bits else None


class _Totals:
    """What is known of each number: its key and its first values, what was folded so far, and its last record."""

    def __init__(self, keys: Sequence[_Key], columns: Mapping[str, int]) -> None:
        self._keys = keys
        self._folded = {name: folding for name, folding in columns.items() if folding != FIRST}
        self._kept = [*(key.name for key in keys), *(name for name in columns if name not in self._folded)]
        self._firsts = list[pl.DataFrame]()
        self._rows = 0
        self._coding = Coding([(key.bits, key.parts) for key in keys], ROOM)
        self._nothing = [NOTHING_YET[folding] for folding in self._folded.values()]
        self._totals = np.empty((ROOM, len(self._folded)), np.int64)
        self._last = np.empty(ROOM, np.int64)
        self._scratch = np.empty(AT_ONCE, np.int64)

    def add(self, frame: pl.DataFrame) -> bool:
        """Take records, with all that is asked of them; False where that cannot be said of them in integers."""
        if not all(map(self._is_known, frame.get_columns())):
            return False
        codes = np.empty(frame.height, np.int64)
        known = self._coding.count
        new = self._coding.code([pieces_of(frame[BITS + key.name]) for key in self._keys], codes)
        self._firsts.append(frame.select(self._kept)[new])
        self._make_room(known)
        self._last[codes] = np.arange(self._rows, self._rows + frame.height)  # of several the last one stays
        self._rows += frame.height
        self._fold(frame, codes)
        return True

    def _is_known(self, column: pl.Series) -> bool:
        """Tell whether there is a value of every record, or it is a time, none of which stands for no time."""
        if not column.dtype.is_temporal():
            return not column.null_count()
        nothing = NOTHING_YET[self._folded.get(column.name, ADDED)]
        extreme = column.to_physical().min() if nothing < 0 else column.to_physical().max()
        return extreme != nothing

    def _make_room(self, known: int) -> None:
        """Begin the totals of numbers that are new, from `known` on."""
        count = self._coding.count
        if count > len(self._last):
            self._totals, self._last = (_longer(array, known, 2 * count) for array in (self._totals, self._last))
        self._totals[known:count] = self._nothing

    def _fold(self, frame: pl.DataFrame, codes: Rows) -> None:
        values = {name: _integers(frame[name], NOTHING_YET[folding]) for name, folding in self._folded.items()}
        parts = [
            (address_of(array), array.itemsize, self._folded[name], place)
            for place, (name, array) in enumerate(values.items())
        ]
        described = np.array(parts, np.int64)
        _fold_rows(
            *(address_of(described), len(parts), len(codes), address_of(codes), address_of(self._scratch)),
            *(address_of(self._totals), *self._totals.shape),
        )

    def frame(self) -> pl.DataFrame | None:
        """Return keys, columns and ROW in the order of that; None where there was nothing to look at."""
        if not self._firsts:
            return None
        count = self._coding.count
        totals = np.ascontiguousarray(self._totals[:count].T)
        values = pl.DataFrame([pl.Series(name, total) for name, total in zip(self._folded, totals, strict=True)])
        values = values.with_columns(_known(name, folding) for name, folding in self._folded.items())
        last = pl.Series(ROW, self._last[:count])
        return pl.concat([pl.concat(self._firsts), values, last.to_frame()], how="horizontal").sort(ROW)


def _integers(series: pl.Series, nothing: int) -> Rows:
    """Return integers, another one where there is none."""
    physical = series.to_physical()
    return np.ascontiguousarray((physical.fill_null(nothing) if physical.null_count() else physical).to_numpy())


def _known(name: str, folding: int) -> pl.Expr:
    """Return totals with null or, if they are no times, 0 where nothing was said."""
    is_said = pl.col(name) != NOTHING_YET[folding]
    if _is_time(name):
        return pl.when(is_said).then(name)
    return pl.when(is_said).then(name).otherwise(0) if folding == LEAST_SET else pl.col(name)


def _longer(array: Rows, used: int, room: int) -> Rows:
    """Return an array with more room, which begins with what is used of it."""
    longer = np.empty((room, *array.shape[1:]), array.dtype)
    longer[:used] = array[:used]
    return longer
