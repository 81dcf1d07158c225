"""When a source is asked: at regular times, each a little late by chance, never again while it is still busy."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Protocol

FIRST_SECONDS = 1.0  # the first time is not late by more: somebody may be waiting for it


class Chance(Protocol):
    """What says how late."""

    def random(self) -> float:
        """Return a number from 0 to 1."""


@dataclass(slots=True)
class Schedule:
    """Times in seconds of a monotonic clock. `interval` 0 is once; `jitter` is the share of it that chance adds.

    The jitter is added to each time anew and never adds up: the times themselves stay where they are.
    """

    interval: float
    jitter: float = 0.1
    chance: Chance = field(default_factory=Random)
    _turn: float | None = None

    def next_time(self, now: float) -> tuple[float, int] | None:
        """Return when to ask next, and how many times have passed unused; None when it was asked and that was all."""
        if self._turn is None:
            self._turn = now
            return now + min(self._late(), FIRST_SECONDS), 0
        if not self.interval:
            return None
        missed = max(0, int((now - self._turn) // self.interval))
        self._turn += (missed + 1) * self.interval
        return self._turn + self._late(), missed

    def _late(self) -> float:
        return self.interval * self.jitter * self.chance.random()
