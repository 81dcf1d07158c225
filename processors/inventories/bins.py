"""Sums by key and time, the pieces of time as long as it takes for there to be few of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from processors.inventories.sums import Sums

if TYPE_CHECKING:
    from collections.abc import Sequence

SECOND = 1_000_000_000
MOST = 64  # pieces at most, half of it at least once the first is full
VALUE = {"value": "sum"}


class Binned:
    """Adds up `value` by keys in pieces of time, which double in length as time grows. Times are ns since 1970."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [*keys, "bin"]
        self._sums = Sums(self._keys, VALUE)
        self._first, self._last = 2**62, -(2**62)
        self.width = SECOND

    @property
    def bins(self) -> int:
        """How many pieces there are from the first to the last, those of no key included."""
        return max(0, self._last // self.width - self._first // self.width + 1)

    def add(self, rows: pl.DataFrame) -> None:
        """Take rows with the keys, `time` (int64) and `value` (number)."""
        low, high = rows.select(pl.col("time").min(), pl.col("time").max().alias("high")).row(0)
        if low is not None:
            self._first, self._last = min(self._first, low), max(self._last, high)
            self._widen()
        self._sums.add(rows.lazy().with_columns((pl.col("time") // self.width).alias("bin")))

    def frame(self) -> pl.DataFrame:
        """Return keys, `bin` and `value`."""
        return self._sums.frame()

    def _widen(self) -> None:
        factor = 1
        while self.bins > MOST:
            self.width, factor = self.width * 2, factor * 2
        if factor > 1 and self._sums.is_used:
            kept, self._sums = self._sums.frame(), Sums(self._keys, VALUE)
            self._sums.add(kept.lazy().with_columns(pl.col("bin") // factor))
