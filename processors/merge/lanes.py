"""One field of all flows that are being merged: a value for each, or the one value that all records had so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from processors.merge import column_layout as at
from topics.native import Native, address_of

if TYPE_CHECKING:
    from topics.batch import Times
    from topics.columns import Column
    from topics.schema import Field

RULES = {
    "first": at.FIRST,
    "sum": at.SUM,
    "max": at.LARGEST,
    "min": at.SMALLEST,
    "min_set": at.SMALLEST_SET,
    "first_set": at.FIRST_SET,
    "or": at.BITS,
    "same": at.SAME,
    "last": at.LAST,
    "same_side": at.SAME_SIDE,
    "last_side": at.LAST_SIDE,
    "min_counted": at.SMALLEST_COUNTED,
}
LOOKED_AT = 64  # values that show of most columns that they are not all alike
WORD, MAC = 8, 6

_merge = Native("processors.merge.column_kernels", "merge", 17)
_merge_prefix = Native("processors.merge.column_kernels", "merge_prefix", 10)
_merge_window = Native("processors.merge.column_kernels", "merge_window", 8)
_notice = Native("processors.merge.assigning_kernels", "notice", 6)


class Rows(NamedTuple):
    """Where the records of a batch go: the slot of each, and (uint8) whether it is the first record of its flow.

    `counts` and `had` hold, by the field that is counted, the counter of each record and whether its flow had any.
    `sources` are the rows of a column that the records have their values from, all in their order where there are none;
    `changed` the same for columns that are changed for some: negative ones are the complements of places in those.
    """

    slots: Times
    fresh: Column
    counts: dict[str, Column]
    had: dict[str, Column]
    sources: Times
    changed: Times


def lane(column: Column) -> Column:
    """Return a column as numbers: 16 octets are two words, those of a MAC are one."""
    if column.ndim == 1:
        return column
    if column.shape[1] == MAC:
        padded = np.zeros((len(column), WORD), np.uint8)
        padded[:, :MAC] = column
        return padded.view(np.int64)[:, 0]
    return np.ascontiguousarray(column).view(np.int64)


def octets(numbers: Column, size: int) -> Column:
    """Return what `lane` made of octets as octets, shape (rows, size)."""
    return np.ascontiguousarray(numbers).view(np.uint8).reshape(len(numbers), -1)[:, :size]


def narrowed(column: Column) -> Column:
    """Return a column as its one value, where all are alike."""
    if len(column) <= 1:
        return column
    for part in (column[:LOOKED_AT], column):
        if not bool((part == column[0]).all()):
            return column
    return column[:1].copy()


def whole(column: Column, count: int, sources: Times | None = None) -> Column:
    """Return a column with a value for each of so many records, of which `sources` are the rows in the column."""
    if len(column) == 1 < count:
        return np.repeat(column, count, axis=0)
    return np.ascontiguousarray(column if sources is None else column[sources])


def notice(seen: Column, rows: Rows, name: str, counts: Column) -> None:
    """Note the counter of each record (int64), whether its flow had counted something, and that it has then."""
    had = np.empty(len(rows.slots), np.uint8)
    _notice(address_of(seen), len(seen), address_of(rows.slots), len(had), address_of(counts), address_of(had))
    rows.counts[name], rows.had[name] = counts, had


class Lane:
    """A field of flows, by a rule of rules.py."""

    def __init__(self, field: Field, capacity: int) -> None:
        self._name, self._capacity = field.name, capacity
        rule, _, count = field.merge.partition(":")
        self._rule = rule
        self._counted = f"{field.name[:4]}{count or 'packets'}" if rule.endswith(("_side", "_counted")) else ""
        self._known = 0  # flows there are
        self._same: Column | None = None
        self._flows: Column | None = None

    def grow(self, capacity: int) -> None:
        """Make room for more flows."""
        self._capacity = capacity
        if self._flows is not None:
            self._flows = longer(self._flows, capacity)

    def add(self, column: Column, rows: Rows, changed: Column | None = None) -> None:
        """Merge the values of a batch, shape (rows,), (rows, 2), or one of either for all of them.

        `changed` are the values of some of the records, as `rows` says.
        """
        known, self._known = self._known, self._known + int(np.count_nonzero(rows.fresh))
        if self._flows is None:
            if len(column) == 1 and changed is None and self._stays(column):
                self._same = column
                return
            self._begin(column, known)
        self._merge(np.ascontiguousarray(column), rows, changed)

    def values(self, order: Times) -> Column:
        """Return the values of the flows in these slots, or the one that all have."""
        if self._flows is not None:
            return self._flows[order]
        assert self._same is not None  # noqa: S101 - flows come from records
        return self._same

    def _stays(self, column: Column) -> bool:
        """Tell whether flows of such values have the same value again."""
        alike = self._same is None or bool((self._same == column).all())
        return alike and (self._rule != "sum" or not column.any())

    def _begin(self, column: Column, known: int) -> None:
        self._flows = np.empty((self._capacity, *column.shape[1:]), column.dtype)
        if self._same is not None:
            self._flows[:known] = self._same
        self._same = None

    def _merge(self, column: Column, rows: Rows, changed: Column | None) -> None:
        flows: Any = self._flows
        counts, had = rows.counts.get(self._counted, NO_COUNTS), rows.had.get(self._counted, NOTHING_HAD)
        sources, others = (rows.sources, column[:0]) if changed is None else (rows.changed, changed)
        places = [address_of(each) for each in (flows, rows.slots, rows.fresh, column, sources, others, counts, had)]
        count, same = len(rows.slots), len(column) == 1
        _merge(
            RULES[self._rule],
            at.FLOAT if column.dtype.kind == "f" else column.itemsize * (1 if column.ndim == 1 else column.shape[1]),
            places[0],
            len(flows),
            *places[1:3],
            count,
            places[3],
            len(column),
            places[4],
            len(sources),
            0 if same else 1,
            places[5],
            len(others),
            *places[6:],
            len(counts),
        )


class PrefixLane:
    """An address and how many of its bits all records of a flow share."""

    def __init__(self, capacity: int) -> None:
        self._addresses = np.empty((capacity, 16), np.uint8)
        self._lengths, self._kinds = np.empty(capacity, np.uint8), np.empty(capacity, np.uint16)

    def grow(self, capacity: int) -> None:
        """Make room for more flows."""
        for name in ("_addresses", "_lengths", "_kinds"):
            setattr(self, name, longer(getattr(self, name), capacity))

    def add(self, addresses: Column, lengths: Column, ethertypes: Column, rows: Rows) -> None:
        """Merge addresses, octets of shape (rows, 16), their lengths and ethertypes of shape (rows,)."""
        columns = (addresses, lengths, ethertypes)
        flows = [address_of(each) for each in (self._addresses, self._lengths, self._kinds)]
        places = [address_of(each) for each in (rows.slots, rows.fresh)]
        _merge_prefix(*flows, len(self._lengths), *places, len(rows.slots), *map(address_of, columns))

    def values(self, order: Times) -> tuple[Column, Column]:
        """Return the addresses of the flows in these slots, shape (n, 16), and their lengths."""
        return self._addresses[order], self._lengths[order]


class WindowLane:
    """The last window of a side and its scale."""

    def __init__(self, capacity: int) -> None:
        self._windows, self._scales = np.empty(capacity, np.uint32), np.empty(capacity, np.uint8)

    def grow(self, capacity: int) -> None:
        """Make room for more flows."""
        self._windows, self._scales = longer(self._windows, capacity), longer(self._scales, capacity)

    def add(self, windows: Column, scales: Column, rows: Rows) -> None:
        """Merge windows and their scales, shape (rows,)."""
        flows = [address_of(each) for each in (self._windows, self._scales)]
        places = [address_of(each) for each in (rows.slots, rows.fresh)]
        _merge_window(*flows, len(self._scales), *places, len(rows.slots), address_of(windows), address_of(scales))

    def values(self, order: Times) -> tuple[Column, Column]:
        """Return the windows of the flows in these slots and their scales."""
        return self._windows[order], self._scales[order]


def longer(column: Column, capacity: int) -> Column:
    """Return a longer column with the same rows in front."""
    grown = np.empty((capacity, *column.shape[1:]), column.dtype)
    grown[: len(column)] = column
    return grown


NO_SOURCES, NO_COUNTS, NOTHING_HAD = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint8)
