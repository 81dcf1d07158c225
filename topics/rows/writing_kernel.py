"""Rows as bytes: integers, numbers of fixed digits, times of day and texts that were made before.

They stand between delimiters, or are as wide as their columns. Eight digits or characters are written at a time, so
what is behind the end of a text may be written over: buffers have room for that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import bit_length, inlined, load_word
from topics.rows.kinds import BLANK, CLOCK, LOADED, MARGIN, PIECE, TEXT, TEXT_BITS
from topics.rows.words import (
    bytes_at,
    integer_rows_at,
    integers_at,
    load_byte,
    load_half,
    load_quarter,
    load_whole,
    store_word,
)

SECOND, DAY = 1_000_000_000, 86_400
SPACE, STAR, POINT, MINUS, LINE_END = 32, 42, 46, 45, 10
BLANKS, ZEROS = np.uint64(0x2020202020202020), np.uint64(0x3030303030303030)
COLONS = np.uint64(10 << 16 | 10 << 40)  # what makes of HH0MM0SS a time
MILLION, EIGHT = np.uint64(1_000_000), np.uint64(100_000_000)
WORD = 8  # bytes
POWERS = np.array([10**digits for digits in range(10)])
FEW_DIGITS, LENGTH = 10_000, np.uint64(56)
# The text of each number of up to four digits as a word, which has how many they are in its highest byte.
TEXTS = [b"%d" % number for number in range(FEW_DIGITS)]
SHORT = np.array([int.from_bytes(text, "little") | len(text) << 56 for text in TEXTS], np.uint64)


@inlined
def _eight_digits(number: Any) -> Any:
    """Return the eight digits of a number below 10^8 as the bytes of a word, 0 to 9, the first one lowest."""
    high = number // np.uint64(10_000)
    pairs = high | (number - high * np.uint64(10_000)) << np.uint64(32)
    hundreds = (pairs * np.uint64(10_486)) >> np.uint64(20) & np.uint64(0x7F << 32 | 0x7F)
    fours = hundreds + ((pairs - hundreds * np.uint64(100)) << np.uint64(16))
    tens = (fours * np.uint64(103)) >> np.uint64(10) & np.uint64(0x000F000F000F000F)
    return tens + ((fours - tens * np.uint64(10)) << np.uint64(8))


@inlined
def _put_beginning(out: Any, place: int, number: Any) -> Any:
    """Write a number below 10^8 without zeros in front; return where it ends."""
    if number < np.uint64(FEW_DIGITS):
        short = SHORT[np.int64(number)]
        store_word(out, place, short)
        return place + np.int64(short >> LENGTH)
    digits = _eight_digits(number)
    last = digits | np.uint64(1 << 56)  # of 0 one digit stays
    zeros = (bit_length(np.int64(last & (~last + np.uint64(1)))) - 1) >> 3
    store_word(out, place, (digits | ZEROS) >> np.uint64(zeros * WORD))
    return place + WORD - zeros


@inlined
def _put_whole(out: Any, place: int, number: Any) -> Any:
    """Write an unsigned number; return where it ends."""
    if number < EIGHT:
        return _put_beginning(out, place, number)
    high = number // EIGHT
    low = number - high * EIGHT
    if high < EIGHT:
        place = _put_beginning(out, place, high)
    else:
        highest = high // EIGHT
        place = _put_beginning(out, place, highest)
        store_word(out, place, _eight_digits(high - highest * EIGHT) | ZEROS)
        place += WORD
    store_word(out, place, _eight_digits(low) | ZEROS)
    return place + WORD


@inlined
def _put_fraction(out: Any, place: int, number: Any, digits: int) -> Any:
    """Write so many digits, 1 to 9, of a number that has no more; return where they end."""
    if digits > WORD:
        store_word(out, place, _eight_digits(number // np.uint64(10)) | ZEROS)
        out[place + WORD] = np.uint8(48 + np.int64(number % np.uint64(10)))
    else:
        store_word(out, place, _eight_digits(number * np.uint64(POWERS[WORD - digits])) | ZEROS)
    return place + digits


@inlined
def _put_number(out: Any, place: int, value: int, digits: int) -> Any:
    """Write a number of which the last `digits` digits are behind the point; return where it ends."""
    number = np.uint64(value)
    if value < 0:
        out[place] = MINUS
        place += 1
        number = np.uint64(0) - number
    if not digits:
        return _put_whole(out, place, number)
    unit = np.uint64(POWERS[digits])
    whole = number // MILLION if digits == 6 else number // unit  # to divide by a constant is faster
    place = _put_whole(out, place, whole)
    out[place] = POINT
    return _put_fraction(out, place + 1, number - whole * unit, digits)


@inlined
def _put_clock(out: Any, place: int, instant: int, digits: int) -> Any:
    """Write the time of day of an instant (local, ns since 1970), cut to so many digits; return where it ends."""
    seconds = instant // SECOND
    part = instant - seconds * SECOND
    of_day = seconds - seconds // DAY * DAY
    hours, minutes = of_day // 3600, of_day // 60 % 60
    spaced = np.uint64(hours * 1_000_000 + minutes * 1_000 + of_day % 60)
    store_word(out, place, (_eight_digits(spaced) | ZEROS) + COLONS)
    place += WORD
    if not digits:
        return place
    out[place] = POINT
    return _put_fraction(out, place + 1, np.uint64(part // POWERS[9 - digits]), digits)


@inlined
def _fit(out: Any, start: int, end: int, width: int, left: bool) -> int:
    """Pad what was written, or cut it and say so with a star, to a width; return where it ends."""
    length = end - start
    if length > width:
        out[start + width - 1] = STAR
    elif left:
        for place in range(end, start + width):
            out[place] = SPACE
    else:
        blanks = width - length
        words = (length + WORD - 1) // WORD
        for word in range(words - 1, -1, -1):  # from its end, for it moves towards that
            store_word(out, start + blanks + word * WORD, load_word(out, np.uint64(start + word * WORD)))
        for place in range(start, start + blanks):
            out[place] = SPACE
    return start + width


@inlined
def _copy(out: Any, place: int, texts: Any, begin: int, length: int) -> int:
    """Copy so many bytes; return where they end."""
    for word in range(0, MARGIN, WORD):  # most texts are no longer, and this way there is nothing to guess
        store_word(out, place + word, load_word(texts, np.uint64(begin + word)))
    for word in range(MARGIN, length, WORD):
        store_word(out, place + word, load_word(texts, np.uint64(begin + word)))
    return place + length


@inlined
def _put_field(out: Any, place: int, kind: int, value: int, digits: int) -> Any:
    """Write a number or a time of day; return where it ends."""
    if kind == CLOCK:
        return _put_clock(out, place, value, digits)
    return place if value == BLANK else _put_number(out, place, value, digits)


@inlined
def _load_integers(into: Any, address: int, size: int, first: int, rows: int) -> None:
    """Load so many integers from row `first` on, unsigned where they have fewer than eight bytes."""
    start = address + size * first
    if size == WORD:
        for row in range(rows):
            into[row] = np.int64(load_whole(start + WORD * row))
    elif size == 4:
        for row in range(rows):
            into[row] = np.int64(load_half(start + 4 * row))
    elif size == 2:
        for row in range(rows):
            into[row] = np.int64(load_quarter(start + 2 * row))
    else:
        for row in range(rows):
            into[row] = np.int64(load_byte(start + row))


@inlined
def _load(into: Any, column: Any, first: int, rows: int) -> None:
    """Load what a column has in so many rows from `first` on: of texts where they start and how long they are."""
    kind = column[0]
    _load_integers(into, column[4], column[5], first, rows)
    if kind == TEXT:
        texts = integers_at(column[6], column[7])
        for row in range(rows):
            into[row] = texts[into[row]]
        if column[8]:
            for row in range(rows):
                instead = np.int64(load_whole(column[8] + WORD * (first + row)))
                into[row] = instead if instead < 0 else into[row]
    elif kind == PIECE:
        for row in range(rows):
            end = np.int64(load_whole(column[4] + WORD * (first + row + 1)))
            into[row] = into[row] << TEXT_BITS | (end - into[row])


@inlined
def _write(
    columns: Any, values: Any, rows: int, heap: Any, pieces: Any, delimiter: int, out: Any, most: int, place: int
) -> tuple[int, int]:
    """Write rows of which the values are loaded; return how many there was room for, and where they end."""
    for row in range(rows):
        if place + most + MARGIN > len(out):
            return row, place
        start = place
        for column in range(len(columns)):
            kind, value = columns[column, 0], values[column, row]
            if delimiter >= 0:
                if column:
                    out[place] = np.uint8(delimiter)
                    place += 1
            elif column and kind <= CLOCK:
                out[place] = SPACE
                place += 1
            if kind == TEXT and value < 0:
                place = _put_whole(out, place, np.uint64(~value))
            elif kind == TEXT:
                place = _copy(out, place, heap, value >> TEXT_BITS, value & ((1 << TEXT_BITS) - 1))
            elif kind == PIECE:
                place = _copy(out, place, pieces, value >> TEXT_BITS, value & ((1 << TEXT_BITS) - 1))
            else:
                end = _put_field(out, place, kind, value, columns[column, 1])
                place = end if delimiter >= 0 else _fit(out, place, end, columns[column, 2], columns[column, 3] != 0)
        if delimiter < 0:
            while place > start and out[place - 1] == SPACE:
                place -= 1
        out[place] = LINE_END
        place += 1
    return rows, place


def write_rows(
    columns: int,
    number_of_columns: int,
    values: int,
    rows: int,
    heap: int,
    heap_bytes: int,
    pieces: int,
    pieces_bytes: int,
    delimiter: int,
    out: int,
    out_bytes: int,
    most: int,
    progress: int,
) -> None:
    """Write rows into `out` while `most` bytes more are free; `values` are LOADED integers for each column.

    All but numbers are addresses. `columns` has one in each row, int64: kind, digits, width, whether left; where its
    values are and the bytes of each (8 signed, 1, 2 or 4 unsigned); of texts where these are told, how many there are,
    and where numbers are that are written instead, or 0. A column is a NUMBER with so many digits behind the point,
    BLANK for none; a CLOCK; the number of a TEXT, of which its start in `heap` times 2^32 and its length are told, or
    another number with all bits turned where that is negative; or a PIECE, where it begins in `pieces`, with the next
    one after it. With a delimiter of -1 numbers are as wide as their columns with a blank before all but the first, and
    blanks at the end are left out. `out` has room for MARGIN bytes more, `heap` and `pieces` have as many behind what
    is used of them. `progress` are the row to begin with, which becomes the one that it came to, and the end of what
    was written, int64.
    """
    described = integer_rows_at(columns, number_of_columns, 9)
    done, texts, own = integers_at(progress, 2), bytes_at(heap, heap_bytes), bytes_at(pieces, pieces_bytes)
    room, loaded = bytes_at(out, out_bytes), integer_rows_at(values, number_of_columns, LOADED)
    row, place = done[0], 0
    while row < rows:
        several = min(LOADED, rows - row)
        for column in range(number_of_columns):
            _load(loaded[column], described[column], row, several)
        written = _write(described, loaded, several, texts, own, delimiter, room, most, place)
        row, place = row + written[0], written[1]
        if written[0] < several:
            break
    done[0], done[1] = row, place
