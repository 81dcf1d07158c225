"""A clock that goes only when something waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probes.capture.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable


class HandClock(Clock):
    """Starts at an odd time; `naps` are the spans slept, and `meanwhile` is called in each with its number."""

    def __init__(self, meanwhile: Callable[[int], object] = lambda _: None) -> None:
        self.time = 987_654_321
        self.naps: list[int] = []
        self._meanwhile = meanwhile

    def now(self) -> int:
        return self.time

    def sleep(self, span: int) -> None:
        assert span > 0
        self.naps.append(span)
        self.time += span
        self._meanwhile(len(self.naps))
