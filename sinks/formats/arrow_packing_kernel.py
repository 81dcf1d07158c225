"""Records as the body of a record batch in an Arrow IPC stream: columns, compressed as LZ4 frames.

Neighbours in a column of flow records are alike in their high bytes, or wholly. So nothing is searched: each value is
held against the one before it, and what both have in the same bytes is a match at the distance of one value. That finds
about what a search finds in such columns, in a fraction of the time.

Sources: LZ4 Block Format and LZ4 Frame Format (lz4 project, doc/), compression of buffers in Arrow's "IPC Message
Format".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sinks.formats.arrow_packing_layout import (
    BUFFER_WORDS,
    COLUMN_WORDS,
    DATA,
    DATA_BYTES,
    DATA_LENGTH,
    EMPTY,
    HEAP,
    KIND,
    NODE_WORDS,
    OFFSET,
    PLAIN,
    SAME,
    TIME,
    WIDTH,
    WORD,
)
from topics.compiled import bit_length, inlined, load_word
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

FEW = 64  # records taken apart at a time: what all columns read of them stays in the first cache
LEAST_MATCH = 4  # of a block; lengths above are written less so many
LAST_BYTES = 12  # of a block in which no match may begin; the last five are no match either
FULL = 15  # of a half of a token: more follows
MORE = 255
FRAME_BYTES = 19  # and what is before it: the length, magic number, description, length of the block
SHORTEST = 64  # bytes of a buffer that are worth a frame
TRIED = 2048  # bytes, after which it is told whether to go on
GAIN = 8  # a frame saves at least one part of so many
NONE = -1
FRAME = np.uint64(0x737060184D2204)  # magic number; version 1, blocks of their own of up to 4 MiB; a checksum of that
NOT_COMPRESSED = np.uint64(0xFFFFFFFFFFFFFFFF)  # as a length


@inlined
def _lowest_alike(difference: Any) -> Any:
    """Return how many of the lowest bytes of a word that is not 0 are."""
    return (bit_length(np.int64(difference & (~difference + np.uint64(1)))) - 1) >> 3


@inlined
def _highest_alike(difference: Any) -> Any:
    return WORD - ((bit_length(np.int64(difference)) + 7) >> 3)


@inlined
def _copy(source: Any, begin: int, count: int, out: Any, place: int) -> None:
    for step in range(0, count, WORD):
        store_word(out, place + step, load_word(source, np.uint64(begin + step)))


@inlined
def _copy_few(source: Any, begin: int, count: int, out: Any, place: int) -> None:
    """Copy bytes, and more behind them: few as they mostly are, no branch depends on how many."""
    store_word(out, place, load_word(source, np.uint64(begin)))
    store_word(out, place + WORD, load_word(source, np.uint64(begin + WORD)))
    if count > 2 * WORD:
        _copy(source, begin + 2 * WORD, count - 2 * WORD, out, place + 2 * WORD)


@inlined
def _put_length(out: Any, place: int, length: int) -> Any:
    """Write what a length is more than a half of a token tells; return where it ends."""
    rest = length - FULL
    if rest < 0:
        return place
    while rest >= MORE:
        out[place] = MORE
        place += 1
        rest -= MORE
    out[place] = rest
    return place + 1


@inlined
def _put_sequence(source: Any, begin: int, literals: int, match: int, width: int, out: Any, place: int) -> Any:
    """Write literals and the match behind them; return where they end."""
    matched = match - LEAST_MATCH
    out[place] = (min(literals, FULL) << 4) | min(matched, FULL)
    place = _put_length(out, place + 1, literals)
    _copy_few(source, begin, literals, out, place)
    place += literals
    out[place], out[place + 1] = width, 0
    return _put_length(out, place + 2, matched)


@inlined
def _squeeze(source: Any, begin: int, size: int, width: int, out: Any, place: int) -> Any:
    """Write values of `width` bytes as a block; return where it ends, NONE where that gains nothing."""
    start, limit, tried = place, place + size - size // GAIN - WORD, begin + TRIED
    end, stop = begin + size, begin + size - LAST_BYTES - WORD
    at, literal, literals, match = begin + width, begin, width, 0
    while at <= stop:
        difference = load_word(source, np.uint64(at)) ^ load_word(source, np.uint64(at - width))
        if difference == 0:
            match += WORD
        else:
            low = _lowest_alike(difference)
            if match or low >= LEAST_MATCH:
                match += low
                if place + literals + (literals + match) // 128 + WORD > limit:
                    return NONE
                place = _put_sequence(source, literal, literals, match, width, out, place)
                literal, literals, match = at + low, -low, 0
                if at < tried and place > start + (at - begin) - (at - begin) // GAIN + SHORTEST:
                    return NONE
            elif literals > TRIED:
                return NONE
            high = _highest_alike(difference)
            if high >= LEAST_MATCH:
                literals += WORD - high
                match = high
            else:
                literals += WORD
        at += WORD
    if match:
        if place + literals + (literals + match) // 128 + WORD > limit:
            return NONE
        place = _put_sequence(source, literal, literals, match, width, out, place)
        literal = at
    literals = end - literal
    if place + literals + literals // 128 + WORD > limit:
        return NONE
    out[place] = min(literals, FULL) << 4
    place = _put_length(out, place + 1, literals)
    _copy(source, literal, literals, out, place)
    return place + literals


@inlined
def _put_frame(size: int, out: Any, place: int, behind: int) -> Any:
    """Make the block from `place` + FRAME_BYTES on a frame and a buffer; return where that ends."""
    block = place + FRAME_BYTES
    store_word(out, place, np.uint64(size))
    store_word(out, place + WORD, FRAME)
    for byte in range(4):
        out[block - 4 + byte] = (behind - block) >> (8 * byte) & 0xFF
    store_word(out, behind, np.uint64(0))
    return behind + 4  # the mark of the end


@inlined
def _repeat(source: Any, begin: int, size: int, width: int, out: Any, place: int) -> Any:
    """Write a block of one value, of which some stand at `begin`; return where it ends."""
    last = 3 * width if width == 6 else max(width, 16)  # whole values, and more than LAST_BYTES
    place = _put_sequence(source, begin, width, size - width - last, width, out, place)
    out[place] = min(last, FULL) << 4
    place = _put_length(out, place + 1, last)
    _copy(source, begin, last, out, place)
    return place + last


@inlined
def _put_buffer(source: Any, begin: int, size: int, width: int, same: int, out: Any, place: int) -> Any:
    """Write a buffer, as a frame of one block where that is shorter; return where it ends."""
    if size == 0:
        return place
    if size >= SHORTEST:
        block, behind = place + FRAME_BYTES, NONE
        if same:
            behind = _repeat(source, begin, size, width, out, block)
        else:
            behind = _squeeze(source, begin, size, width, out, block)
        if behind != NONE:
            return _put_frame(size, out, place, behind)
    store_word(out, place, NOT_COMPRESSED)
    _copy(source, begin, size, out, place + WORD)
    return place + WORD + size


@inlined
def _put_other(address: int, size: int, length: int, out: Any, place: int) -> Any:
    """Write a buffer that is compressed already, from its address; return where it ends."""
    store_word(out, place, np.uint64(length))
    _copy(bytes_at(address, size), 0, size, out, place + WORD)
    return place + WORD + size


@inlined
def _note(buffers: Any, number: int, begin: int, end: int, out: Any) -> Any:
    """Note where a buffer lies; return where the next one begins."""
    buffers[number, 0], buffers[number, 1] = begin, end - begin
    store_word(out, end, np.uint64(0))
    return (end + WORD - 1) & -WORD


@inlined
def _take(column: Any, record: int, stride: int, count: int, scratch: Any, place: int) -> None:
    """Take a field out of some records, of which the first lies at an address."""
    field, width = record + column[OFFSET], column[WIDTH]
    if width == 8:
        for row in range(count):
            store_word(scratch, place + 8 * row, load_whole(field + row * stride))
    elif width == 4:
        for row in range(count):
            store_word(scratch, place + 4 * row, load_half(field + row * stride))
    elif width == 2:
        for row in range(count):
            store_word(scratch, place + 2 * row, load_quarter(field + row * stride))
    elif width == 1:
        for row in range(count):
            scratch[place + row] = load_byte(field + row * stride)
    elif width == 16:
        for row in range(count):
            store_word(scratch, place + 16 * row, load_whole(field + row * stride))
            store_word(scratch, place + 16 * row + 8, load_whole(field + row * stride + 8))
    else:  # 6
        for row in range(count):
            low = load_half(field + row * stride) | load_quarter(field + row * stride + 4) << np.uint64(32)
            store_word(scratch, place + 6 * row, low)


@inlined
def _room(width: int, count: int) -> Any:
    """Bytes of the scratch memory that a column takes."""
    return (width * count + 2 * WORD - 1) & -WORD


@inlined
def _compare(like_all: int, records: int, stride: int, count: int, differences: Any) -> None:
    """Set the bits of a record's words in which some of these records differ from the one that all shall be like."""
    for row in range(0, count, 4):
        first, second = records + row * stride, records + min(row + 1, count - 1) * stride
        third, fourth = records + min(row + 2, count - 1) * stride, records + min(row + 3, count - 1) * stride
        for place in range(0, stride, WORD):
            like = load_whole(like_all + place)
            found = (load_whole(first + place) ^ like) | (load_whole(second + place) ^ like)
            found |= (load_whole(third + place) ^ like) | (load_whole(fourth + place) ^ like)
            store_word(differences, place, load_word(differences, np.uint64(place)) | found)


@inlined
def _differs(column: Any, differences: Any) -> Any:
    found = 0
    for byte in range(column[OFFSET], column[OFFSET] + column[WIDTH]):
        found |= differences[byte]
    return found != 0


@inlined
def _take_all(columns: Any, records: int, stride: int, count: int, scratch: Any) -> Any:
    """Take the fields of all plain columns out of records, and say where they begin; return where the last one ends.

    Records come from memory once: which columns are of one value is found on the way, and what was guessed of them set
    right behind it.
    """
    place = stride
    for word in range(stride // WORD):  # where records differ
        store_word(scratch, word * WORD, np.uint64(0))
    for number in range(len(columns)):
        if columns[number, KIND] in (PLAIN, TIME):
            columns[number, DATA] = place
            place += _room(columns[number, WIDTH], count)
    for first in range(0, count, FEW):
        rows, some = min(FEW, count - first), records + first * stride
        _compare(records, some, stride, rows, scratch)
        for number in range(len(columns)):
            if columns[number, KIND] in (PLAIN, TIME):
                column = columns[number]
                _take(column, some, stride, rows, scratch, column[DATA] + column[WIDTH] * first)
    for number in range(len(columns)):
        column = columns[number]
        if column[KIND] == PLAIN and not _differs(column, scratch):
            column[KIND] = SAME
        elif column[KIND] == SAME and _differs(column, scratch):
            column[KIND], column[DATA] = PLAIN, place
            _take(column, records, stride, count, scratch, place)
            place += _room(column[WIDTH], count)
    return place


@inlined
def _presence(source: Any, begin: int, count: int, scratch: Any, place: int) -> Any:
    """Write a bit for each time, set where there is one; return how many there are not."""
    missing = 0
    for first in range(0, count, 8):
        bits = 0
        for row in range(first, min(first + 8, count)):
            absent = load_word(source, np.uint64(begin + 8 * row)) == 0
            missing += absent
            bits |= (1 - absent) << (row - first)
        scratch[place + (first >> 3)] = bits
    return missing


@inlined
def _ends(column: Any, records: int, stride: int, count: int, scratch: Any, place: int) -> None:
    """Write where the bytes of each record end, behind a 0."""
    end, field = np.uint64(0), records + column[OFFSET]
    store_word(scratch, place, end)
    for row in range(count):
        end += load_half(field + row * stride)
        store_word(scratch, place + 4 + 4 * row, end)


@inlined
def _pack(columns: Any, records: int, stride: int, count: int, scratch: Any, nodes: Any, buffers: Any, out: Any) -> Any:
    spare = _take_all(columns, records, stride, count, scratch)
    place, buffer = 0, 0
    for number in range(len(columns)):
        column = columns[number]
        kind, width = column[KIND], column[WIDTH]
        begin, size, missing = spare, width * count, 0
        if kind == SAME:
            _take(column, records, stride, min(count, FEW), scratch, spare)
        elif kind in (PLAIN, TIME):
            begin = column[DATA]
            if kind == TIME:
                missing = _presence(scratch, begin, count, scratch, spare)
        elif kind == HEAP:
            size += width
            _ends(column, records, stride, count, scratch, spare)
        else:
            size += width if kind == EMPTY else 0
            for step in range(0, size, WORD):
                store_word(scratch, spare + step, np.uint64(0))
        nodes[number, 0], nodes[number, 1] = count, missing
        for part in range(2):  # which values there are, and all of them
            first = spare if part == 0 else begin
            bytes_of_it = size if part else (count + 7) >> 3 if missing else 0
            end = _put_buffer(scratch, first, bytes_of_it, width if part else 1, part * (kind == SAME), out, place)
            place = _note(buffers, buffer + part, place, end, out)
        buffer += 2
        if kind in (HEAP, EMPTY):
            end = place
            if column[DATA_BYTES]:
                end = _put_other(column[DATA], column[DATA_BYTES], column[DATA_LENGTH], out, place)
            place = _note(buffers, buffer, place, end, out)
            buffer += 1
    return place


def pack(
    columns: int,
    number_of_columns: int,
    records: int,
    stride: int,
    count: int,
    scratch: int,
    scratch_bytes: int,
    nodes: int,
    buffers: int,
    number_of_buffers: int,
    out: int,
    out_bytes: int,
    end: int,
) -> None:
    """Write the body of a record batch of `count` records, `stride` bytes each, to `out`.

    All but numbers are addresses. `columns` (int64, COLUMN_WORDS a row) says what the columns are; `nodes` and
    `buffers` (int64, two a row) become what the metadata says of them, `end` (int64) where the body ends.
    Where it says PLAIN or SAME, it becomes which of them holds; a good guess saves time.
    `scratch` has room for all columns, a record and the longest column besides, each with two words more; `out` for as
    much.
    """
    described = integer_rows_at(columns, number_of_columns, COLUMN_WORDS)
    taken, room = bytes_at(scratch, scratch_bytes), bytes_at(out, out_bytes)
    told = integer_rows_at(nodes, number_of_columns, NODE_WORDS)
    placed = integer_rows_at(buffers, number_of_buffers, BUFFER_WORDS)
    integers_at(end, 1)[0] = _pack(described, records, stride, count, taken, told, placed, room)
