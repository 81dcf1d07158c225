"""Rows that are alike in their keys have the same number, from one batch to the next."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.rows.coding_kernel import number, pack

if TYPE_CHECKING:
    from collections.abc import Sequence

WORD = 64
SMALLEST = 1 << 10  # places of a table
Unsigned = np.ndarray[Any, Any]
Numbers = np.ndarray[Any, np.dtype[np.int64]]
SEED = np.uint64(secrets.randbits(WORD))


class Coding:
    """Numbers rows that are alike in so many integers of so many bits; `count` is how many numbers there are."""

    def __init__(self, bits: Sequence[tuple[int, int]]) -> None:
        """`bits` are those of each part and how many parts there are, of each value."""
        self._places, self._width = _places(bits)
        self.clear()

    def clear(self) -> None:
        """Forget all numbers."""
        self.count = 0
        self._table = np.zeros(SMALLEST, np.int32)
        self._known = np.empty((SMALLEST // 2, self._width), np.uint64)
        self._firsts = np.empty(SMALLEST // 2, np.int64)

    def code(self, values: Sequence[Unsigned], codes: Numbers) -> Numbers:
        """Write the number of each row into `codes` and return the first rows of numbers that are new, in their order.

        `values` are of shape (rows,) or (rows, parts).
        """
        words = np.zeros((len(codes), self._width), np.uint64)
        for array, parts in zip(values, self._places, strict=True):
            flat = array.reshape(-1)
            flat.flags.writeable = False  # whatever it was: kernels are compiled for one of both
            for first, (word, shift) in enumerate(parts):
                pack(words, word, shift, flat, first, len(parts))
        row, before = 0, self.count
        while row < len(words):
            row, self.count = number(words, row, self._table, self._known, self._firsts, self.count, codes, SEED)
            if row < len(words):
                self._grow()
        return self._firsts[before : self.count]

    def _grow(self) -> None:
        """Make room for twice as many numbers."""
        known, self._table = self._known, np.zeros(2 * len(self._table), np.int32)
        self._known = np.empty((2 * len(known), self._width), np.uint64)
        again = np.empty(2 * len(known), np.int64)
        number(known, 0, self._table, self._known, again, 0, again, SEED)  # all different, so they keep their numbers
        again[: len(known)] = self._firsts
        self._firsts = again


def _places(bits: Sequence[tuple[int, int]]) -> tuple[list[list[tuple[int, int]]], int]:
    """Return the word and the bits in it of each part of each value, and how many words there are."""
    places, free = [list[tuple[int, int]]() for _ in bits], list[int]()
    for (size, number_of_parts), parts in sorted(zip(bits, places, strict=True), key=lambda pair: -pair[0][0]):
        for _ in range(number_of_parts):
            word = next((word for word, used in enumerate(free) if used + size <= WORD), len(free))
            if word == len(free):
                free.append(0)
            parts.append((word, free[word]))
            free[word] += size
    return places, max(len(free), 1)
