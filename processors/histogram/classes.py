"""What `rahisto -H metric bins[L]:range|size` asks for, and the classes that come of it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.errors import UsageError

if TYPE_CHECKING:
    Numbers = np.ndarray[Any, np.dtype[np.float64]]

_NUMBER = r"-?\d{1,18}(?:\.\d{0,9})?(?:[eE][+-]?\d{1,2})?[a-zA-Z]?"
_WISH = re.compile(rf"(?P<bins>\d{{1,6}})(?P<log>[lL]?)(?::(?P<low>{_NUMBER})(?:-(?P<high>{_NUMBER}))?)?")
SECONDS = {"u": 1e-6, "m": 1e-3, "s": 1.0, "M": 60.0, "H": 3600.0, "h": 3600.0, "D": 86_400.0, "d": 86_400.0}
COUNTS = {"u": 1e-6, "m": 1e-3, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
LEAST_BY_RATIO = {
    True: 1e-6,
    False: 1.0,
}  # where classes of one ratio begin that were to begin at 0: of times, of others
MOST_BINS = 100_000


@dataclass(frozen=True, slots=True)
class Wish:
    """So many classes, of one ratio when `logarithmic`, from `low` up to `high`, where these are said."""

    bins: int
    logarithmic: bool = False
    low: float | None = None
    high: float | None = None

    def classes(self, least: float, largest: float, *, seconds: bool) -> Classes:
        """Return the classes, for values between these two where the wish says no range."""
        low, high = self.low, self.high
        if self.logarithmic:
            begin = LEAST_BY_RATIO[seconds]
            if low is None or high is None:
                low = 10.0 ** math.floor(math.log10(least if least > 0 else begin))
                high = 10.0 ** (math.floor(math.log10(max(largest, low))) + 1)
            return Classes(np.geomspace(low or begin, high, self.bins + 1))
        if low is None or high is None:
            low, high = min(0.0, least), _round_above(largest)
        return Classes(np.linspace(low, high, self.bins + 1))


@dataclass(frozen=True, slots=True)
class Classes:
    """Where classes begin, and where the last ends: shape (classes + 1,). A value on an edge is in the class above."""

    edges: Numbers

    def counts(self, values: Numbers, counts: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[int, list[int], int]:
        """Return how many values are below all classes, in each, and above all; `counts` says how often each is."""
        place = np.searchsorted(self.edges, values, side="right")
        found = np.bincount(place, weights=counts.astype(np.float64), minlength=len(self.edges) + 1).astype(np.int64)
        return int(found[0]), found[1:-1].tolist(), int(found[-1])


def parse_wish(text: str, *, seconds: bool) -> Wish:
    """Return what `10`, `10:0-75u`, `10L:0.001-10` or `10:100` (the size of a class) asks for; raises UsageError."""
    match = _WISH.fullmatch(text)
    if match is None or not 0 < int(match["bins"]) <= MOST_BINS:
        raise UsageError(f"'{text}' says no classes; write 10, 10:0-75u, 10L:0.001-10 or 10:100")
    bins, logarithmic = int(match["bins"]), bool(match["log"])
    if match["low"] is None:
        return Wish(bins, logarithmic)
    low = _number(match["low"], text, seconds=seconds)
    if match["high"] is None:
        low, high = 0.0, low * bins
    else:
        high = _number(match["high"], text, seconds=seconds)
    if high <= low or (logarithmic and low < 0) or (logarithmic and not low and high <= LEAST_BY_RATIO[seconds]):
        raise UsageError(f"'{text}' is no range: from {low:g} to {high:g}")
    return Wish(bins, logarithmic, low, high)


def _number(text: str, whole: str, *, seconds: bool) -> float:
    units = SECONDS if seconds else COUNTS
    if not text[-1].isalpha():
        return float(text)
    if text[-1] not in units:
        raise UsageError(f"'{whole}': unit '{text[-1]}' is none of {', '.join(units)}")
    return float(text[:-1]) * units[text[-1]]


def _round_above(value: float) -> float:
    """Return the next number of two digits above a value, above 0."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return (math.floor(value / unit * (1 + 1e-12)) + 1) * unit
