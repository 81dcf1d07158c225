"""Values in another order, read from where they are held in fewer bytes than they have when they come out."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import inlined, load_word
from topics.rows.words import bytes_at, integer_rows_at, quarters_at, store_word, unsigned_at, words_at


@inlined
def _take(values: Any, order: Any, out: Any) -> None:
    for row in range(len(order)):
        out[row] = values[order[row]]


@inlined
def _take_two(values: Any, order: Any, out: Any) -> None:
    for row in range(len(order)):
        place = order[row]
        out[row, 0], out[row, 1] = values[place, 0], values[place, 1]


@inlined
def _take_octets(values: Any, width: Any, order: Any, out: Any) -> None:
    for row in range(len(order)):
        place = np.uint64(order[row]) * np.uint64(width)
        store_word(out, width * row, load_word(values, place))


def gather(held: int, width: int, values: int, count: int, order: int, rows: int, out: int) -> None:
    """Write the values in the places that `order` (uint32) names, of `width` bytes each, to `out`.

    They are held as unsigned integers of `held` bytes: 1, 2, 4 or 8, no more than `width`; values of 16 and, of less
    than 8 bytes, other widths as they are. Behind those and behind what is written of them is room for a word.
    """
    places = unsigned_at(order, rows)
    if width == 16:
        _take_two(integer_rows_at(values, count, 2), places, integer_rows_at(out, rows, 2))
    elif width not in (1, 2, 4, 8):
        _take_octets(bytes_at(values, width * count + 8), width, places, bytes_at(out, width * rows + 8))
    elif held == 1:
        narrow = bytes_at(values, count)
        if width == 1:
            _take(narrow, places, bytes_at(out, rows))
        elif width == 2:
            _take(narrow, places, quarters_at(out, rows))
        elif width == 4:
            _take(narrow, places, unsigned_at(out, rows))
        else:
            _take(narrow, places, words_at(out, rows))
    elif held == 2:
        short = quarters_at(values, count)
        if width == 2:
            _take(short, places, quarters_at(out, rows))
        elif width == 4:
            _take(short, places, unsigned_at(out, rows))
        else:
            _take(short, places, words_at(out, rows))
    elif held == 4:
        middle = unsigned_at(values, count)
        if width == 4:
            _take(middle, places, unsigned_at(out, rows))
        else:
            _take(middle, places, words_at(out, rows))
    else:
        _take(words_at(values, count), places, words_at(out, rows))
