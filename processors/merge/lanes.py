"""One field of all flows that are being merged: a value for each, or the one value that all records had so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from processors.merge import column_kernels as kernels

if TYPE_CHECKING:
    from topics.batch import Times
    from topics.columns import Column
    from topics.schema import Field

RULES = {
    "sum": kernels.SUM,
    "max": kernels.LARGEST,
    "min": kernels.SMALLEST,
    "min_set": kernels.SMALLEST_SET,
    "first_set": kernels.FIRST_SET,
    "or": kernels.BITS,
    "same": kernels.SAME,
    "last": kernels.LAST,
    "same_side": kernels.SAME_SIDE,
    "last_side": kernels.LAST_SIDE,
    "min_counted": kernels.SMALLEST_COUNTED,
}
LOOKED_AT = 64  # values that show of most columns that they are not all alike
WORD, MAC = 8, 6


class Rows(NamedTuple):
    """Where the records of a batch go: the slot of each, which of them are the first of a flow, which are not.

    `counts` and `had` hold, by the field that is counted, the counter of each record and whether its flow had any.
    """

    slots: Times
    first: Times
    later: Times
    counts: dict[str, Column]
    had: dict[str, Column]


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


def whole(column: Column, count: int) -> Column:
    """Return a column with a value for each record, which kernels get as they get those of files: not to be written."""
    full = (column if len(column) == count else np.repeat(column, count, axis=0)).view()
    full = np.ascontiguousarray(full)
    full.flags.writeable = False
    return full


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
            self._flows = _longer(self._flows, capacity)

    def add(self, column: Column, rows: Rows) -> None:
        """Merge the values of a batch, shape (rows,), (rows, 2), or one of either for all of them."""
        known, self._known = self._known, self._known + len(rows.first)
        if self._flows is None:
            if len(column) == 1 and self._stays(column):
                self._same = column
                return
            self._begin(column, known)
        self._merge(whole(column, len(rows.slots)), rows)

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

    def _merge(self, column: Column, rows: Rows) -> None:
        flows: Any = self._flows
        flows[rows.slots[rows.first]] = column[rows.first]
        if self._rule == "first" or not len(rows.later):
            return
        if self._rule == "sum":
            kernels.merge_sum(flows, rows.slots, rows.later, column)
        elif column.ndim > 1:
            kernels.merge_first_set(flows, rows.slots, rows.later, column)
        else:
            counts, had = rows.counts.get(self._counted, NO_COUNTS), rows.had.get(self._counted, NOTHING_HAD)
            kernels.merge_lane(flows, rows.slots, rows.later, column, RULES[self._rule], counts, had)


class PrefixLane:
    """An address and how many of its bits all records of a flow share."""

    def __init__(self, capacity: int) -> None:
        self._addresses = np.empty((capacity, 16), np.uint8)
        self._lengths, self._kinds = np.empty(capacity, np.uint8), np.empty(capacity, np.uint16)

    def grow(self, capacity: int) -> None:
        """Make room for more flows."""
        for name in ("_addresses", "_lengths", "_kinds"):
            setattr(self, name, _longer(getattr(self, name), capacity))

    def add(self, addresses: Column, lengths: Column, ethertypes: Column, rows: Rows) -> None:
        """Merge addresses, octets of shape (rows, 16), their lengths and ethertypes of shape (rows,)."""
        columns = [whole(part, len(rows.slots)) for part in (addresses, lengths, ethertypes)]
        first = rows.slots[rows.first]
        for name, values in zip(("_addresses", "_lengths", "_kinds"), columns, strict=True):
            getattr(self, name)[first] = values[rows.first]
        kernels.merge_prefix(self._addresses, self._lengths, self._kinds, rows.slots, rows.later, *columns)

    def values(self, order: Times) -> tuple[Column, Column]:
        """Return the addresses of the flows in these slots, shape (n, 16), and their lengths."""
        return self._addresses[order], self._lengths[order]


class WindowLane:
    """The last window of a side and its scale."""

    def __init__(self, capacity: int) -> None:
        self._windows, self._scales = np.empty(capacity, np.uint32), np.empty(capacity, np.uint8)

    def grow(self, capacity: int) -> None:
        """Make room for more flows."""
        self._windows, self._scales = _longer(self._windows, capacity), _longer(self._scales, capacity)

    def add(self, windows: Column, scales: Column, rows: Rows) -> None:
        """Merge windows and their scales, shape (rows,)."""
        windows, scales = (whole(part, len(rows.slots)) for part in (windows, scales))
        first = rows.slots[rows.first]
        self._windows[first], self._scales[first] = windows[rows.first], scales[rows.first]
        kernels.merge_window(self._windows, self._scales, rows.slots, rows.later, windows, scales)

    def values(self, order: Times) -> tuple[Column, Column]:
        """Return the windows of the flows in these slots and their scales."""
        return self._windows[order], self._scales[order]


def _longer(column: Column, capacity: int) -> Column:
    longer = np.empty((capacity, *column.shape[1:]), column.dtype)
    longer[: len(column)] = column
    return longer


NO_COUNTS, NOTHING_HAD = whole(np.zeros(1, np.int64), 1), np.zeros(1, np.uint8)


def warm_up() -> None:
    """Compile the kernels of all fields."""
    one, last = np.zeros(1, np.int64), np.zeros(0, np.int64)
    rows = Rows(one, one, np.zeros(1, np.int64), {}, {})
    for kind in ("i8", "u4", "u2", "u1"):
        kernels.merge_lane(np.zeros(1, kind), one, last, whole(np.zeros(1, kind), 1), 0, NO_COUNTS, NOTHING_HAD)
    for kind in ("i8", "f8"):
        kernels.merge_sum(np.zeros(1, kind), one, last, whole(np.zeros(1, kind), 1))
    kernels.merge_first_set(np.zeros((1, 2), np.int64), one, last, whole(np.zeros((1, 2), np.int64), 1))
    kernels.notice(NOTHING_HAD.copy(), one, NO_COUNTS, NOTHING_HAD.copy())
    WindowLane(1).add(np.zeros(1, np.uint32), NOTHING_HAD, rows)
    PrefixLane(1).add(np.zeros((1, 16), np.uint8), NOTHING_HAD, np.zeros(1, np.uint16), rows)
