"""Numbers for rows that are alike: a hash table over rows of 64-bit words."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import folded_product, inlined
from topics.rows.kinds import BLOCK
from topics.rows.words import (
    halves_at,
    integer_rows_at,
    integers_at,
    load_byte,
    load_half,
    load_quarter,
    load_whole,
    word_rows_at,
)

SPREAD = np.uint64(0x9E3779B97F4A7C15)


@inlined
def _pack_bytes(words: Any, shift: Any, address: int, stride: int, rows: int) -> None:
    if stride == 1:  # by itself, here and below, so that several rows are done at a time
        for row in range(rows):
            words[row] |= load_byte(address + row) << shift
    else:
        for row in range(rows):
            words[row] |= load_byte(address + row * stride) << shift


@inlined
def _pack_quarters(words: Any, shift: Any, address: int, stride: int, rows: int) -> None:
    if stride == 2:
        for row in range(rows):
            words[row] |= load_quarter(address + 2 * row) << shift
    else:
        for row in range(rows):
            words[row] |= load_quarter(address + row * stride) << shift


@inlined
def _pack_halves(words: Any, shift: Any, address: int, stride: int, rows: int) -> None:
    if stride == 4:
        for row in range(rows):
            words[row] |= load_half(address + 4 * row) << shift
    else:
        for row in range(rows):
            words[row] |= load_half(address + row * stride) << shift


@inlined
def _pack_words(words: Any, shift: Any, address: int, stride: int, rows: int) -> None:
    if stride == 8:
        for row in range(rows):
            words[row] |= load_whole(address + 8 * row) << shift
    else:
        for row in range(rows):
            words[row] |= load_whole(address + row * stride) << shift


@inlined
def _pack(words: Any, part: Any, first: int, rows: int) -> None:
    """Put a part of rows from `first` on into its bits of their words."""
    size, stride, shift = part[1], part[2], np.uint64(part[4])
    address, into = part[0] + first * stride, words[part[3]]
    if size == 1:
        _pack_bytes(into, shift, address, stride, rows)
    elif size == 2:
        _pack_quarters(into, shift, address, stride, rows)
    elif size == 4:
        _pack_halves(into, shift, address, stride, rows)
    else:
        _pack_words(into, shift, address, stride, rows)


@inlined
def _hashed(words: Any, row: int, seed: Any) -> Any:
    state = seed
    for word in range(len(words)):
        state = folded_product(state ^ words[word, row], SPREAD)
    return state


@inlined
def _known_as(known: Any, code: int, words: Any, row: int) -> bool:
    same = True
    for word in range(len(words)):
        same &= known[code, word] == words[word, row]
    return same


@inlined
def _guess(words: Any, rows: int, table: Any, known: Any, codes: Any, seed: Any, missed: Any) -> int:
    """Write the number in the place of each row of a block into `codes`; return how many rows are `missed` that way.

    No row waits for the one before, and nothing depends on what is found: so many places are looked up at a time.
    """
    mask = np.uint64(len(table) - 1)
    for row in range(rows):
        codes[row] = table[np.int64(_hashed(words, row, seed) & mask)] - 1
    count = 0
    for row in range(rows):
        is_known = _known_as(known, max(codes[row], 0), words, row) & (codes[row] >= 0)
        missed[count] = row
        count += 0 if is_known else 1
    return count


@inlined
def _number(
    words: Any,
    first: int,
    rows: int,
    table: Any,
    known: Any,
    firsts: Any,
    count: int,
    codes: Any,
    seed: Any,
    missed: Any,
) -> tuple[int, int]:
    """Give numbers to a block of rows, the first one `first` of all; return how many got one, and how many there are.

    `words` is of shape (words, BLOCK), `missed` has room for a block.
    """
    mask = len(table) - 1
    own = codes[first : first + rows]
    for each in range(_guess(words, rows, table, known, own, seed, missed)):
        row = missed[each]
        place = np.int64(_hashed(words, row, seed) & np.uint64(mask))
        while True:
            code = table[place] - 1
            if code < 0:
                if count == len(known):
                    return row, count
                for word in range(len(words)):
                    known[count, word] = words[word, row]
                table[place] = count + 1
                firsts[count] = first + row
                own[row] = count
                count += 1
                break
            if _known_as(known, code, words, row):
                own[row] = code
                break
            place = (place + 1) & mask
    return rows, count


def number_rows(
    parts: int,
    number_of_parts: int,
    rows: int,
    scratch: int,
    width: int,
    table: int,
    places: int,
    known: int,
    firsts: int,
    codes: int,
    seed: int,
    progress: int,
) -> None:
    """Give rows numbers: those alike the same, the one they had before; until the table is half full.

    All but numbers are addresses of int64, where nothing else is said. `parts`, one a row, are unsigned integers of
    every row: where those begin, the bytes of each, from one to the next, the word (of `width`) and the bits in it that
    they become. `table` (int32, a power of two of `places`) has the numbers, each plus one, 0 in places that are free;
    `known` the words of each number, uint64 of shape (places // 2, width), `firsts` the row that got it first.
    `scratch` are BLOCK times `width` words and one more, uint64. `progress` are the row to begin with, which becomes
    the one that it came to, and how many numbers there are. `seed` makes what collides another thing in every process.
    """
    described = integer_rows_at(parts, number_of_parts, 5)
    words = word_rows_at(scratch, width, BLOCK)
    missed = integers_at(scratch + width * BLOCK * 8, BLOCK)
    known_words = word_rows_at(known, places // 2, width)
    found, first_rows = halves_at(table, places), integers_at(firsts, places // 2)
    numbers, done = integers_at(codes, rows), integers_at(progress, 2)
    row, count = done[0], done[1]
    while row < rows:
        several = min(BLOCK, rows - row)
        for word in range(width):
            for place in range(several):
                words[word, place] = np.uint64(0)
        for part in range(number_of_parts):
            _pack(words, described[part], row, several)
        given = _number(words, row, several, found, known_words, first_rows, count, numbers, np.uint64(seed), missed)
        row, count = row + given[0], given[1]
        if given[0] < several:
            break
    done[0], done[1] = row, count
