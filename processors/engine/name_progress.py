"""Until when all names are known: what was on the topic of payloads then has been named, and the names were read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

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
    neither a topic on which nothing happens nor names made late, as in a replay, need a time to be guessed. When
    nothing moves for SILENT_SECONDS names are given up (`is_stalled`), until something does. Times are those of a
    monotonic clock, in seconds.
    """

    def __init__(self, asked: Asked, payloads: str, names: str) -> None:
        self.known_until = -math.inf
        self.is_stalled = False
        self._asked, self._topics = asked, (payloads, names)
        self._begun: float | None = None
        self._payload_ends: dict[int, int] = {}
        self._name_ends: dict[int, int] | None = None
        self._state: object = None
        self._moved = -math.inf

    def look(self, reached: Mapping[int, int], now: float) -> None:
        """Take a step of a check; `reached` says by partition how far names were read."""
        payloads, names = self._topics
        if self._begun is None:
            self._begun, self._name_ends = now, None
            self._payload_ends = _ends(self._asked.bounds(payloads))
        named: dict[int, int] = {}
        if self._name_ends is None:
            named = self._named(payloads)
            if all(named.get(number, 0) >= end for number, end in self._payload_ends.items()):
                self._name_ends = _ends(self._asked.bounds(names))
        is_read = self._name_ends is not None and all(
            reached.get(number, 0) >= end for number, end in self._name_ends.items()
        )
        self._watch((named, dict(reached)), now, is_read=is_read)
        if is_read or self.is_stalled:
            self.known_until, self._begun = self._begun, None

    def _watch(self, state: object, now: float, *, is_read: bool) -> None:
        """Notice that nothing moves any more, or that it does again."""
        if is_read or state != self._state:
            self._state, self._moved, self.is_stalled = state, now, False
        elif now - self._moved > SILENT_SECONDS:
            self.is_stalled = True

    def _named(self, topic: str) -> dict[int, int]:
        if not self._payload_ends:
            return {}
        return {
            number: published(note, offset)
            for number, (offset, note) in self._asked.notes(topic, self._payload_ends).items()
        }


def published(note: str, otherwise: int = 0) -> int:
    """Return the first offset that was not named yet, out of what was committed beside the offset."""
    name, _, number = note.partition("=")
    return int(number) if name == PUBLISHED and number.isdecimal() else otherwise


def _ends(bounds: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    """Return where partitions end that hold anything."""
    return {number: end for number, (begin, end) in bounds.items() if end > begin}
