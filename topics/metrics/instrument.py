"""Counters, gauges and histograms that a program keeps of itself: plain numbers, taken a batch at a time.

Each knows what it is called and what it means, so that what is served and what is documented are the same.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Labels = tuple[str, ...]
COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"
_lock = threading.Lock()  # one for all: it is held for less than a microsecond, a few times a batch


@dataclass(slots=True)
class Distribution:
    """How often values fell into each bucket, the last of which has no bound, and their sum."""

    counts: list[int]
    sum: float = 0.0


@dataclass(frozen=True, slots=True)
class Metric:
    """What one metric is: its name, what it says, the names of its labels, and which programs have it."""

    name: str
    text: str
    labels: Labels = ()
    programs: Labels = ()

    @property
    def kind(self) -> str:
        """Return counter, gauge or histogram."""
        return COUNTER if self.name.endswith("_total") else GAUGE


@dataclass(frozen=True, slots=True)
class Number(Metric):
    """A counter (its name ends in `_total`) or a gauge. Values are given in the order of `labels`."""

    values: dict[Labels, float] = field(default_factory=dict, compare=False, repr=False)

    def add(self, amount: float, *labels: str) -> None:
        """Add to the value of some labels."""
        with _lock:
            self.values[labels] = self.values.get(labels, 0) + amount

    def set(self, value: float, *labels: str) -> None:
        """Set the value of some labels."""
        with _lock:
            self.values[labels] = value

    def replace(self, values: dict[Labels, float], *first: str) -> None:
        """Set the values of all labels that begin with some, and forget the others of these."""
        with _lock:
            for labels in [labels for labels in self.values if labels[: len(first)] == first]:
                del self.values[labels]
            self.values.update(values)

    def read(self) -> dict[Labels, float]:
        """Return all values; one without labels is 0 before anything happened."""
        with _lock:
            return dict(self.values) or ({} if self.labels else {(): 0.0})

    def reset(self) -> None:
        """Forget everything."""
        with _lock:
            self.values.clear()


@dataclass(frozen=True, slots=True)
class Histogram(Metric):
    """How values are distributed over `bounds`, each the highest value of its bucket."""

    bounds: tuple[float, ...] = ()
    values: dict[Labels, Distribution] = field(default_factory=dict, compare=False, repr=False)

    @property
    def kind(self) -> str:
        """Return what it is."""
        return HISTOGRAM

    def observe(self, value: float, *labels: str) -> None:
        """Count one value."""
        place = bisect_left(self.bounds, value)
        with _lock:
            found = self._of(labels)
            found.counts[place] += 1
            found.sum += value

    def merge(self, counts: Iterable[int], total: float, *labels: str) -> None:
        """Add many values: how many fell into each bucket, and their sum."""
        with _lock:
            found = self._of(labels)
            found.counts[:] = [had + more for had, more in zip(found.counts, counts, strict=True)]
            found.sum += total

    def _of(self, labels: Labels) -> Distribution:
        if labels not in self.values:
            self.values[labels] = Distribution([0] * (len(self.bounds) + 1))
        return self.values[labels]

    def read(self) -> dict[Labels, Distribution]:
        """Return how values are distributed, by labels."""
        with _lock:
            return {labels: Distribution([*found.counts], found.sum) for labels, found in self.values.items()}

    def reset(self) -> None:
        """Forget everything."""
        with _lock:
            self.values.clear()
