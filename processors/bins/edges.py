"""Where time bins begin: multiples of their size since 1970 for seconds to hours, local midnights for longer ones."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.errors import UsageError
from topics.timerange.moment import DAY, LENGTHS, LETTERS, MONTH, SECOND, YEAR, stepped

if TYPE_CHECKING:
    Times = np.ndarray[Any, np.dtype[np.int64]]

_SIZE = re.compile(r"(?P<count>\d{1,9}(?:\.\d{1,6})?)(?P<unit>[smhdwMy]?)")
MOST_EDGES = 1 << 22


@dataclass(frozen=True, slots=True)
class BinSize:
    """So many units of time: `length` ns for those that are always as long, else 0 and a calendar unit."""

    length: int
    count: int = 1
    unit: int = DAY

    def starts(self, times: Times) -> Times:
        """Return when the bin of each instant began, both int64 ns, shape (n,); raises UsageError for too many bins."""
        if self.length:
            return times // self.length * self.length
        if not len(times):
            return times
        edges = self._edges(int(times.min()), int(times.max()))
        return edges[np.searchsorted(edges, times, side="right") - 1]

    def next(self, start: int) -> int:
        """Return when the bin that began then ends."""
        return start + self.length if self.length else stepped(start, ((self.count, self.unit),))

    def _edges(self, first: int, last: int) -> Times:
        local = time.localtime(first // SECOND)
        parts = {YEAR: (local.tm_year, 1, 1), MONTH: (local.tm_year, local.tm_mon, 1)}
        year, month, day = parts.get(self.unit, (local.tm_year, local.tm_mon, local.tm_mday))
        edge = int(time.mktime((year, month, day, 0, 0, 0, 0, 0, -1))) * SECOND
        edges = [edge]
        while edges[-1] <= last:
            edges.append(self.next(edges[-1]))
            if len(edges) > MOST_EDGES:
                raise UsageError(f"more than {MOST_EDGES} bins")
        return np.array(edges, np.int64)


def bin_size(text: str) -> BinSize:
    """Return the size that `10s`, `5m`, `1h`, `1d`, `1w`, `1M` or `1y` says, in seconds without a unit.

    Raises UsageError for another text.
    """
    match = _SIZE.fullmatch(text)
    if match is None or not float(match["count"]):
        raise UsageError(f"'{text}' is no size of a time bin; write 10s, 5m, 1h, 1d, 1w, 1M or 1y")
    unit = LETTERS[match["unit"] or "s"]
    count = float(match["count"])
    if unit in LENGTHS and unit != DAY:
        return BinSize(round(count * LENGTHS[unit] * SECOND))
    if count != int(count):
        raise UsageError(f"'{text}' is no size of a time bin: days and longer come whole")
    return BinSize(0, int(count) * (7 if match["unit"] == "w" else 1), unit)
