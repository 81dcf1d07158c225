"""Keys and texts by number, so that what is known of an address is looked up once and then copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from processors.labels.label_kernels import gather, measure, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from topics.batch import Heap

Words = np.ndarray[Any, np.dtype[np.uint64]]
Numbers = np.ndarray[Any, np.dtype[np.int64]]
Parts = np.ndarray[Any, np.dtype[np.int32]]

ROOM = 1024
WORD = 8


class Numbered:
    """Gives each key of `words` 64-bit words a number from 0 up."""

    def __init__(self, words: int, room: int = ROOM) -> None:
        self.count = 0
        self._known = np.zeros((room, words), np.uint64)
        self._slots = np.zeros(1 << (2 * room).bit_length(), np.int32)

    def numbers(self, keys: Words) -> Numbers:
        """Return the numbers of keys, shape (n, words); those not seen before count on from `count`."""
        if self.count + len(keys) > len(self._known):
            self._grow(2 * (self.count + len(keys)))
        numbers = np.empty(len(keys), np.int64)
        self.count = number(keys, self._known, self._slots, self.count, numbers)
        return numbers

    def keys_from(self, first: int) -> Words:
        """Return the keys from a number on."""
        return self._known[first : self.count]

    def _grow(self, room: int) -> None:
        before, count = self._known[: self.count], self.count
        self._known = np.zeros((room, before.shape[1]), np.uint64)
        self._slots = np.zeros(1 << (2 * room).bit_length(), np.int32)
        self.count = number(before, self._known, self._slots, 0, np.empty(count, np.int64))


class Texts:
    """Texts by number; 0 is the empty one."""

    def __init__(self) -> None:
        self.texts: list[bytes] = [b""]
        self._numbers: dict[bytes, int] = {b"": 0}
        self._heap = np.zeros(1 << 16, np.uint8)
        self._begins, self._lengths = np.zeros(ROOM, np.int64), np.zeros(ROOM, np.int64)
        self._used = 0

    def __len__(self) -> int:
        return len(self.texts)

    def number(self, text: bytes) -> int:
        """Return the number of a text."""
        found = self._numbers.get(text)
        return self._added(text) if found is None else found

    def joined(self, before: Heap, parts: Parts) -> tuple[Heap, Numbers]:
        """Return a heap with the texts of each row of `parts`, shape (n, kinds), behind it, and their lengths."""
        lengths = np.empty(len(parts), np.int64)
        out = np.empty(len(before) + measure(parts, self._lengths, lengths), np.uint8)
        out[: len(before)] = before
        gather(parts, self._begins, self._lengths, self._heap, out, len(before))
        return out, lengths

    def columns(self, parts: Parts) -> list[list[bytes]]:
        """Return the same texts, a column for each kind."""
        return [[self.texts[each] for each in column] for column in parts.T.tolist()]

    def _added(self, text: bytes) -> int:
        place = len(self.texts)
        if place == len(self._begins):
            self._begins, self._lengths = (np.concatenate([each, each]) for each in (self._begins, self._lengths))
        if self._used + len(text) > len(self._heap):
            self._heap = np.concatenate([self._heap, np.zeros(len(self._heap) + len(text), np.uint8)])
        self._heap[self._used : self._used + len(text)] = np.frombuffer(text, np.uint8)
        self._begins[place], self._lengths[place] = self._used, len(text)
        self._used += len(text)
        self.texts.append(text)
        self._numbers[text] = place
        return place


class Memory:
    """Numbers of texts by key of `words` words: `make`, which gives `kinds` texts of each key, is asked once a key."""

    def __init__(
        self, texts: Texts, words: int, make: Callable[[Words], Sequence[Sequence[bytes]]], kinds: int = 1
    ) -> None:
        self._keys, self._texts, self._make = Numbered(words), texts, make
        self._said = np.zeros((ROOM, kinds), np.int32)

    def __len__(self) -> int:
        return self._keys.count

    def said(self, keys: Words) -> Parts:
        """Return the numbers of the texts of keys, shape (n, kinds)."""
        first = self._keys.count
        places = self._keys.numbers(keys)
        if self._keys.count > len(self._said):
            self._said = np.concatenate([self._said, np.zeros((self._keys.count, self._said.shape[1]), np.int32)])
        if self._keys.count > first:
            fresh, number = self._make(self._keys.keys_from(first)), self._texts.number
            self._said[first : self._keys.count] = [[number(text) for text in texts] for texts in fresh]
        return self._said[places]


def words_of(*columns: Any, words: int) -> Words:  # noqa: ANN401 - columns of uint8, shape (n, width)
    """Return bytes side by side as keys of `words` words, zeros behind them."""
    keys = np.zeros((len(columns[0]), words * WORD), np.uint8)
    at = 0
    for column in columns:
        keys[:, at : at + column.shape[1]] = column
        at += column.shape[1]
    return keys.view(np.uint64)
