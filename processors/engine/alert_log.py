"""The state of an evaluator on its topic: now and then all of it, in between what has changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import zstandard

from topics.alerts import StatePart, decode_state, encode_state
from topics.bus.snapshot import Snapshot
from topics.definitions import MESSAGE_BYTES
from topics.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_CHANGES = 1000  # states that tell what has changed, one after the other
PART_BYTES = MESSAGE_BYTES - 1024
ROOM = 1 << 20  # bytes that changes may take beyond what the whole state does
LARGEST = 1 << 30


class AlertLog:
    """Numbers states and cuts them into messages, under keys that later ones use again: the topic is compacted."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._number = self._since = self._changed = self._whole = 0

    @property
    def wants_whole(self) -> bool:
        """Whether the next state has to be whole."""
        return not self._number or self._since >= MOST_CHANGES or self._changed > 2 * self._whole + ROOM

    def messages(self, state: dict[str, Any], *, whole: bool) -> Iterator[tuple[bytes, bytes]]:
        """Yield key and value of the messages that hold a state."""
        body = zstandard.ZstdCompressor(3).compress(json.dumps(state, separators=(",", ":")).encode())
        self._number += 1
        self._since = 0 if whole else self._since + 1
        self._changed = 0 if whole else self._changed + len(body)
        self._whole = len(body) if whole else self._whole
        pieces = [body[at : at + PART_BYTES] for at in range(0, max(1, len(body)), PART_BYTES)]
        for part, piece in enumerate(pieces):
            said = StatePart(self._group, self._number, whole, part, len(pieces), piece)
            yield f"{self._group}/{self._since}/{part}".encode(), encode_state(said)

    def read(self, url: str, topic: str) -> list[dict[str, Any]]:
        """Return the last whole state on the topic and the changes since; raises BusError when it is damaged."""
        states: dict[int, dict[int, StatePart]] = {}
        for _, _, part in Snapshot(url, topic, decode_state):
            if part.group == self._group:
                states.setdefault(part.number, {})[part.part] = part
        complete = {number: parts for number, parts in states.items() if len(parts) == parts[min(parts)].parts}
        begins = max((number for number, parts in complete.items() if parts[0].whole), default=None)
        if begins is None:
            return []
        numbers = sorted(number for number in complete if number >= begins)
        if numbers != list(range(begins, begins + len(numbers))):
            raise BusError(f"{url}: topic {topic}: the state of '{self._group}' has gaps")
        self._number, self._since = numbers[-1], len(numbers) - 1
        return [_state(complete[number]) for number in numbers]


def _state(parts: dict[int, StatePart]) -> dict[str, Any]:
    body = b"".join(parts[number].body for number in sorted(parts))
    state: dict[str, Any] = json.loads(zstandard.ZstdDecompressor().decompress(body, LARGEST))
    return state
