"""From when to when something was said again and again: one span as long as the next word comes in time."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable

SECOND = 1_000_000_000


class Span(NamedTuple):
    """From the first word to the end of the last one's validity (ns), and what has become of it."""

    first: int
    until: int
    event: str


class Spans:
    """The spans of at most `most` things, those heard least recently forgotten first and counted in `evicted`.

    A span is told again when it lasts by more than `slack` (ns) longer than was told last; always without one.
    """

    def __init__(self, most: int, slack: int | None = None) -> None:
        self.evicted = 0
        self._most, self._slack = most, slack
        self._spans: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._spans)

    def say(self, key: Hashable, time: int, until: int) -> Span | None:
        """Note that something holds from `time` to `until`; return the span when it is to be told."""
        known = self._spans.get(key)
        if known is None or time > known[1]:
            self._spans[key] = (time, until)
            self._spans.move_to_end(key)
            if len(self._spans) > self._most:
                self._spans.popitem(last=False)
                self.evicted += 1
            return Span(time, until, "new")
        self._spans.move_to_end(key)
        if self._slack is not None and until <= known[1] + self._slack:
            return None
        until = max(until, known[1])
        self._spans[key] = (known[0], until)
        return Span(known[0], until, "renewed")

    def recall(self, key: Hashable, first: int, until: int) -> None:
        """Know a span again that was told before."""
        known = self._spans.get(key)
        if known is None or until >= known[1]:
            self._spans[key] = (first, until)
            self._spans.move_to_end(key)
            if len(self._spans) > self._most:
                self._spans.popitem(last=False)

    def end(self, key: Hashable, time: int) -> Span | None:
        """Note that something has ended; return its span when it was under way."""
        known = self._spans.pop(key, None)
        return None if known is None or time > known[1] else Span(known[0], time, "released")
