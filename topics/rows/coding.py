"""Rows that are alike in their keys have the same number, from one batch to the next."""

from __future__ import annotations

import secrets
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.native import Native, address_of
from topics.rows.kinds import BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

WORD = 64
SMALLEST = 1 << 9  # numbers that there is room for at first
Unsigned = np.ndarray[Any, Any]
Numbers = np.ndarray[Any, np.dtype[np.int64]]
SEED = secrets.randbits(WORD - 1)
_number_rows = Native("topics.rows.coding_kernel", "number_rows", 12)


class Coding:
    """Numbers rows that are alike in so many integers of so many bits; `count` is how many numbers there are."""

    def __init__(self, bits: Sequence[tuple[int, int]], room: int = SMALLEST) -> None:
        """`bits` are those of each part and how many parts there are, of each value; a power of two has `room`."""
        self._places, self._width = _places(bits)
        self._room = room
        self._scratch = np.empty(BLOCK * (self._width + 1), np.uint64)
        self.clear()

    def clear(self) -> None:
        """Forget all numbers."""
        self.count = 0
        self._table = np.zeros(2 * self._room, np.int32)
        self._known = np.empty((self._room, self._width), np.uint64)
        self._firsts = np.empty(self._room, np.int64)

    def code(self, values: Sequence[Sequence[Unsigned]], codes: Numbers) -> Numbers:
        """Write the number of each row into `codes` and return the first rows of numbers that are new, in their order.

        `values` are unsigned, of shape (rows,) or (rows, parts), each in pieces one behind the other.
        """
        # Which live until all rows are numbered.
        arrays = [[np.ascontiguousarray(piece) for piece in pieces if len(piece)] for pieces in values]
        row, before = 0, self.count
        for end in sorted({end for pieces in arrays for end in accumulate(map(len, pieces))}):
            parts = [part for each, places in zip(arrays, self._places, strict=True) for part in _at(each, row, places)]
            while row < end:
                row = self._numbered(parts, row, end, codes)
                if row < end:
                    self._grow()
        return self._firsts[before : self.count]

    def _numbered(self, parts: Sequence[tuple[int, ...]], row: int, end: int, codes: Numbers) -> int:
        """Go on with the next row while there are numbers; return which one was the first that got none, or `end`."""
        described, progress = np.array(parts, np.int64), np.array([row, self.count])
        table, known, firsts = self._table, self._known, self._firsts
        _number_rows(
            *(address_of(described), len(described), end, address_of(self._scratch), self._width),
            *(address_of(table), len(table), address_of(known), address_of(firsts), address_of(codes), SEED),
            address_of(progress),
        )
        row, self.count = progress.tolist()
        return row

    def _grow(self) -> None:
        """Make room for twice as many numbers."""
        known, firsts = self._known, self._firsts
        self._table = np.zeros(2 * len(self._table), np.int32)
        self._known = np.empty((2 * len(known), self._width), np.uint64)
        self._firsts, self.count = np.empty(2 * len(known), np.int64), 0
        parts = [(address_of(known) + 8 * word, 8, 8 * self._width, word, 0) for word in range(self._width)]
        codes = np.empty(len(known), np.int64)
        self._numbered(parts, 0, len(codes), codes)  # all different, so they keep their numbers
        self._firsts[: len(known)] = firsts


def pieces_of(series: pl.Series) -> list[Unsigned]:
    """Return the values of a column where they lie, in as many pieces: put together they would be a copy."""
    return [piece.to_numpy() for piece in series.get_chunks()]


def _at(pieces: Sequence[Unsigned], row: int, places: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Return the parts of a value, for the kernel, in the piece that has a row: as if row 0 of all were in it."""
    begin = 0
    for array in pieces:
        if row < begin + len(array):
            stride = len(places) * array.itemsize
            first = address_of(array) - begin * stride
            return [
                (first + place * array.itemsize, array.itemsize, stride, word, shift)
                for place, (word, shift) in enumerate(places)
            ]
        begin += len(array)
    raise ValueError(f"no value of row {row}")


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
