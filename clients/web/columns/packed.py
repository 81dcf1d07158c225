"""What most questions ask of a flow, in 64 bytes that lie together beside the columns.

So some rows of a piece cost one look at memory each, not one a column. Texts that labels say are known by the code of
the labels, of which there are few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from processors.summaries.packed_kernel import LANES, NUMBERS, TIMES, first_rows, unpack
from processors.summaries.warm import fixed

if TYPE_CHECKING:
    from collections.abc import Mapping

Column = np.ndarray[Any, Any]

MOMENTS = ("start", "last_seen")
COUNTED = ("src_packets", "dst_packets", "src_bytes", "dst_bytes", "lost")
CODED = ("saddr", "daddr", "service")
PAIRS = ("proto", "state"), ("src_port", "dst_port")  # two of 16 bits in one number
LATENCY, LABELS = "latency", "labels"
LATENCY_AT = len(COUNTED) + len(CODED)
LABELS_AT = LATENCY_AT + 1
PORTS = PAIRS[1]
NAMES = {*MOMENTS, *COUNTED, *CODED, LATENCY, *PAIRS[0], *PORTS}
HALF = 16
SMALL = (1 << HALF) - 1
OFTEN = 8  # flows that labels have to stand for, or their texts are as well taken from the columns


def packed(columns: Mapping[str, Column], labels: Column) -> Column | None:
    """Return columns and the codes of labels packed, None where a number is too large for its place."""
    small = all(not len(columns[name]) or int(columns[name].max()) <= SMALL for name in PAIRS[0])
    if not small or any(columns[name].dtype != np.uint32 for name in COUNTED):
        return None
    found = np.zeros((len(labels), LANES), np.uint32)
    for place, name in enumerate(MOMENTS):
        found.view(np.int64)[:, place] = columns[name]
    numbers = found[:, 2 * TIMES :]
    for place, name in enumerate((*COUNTED, *CODED)):
        numbers[:, place] = columns[name]
    numbers[:, LATENCY_AT] = columns[LATENCY].view(np.uint32)
    numbers[:, LABELS_AT] = labels
    for place, (low, high) in enumerate(PAIRS, LABELS_AT + 1):
        numbers[:, place] = columns[low].astype(np.uint32) | columns[high].astype(np.uint32) << HALF
    return found


class Packed:
    """Rows as `packed` returns them; `columns` are those that labels alone say, of all rows."""

    def __init__(self, rows: Column, columns: Mapping[str, Column], labels: int) -> None:
        self._rows, self._columns, self._labels = rows, columns, labels
        self._first: Column | None = None

    def has(self, name: str) -> bool:
        """Tell whether a column can be taken out of it."""
        return name in NAMES

    def says(self, name: str) -> bool:
        """Tell whether labels say what is in a column."""
        return name in self._columns

    def taken(self, places: Column) -> dict[str, Column]:
        """Return all columns of some rows, and the codes of their labels."""
        times = np.empty((TIMES, len(places)), np.int64)
        numbers = np.empty((NUMBERS, len(places)), np.uint32)
        unpack(self._rows, self._rows.view(np.int64), places, times, numbers)
        found = dict(zip(MOMENTS, times, strict=True))
        found |= zip((*COUNTED, *CODED), numbers, strict=False)
        found |= {LATENCY: numbers[LATENCY_AT].view(np.float32), LABELS: numbers[LABELS_AT]}
        for names, both in zip(PAIRS, numbers[LABELS_AT + 1 :], strict=True):
            kind = np.uint16 if names is PORTS else np.uint32
            found |= {names[0]: (both & SMALL).astype(kind), names[1]: (both >> HALF).astype(kind)}
        return {name: fixed(column) for name, column in found.items()}

    def said(self, name: str, labels: Column) -> Column:
        """Return a column that labels say, by their codes."""
        first, column = self.ready(), self._columns[name]
        if len(labels) < len(first):
            return fixed(column[first[labels]])
        return fixed(column[first][labels])  # what labels say lies together then

    def ready(self) -> Column:
        """Have all of it in memory, and return of each code of labels the first row that has it."""
        if self._first is None:
            first = np.zeros(self._labels, np.uint32)
            first_rows(self._rows, 2 * TIMES + LABELS_AT, first)
            self._first = first
        return self._first
