"""Names as of a time: which one had led a client to an address."""

from __future__ import annotations

import threading
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from processors.names.table_kernel import MOST_SPANS, PAIRS, SPANS, find, learn, move
from topics.names import EVERYBODY

if TYPE_CHECKING:
    from topics.names import AddressName

MOST = 1_000_000
SPANS_EACH = 8  # room for spans, by pair; a single one may have more
ROOM = 1024
AT_ONCE = 1024
SHARE = 16  # of the pairs, one in so many is forgotten when there is no room
ASKED = "dns"
PAIR = 32  # bytes

Words = np.ndarray[Any, np.dtype[np.uint64]]
Times = np.ndarray[Any, np.dtype[np.int64]]


@lru_cache(65_536)
def name_number(name: str) -> int:
    """Return the number that stands for a name: a hash of 64 bits, never 0."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) or 1


class _Arrays(NamedTuple):
    """What the kernels work on: see there."""

    pairs: Any
    newest: Any
    held: Any
    renewed: Any
    slots: Any
    first: Any
    until: Any
    name: Any
    older: Any
    counts: Any

    @classmethod
    def make(cls, room: int, spans: int) -> _Arrays:
        """Return empty arrays for so many pairs and spans."""
        spans = max(spans, 4 * MOST_SPANS)
        slots = np.zeros(1 << (2 * room).bit_length(), np.int32)
        return cls(
            pairs=np.zeros((room, 4), np.uint64),
            newest=np.zeros(room, np.int32),
            held=np.zeros(room, np.int32),
            renewed=np.zeros(room, np.int64),
            slots=slots,
            first=np.zeros(spans, np.int64),
            until=np.zeros(spans, np.int64),
            name=np.zeros(spans, np.uint64),
            older=np.zeros(spans, np.int32),
            counts=np.zeros(3, np.int64),
        )


class NameTable:
    """The names that clients asked for, by client and address. May be asked and told by several threads.

    `most` pairs are kept, those not renewed for longest are forgotten first (`evicted`), and of each pair the last
    MOST_SPANS spans that differ in name. Answers depend on the order of `add` only beyond these bounds.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most, self._evicted = most, 0
        self._arrays = _Arrays.make(min(most, ROOM), SPANS_EACH * min(most, ROOM))
        self._texts: dict[int, str] = {}
        self._former: dict[int, str] = {}  # those of a moment ago: somebody may just have found one
        self._heard: list[tuple[bytes, int, int, int, int]] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            self._learn()
            return int(self._arrays.counts[PAIRS])

    @property
    def evicted(self) -> int:
        """How many pairs were forgotten for others."""
        with self._lock:
            self._learn()
            return self._evicted

    def add(self, name: AddressName) -> None:
        """Learn a name, or that it holds for longer or has ended."""
        if name.source != ASKED or name.client == EVERYBODY:
            return
        number = name_number(name.name)
        with self._lock:
            self._texts[number] = name.name
            self._heard.append((name.client + name.address, name.first, name.last, name.until, number))
            if len(self._heard) >= AT_ONCE:
                self._learn()

    def find(self, pairs: Words, times: Times) -> Words:
        """Return the numbers of the names that had led clients to addresses as of `times` (ns), 0 without one.

        `pairs` are client and address, 32 bytes as four words, shape (n, 4).
        """
        found = np.zeros(len(pairs), np.uint64)
        with self._lock:
            self._learn()
            known = self._arrays
            if known.counts[PAIRS]:
                spans = known.first, known.until, known.name, known.older
                find(pairs, times, known.pairs, known.newest, known.slots, *spans, found)
        return found

    def text(self, number: int) -> str:
        """Return the name that a number which `find` returned just now stands for."""
        text = self._texts.get(number)
        return self._former[number] if text is None else text

    def _learn(self) -> None:
        """Take in what was heard."""
        if not self._heard:
            return
        pairs, *columns, numbers = zip(*self._heard, strict=True)
        words = np.frombuffer(b"".join(pairs), np.uint64).reshape(-1, PAIR // 8)
        told: Any = (words, *(np.array(column, np.int64) for column in columns), np.array(numbers, np.uint64))
        at = 0
        while (at := learn(*(at, *told, *self._arrays))) < len(words):
            self._make_room(numbers)
        self._heard = []

    def _make_room(self, heard: tuple[int, ...]) -> None:
        """Let the table grow; one that must not forgets pairs."""
        known = self._arrays
        count, room, spans = int(known.counts[PAIRS]), len(known.pairs), len(known.first)
        places = np.argsort(known.renewed[:count], kind="stable")
        live = int(known.held[:count].sum())
        if (count == room or 2 * live > spans) and room < self._most:
            room = min(2 * room, self._most)
        elif count == room or 2 * live > spans:
            dropped = -(-count // SHARE)
            places, self._evicted = places[dropped:], self._evicted + dropped
        self._arrays = _Arrays.make(room, SPANS_EACH * room)
        self._arrays.counts[:] = known.counts
        move(places, *known[:2], known.renewed, *known[5:9], *self._arrays)
        names = set(self._arrays.name[: self._arrays.counts[SPANS]].tolist()).union(heard)
        self._former = self._texts
        self._texts = {number: text for number, text in self._texts.items() if number in names}
