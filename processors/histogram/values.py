"""Values and how often each is: what classes, moments, median and mode take; memory goes by distinct values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

if TYPE_CHECKING:
    Numbers = np.ndarray[Any, np.dtype[np.float64]]
    Counts = np.ndarray[Any, np.dtype[np.int64]]

AT_ONCE = 1 << 20
MOST_MODES = 8


class Summary(NamedTuple):
    """What values come to: their number, mean, standard deviation of all, extremes, median, 95th percentile, modes.

    `modes` are the most frequent values, none where no value comes twice, at most MOST_MODES.
    """

    number: int
    mean: float
    deviation: float
    largest: float
    least: float
    median: float
    percentile: float
    modes: tuple[float, ...]


class Values:
    """Collects values, float64, nan left out."""

    def __init__(self) -> None:
        self._distinct, self._counts = np.zeros(0), np.zeros(0, np.int64)
        self._waiting: list[Numbers] = []

    def add(self, values: pl.Series) -> None:
        """Take values; nulls count as none."""
        known = values.cast(pl.Float64).drop_nulls().drop_nans()
        self._waiting.append((known + 0.0).to_numpy())  # -0 is 0
        if sum(map(len, self._waiting)) > AT_ONCE:
            self._join()

    def counted(self) -> tuple[Numbers, Counts]:
        """Return the distinct values in order, and how often each is; both of shape (distinct,)."""
        self._join()
        return self._distinct, self._counts

    def _join(self) -> None:
        fresh, counts = np.unique(np.concatenate([np.zeros(0), *self._waiting]), return_counts=True)
        self._waiting = []
        together = np.concatenate([self._distinct, fresh])
        order = np.argsort(together, kind="stable")
        ordered, every = together[order], np.concatenate([self._counts, counts])[order]
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
        self._distinct = ordered[starts]
        self._counts = np.add.reduceat(every, starts) if len(starts) else every


def summary(values: Numbers, counts: Counts) -> Summary | None:
    """Return what distinct values, in order, and their counts come to; None without any."""
    if not len(values):
        return None
    number = int(counts.sum())
    mean = float((values * counts).sum() / number)
    deviation = math.sqrt(float(((values - mean) ** 2 * counts).sum() / number))
    upto = np.cumsum(counts)

    def at(place: int) -> float:
        return float(values[np.searchsorted(upto, place, side="right")])

    median = at(number // 2) if number % 2 else (at(number // 2 - 1) + at(number // 2)) / 2
    often = int(counts.max())
    modes = tuple(values[counts == often][:MOST_MODES].tolist()) if often > 1 else ()
    least, largest = float(values[0]), float(values[-1])
    return Summary(number, mean, deviation, largest, least, median, at(int(number * 0.95)), modes)
