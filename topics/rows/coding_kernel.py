"""Numbers for rows that are alike: a hash table over rows of 64-bit words."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import folded_product, inlined, kernel

SPREAD = np.uint64(0x9E3779B97F4A7C15)


@kernel
def pack(words: Any, word: int, shift: int, values: Any, first: int, step: int) -> None:
    """Put unsigned values, every `step`th from `first` on, into the bits of a word of each row, which are 0 so far.

    `words` is of shape (rows, words of a row), uint64.
    """
    for row in range(len(words)):
        words[row, word] |= np.uint64(values[first + row * step]) << np.uint64(shift)


@inlined
def _hashed(words: Any, row: int, seed: Any) -> Any:
    state = np.uint64(seed)
    for word in range(words.shape[1]):
        state = folded_product(state ^ words[row, word], SPREAD)
    return state


@inlined
def _alike(some: Any, place: int, words: Any, row: int) -> bool:
    same = True
    for word in range(words.shape[1]):
        same &= some[place, word] == words[row, word]
    return same


@kernel
def number(
    words: Any, start: int, table: Any, known: Any, firsts: Any, count: int, codes: Any, seed: Any
) -> tuple[int, int]:
    """Give rows from `start` on numbers: those alike the same, the one they had before; until the table is half full.

    `table` (int32, a power of two of places) has the numbers, each plus one, 0 in places that are free; `known` the
    words of each number, of shape (len(table) // 2, words), `firsts` the row that got it first. Returns the row that
    it came to and how many numbers there are. `seed` makes what collides another thing in every process.
    """
    mask, width = len(table) - 1, words.shape[1]
    for row in range(start, len(words)):
        if row > start and _alike(words, row, words, row - 1):
            codes[row] = codes[row - 1]
            continue
        place = np.int64(_hashed(words, row, seed) & np.uint64(mask))
        while True:
            code = table[place] - 1
            if code < 0:
                if count == len(known):
                    return row, count
                for word in range(width):
                    known[count, word] = words[row, word]
                table[place] = count + 1
                firsts[count] = row
                codes[row] = count
                count += 1
                break
            if _alike(known, code, words, row):
                codes[row] = code
                break
            place = (place + 1) & mask
    return len(words), count
