"""Until when all names are known: what was on the topic of payloads then has been named, and the names were read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from processors.engine.notes import NUMBERS, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SILENT_SECONDS = 60.0
PUBLISHED = "published"  # beside the committed offset: the first one whose message has not been named yet


class Asked(Protocol):
    """How far topics and the group that names payloads have come: `topics.bus.offsets`."""

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return by partition the first offset and the one behind the last."""

    def notes(self, topic: str, partitions: Iterable[int]) -> dict[int, tuple[int, str]]:
        """Return by partition what the group has committed: an offset and a text."""


class NameProgress:
    """Follows payloads from their topic to a reader of names, one check after the other.

    A check notes where the topic of payloads ends, waits until the group that names them has come so far, notes where
    the topic of names ends then, and waits until that was read: then all is known that was there when it began. So
    neither a topic on which nothing happens nor names made late, as in a replay, need a time to be guessed. A partition
    that has not moved on for SILENT_SECONDS is not waited for (`is_stalled`) until it does. Times are those of a
    monotonic clock, in seconds.
    """

    def __init__(self, asked: Asked, payloads: str, names: str) -> None:
        self.known_until = -math.inf
        self.is_stalled = False
        self._asked, self._payloads, self._names = asked, payloads, names
        self._begun: float | None = None
        self._payload_ends: dict[int, int] = {}
        self._name_ends: dict[int, int] | None = None
        self._seen: dict[tuple[str, int], tuple[int, float]] = {}
        self._has_given_up = False

    def look(self, reached: Mapping[int, int], now: float) -> None:
        """Take a step of a check; `reached` says by partition how far names were read."""
        if self._begun is None:
            self._begun, self._name_ends, self._has_given_up = now, None, False
            self._payload_ends = _ends(self._asked.bounds(self._payloads))
        if self._name_ends is None:
            if self._waits(self._payloads, self._payload_ends, self._named(self._payloads), now):
                return
            self._name_ends = _ends(self._asked.bounds(self._names))
        if self._waits(self._names, self._name_ends, reached, now):
            return
        self.known_until, self._begun, self.is_stalled = self._begun, None, self._has_given_up

    def _waits(self, topic: str, ends: Mapping[int, int], come: Mapping[int, int], now: float) -> bool:
        """Tell whether a partition that moves, or may yet, has not come to its end."""
        waits = False
        for number, end in ends.items():
            at, (before, moved) = come.get(number, 0), self._seen.get((topic, number), (-1, now))
            if at >= end or at != before:
                self._seen[topic, number] = (at, now)
                waits |= at < end
            elif now - moved <= SILENT_SECONDS:
                waits = True
            else:
                self._has_given_up = True
        return waits

    def _named(self, topic: str) -> dict[int, int]:
        if not self._payload_ends:
            return {}
        return {
            number: published(note, offset)
            for number, (offset, note) in self._asked.notes(topic, self._payload_ends).items()
        }


def noted(offset: int, numbers: str) -> str:
    """Return what is committed beside an offset: the first one not named yet, and the batches seen before it."""
    return f"{PUBLISHED}={offset}" + (f" {NUMBERS}={numbers}" if numbers else "")


def published(note: str, otherwise: int = 0) -> int:
    """Return the first offset that was not named yet, out of what was committed beside the offset."""
    found = whole_number(note, PUBLISHED)
    return otherwise if found is None else found


def _ends(bounds: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    """Return where partitions end that hold anything."""
    return {number: end for number, (begin, end) in bounds.items() if end > begin}
