"""Kernels of the codec: Avro binary of many records from and into typed views of one record array.

A table (see codec_table) drives both ways, one row a field of the writer's schema in its order: what it is (`kinds`),
where it lies (`slots`, counted in units of its own width), how many bytes or words (`extents`), the largest zigzag
value it may have (`limits`) and how many fields from here on are a single zero byte when empty (`zero_runs`).
Everything is unsigned: signed indices would cost numba a test for negative ones at each access.
"""

from __future__ import annotations

from numba import njit, types, uint8, uint16, uint32, uint64
from numba.cpython.unsafe.numbers import leading_zeros, trailing_zeros

LONG, UINT32, UINT16, UINT8, SKIP_VARINT, HEAP, TEXT, SKIP_HEAP, DOUBLE, WORDS, BYTES, SKIP = range(12)
FIRST_WITHOUT_VARINT = DOUBLE
LONGEST_VARINT = 10
WORD = 8

CONTINUE = 0x8080808080808080
PAYLOAD = 0x7F7F7F7F7F7F7F7F


def _array(item: types.Type, *, writable: bool = False) -> types.Array:
    return types.Array(item, 1, "C", readonly=not writable)


_TABLE = [_array(types.uint64)] * 5
_VIEWS = [_array(item) for item in (types.uint8, types.uint16, types.uint32, types.uint64)]
_OUTPUT_VIEWS = [_array(item, writable=True) for item in (types.uint8, types.uint16, types.uint32, types.uint64)]
_ENCODED = types.UniTuple(types.uint64, 3)


@njit(inline="always")
def _put_word(out, at, word):
    """Eight stores that the compiler makes one of."""
    out[at] = uint8(word)
    out[at + uint64(1)] = uint8(word >> uint64(8))
    out[at + uint64(2)] = uint8(word >> uint64(16))
    out[at + uint64(3)] = uint8(word >> uint64(24))
    out[at + uint64(4)] = uint8(word >> uint64(32))
    out[at + uint64(5)] = uint8(word >> uint64(40))
    out[at + uint64(6)] = uint8(word >> uint64(48))
    out[at + uint64(7)] = uint8(word >> uint64(56))


@njit(inline="always")
def _word_at(words, at):
    """The eight bytes from any byte position, out of two aligned words."""
    index = at >> uint64(3)
    shift = (at & uint64(7)) << uint64(3)
    return (words[index] >> shift) | ((words[index + uint64(1)] << uint64(1)) << (uint64(63) - shift))


@njit(inline="always")
def _spread(bits):
    """Move each 7 bits of a 56-bit number to a byte of their own."""
    x = (bits & uint64(0x0FFFFFFF)) | ((bits & uint64(0x00FFFFFFF0000000)) << uint64(4))
    x = (x & uint64(0x00003FFF00003FFF)) | ((x & uint64(0x0FFFC0000FFFC000)) << uint64(2))
    return (x & uint64(0x007F007F007F007F)) | ((x & uint64(0x3F803F803F803F80)) << uint64(1))


@njit(inline="always")
def _gather(word):
    """Undo _spread."""
    x = (word & uint64(0x007F007F007F007F)) | ((word & uint64(0x7F007F007F007F00)) >> uint64(1))
    x = (x & uint64(0x00003FFF00003FFF)) | ((x & uint64(0x3FFF00003FFF0000)) >> uint64(2))
    return (x & uint64(0x0FFFFFFF)) | ((x & uint64(0x0FFFFFFF00000000)) >> uint64(4))


@njit(inline="always")
def _put_varint(out, at, zigzag):
    """Write up to 10 bytes, and up to 8 beyond the value itself; return where it ends."""
    if zigzag < uint64(0x80):
        out[at] = uint8(zigzag)
        return at + uint64(1)
    if zigzag < uint64(1 << 56):
        last = (uint64(63) - uint64(leading_zeros(zigzag))) // uint64(7)
        marks = uint64(CONTINUE) & ((uint64(1) << (last << uint64(3))) - uint64(1))
        _put_word(out, at, _spread(zigzag) | marks)
        return at + last + uint64(1)
    _put_word(out, at, _spread(zigzag) | uint64(CONTINUE))
    high = zigzag >> uint64(56)
    out[at + uint64(8)] = uint8(high)
    if high < uint64(0x80):
        return at + uint64(9)
    out[at + uint64(9)] = uint8(1)
    return at + uint64(10)


@njit(inline="always")
def _is_utf8(data, start, stop):
    """Whether the bytes are UTF-8 as RFC 3629 has it: shortest forms only, no surrogates, nothing above U+10FFFF."""
    at = start
    while at < stop:
        lead = uint64(data[at])
        at += uint64(1)
        if lead < uint64(0x80):
            continue
        low, high = uint64(0x80), uint64(0xBF)
        if uint64(0xC2) <= lead <= uint64(0xDF):
            more = uint64(1)
        elif uint64(0xE0) <= lead <= uint64(0xEF):
            more = uint64(2)
            low = uint64(0xA0) if lead == uint64(0xE0) else low
            high = uint64(0x9F) if lead == uint64(0xED) else high
        elif uint64(0xF0) <= lead <= uint64(0xF4):
            more = uint64(3)
            low = uint64(0x90) if lead == uint64(0xF0) else low
            high = uint64(0x8F) if lead == uint64(0xF4) else high
        else:
            return False
        if stop - at < more:
            return False
        for _ in range(more):
            if not low <= uint64(data[at]) <= high:
                return False
            low, high = uint64(0x80), uint64(0xBF)
            at += uint64(1)
    return True


@njit(
    _ENCODED(*_TABLE, *_VIEWS, _array(types.uint8), types.uint64, types.uint64, _array(types.uint8, writable=True),
             _array(types.uint64, writable=True)),
    cache=True,
    nogil=True,
)  # fmt: skip
def encode_records(
    kinds, slots, extents, limits, zero_runs, bytes_, halves, quarters, words, heap, row, room, out, ends
):
    """Append records from `row` on to `out` while a record of `room` bytes, and its heap fields, are sure to fit.

    `bytes_` to `words` are views of one record array, shape (n * itemsize / width,). `ends[row]` becomes the position
    behind each record. Returns (row not written, bytes written, 1 + index of the field that cannot be written or 0).
    """
    fields = uint64(len(kinds))
    count = uint64(len(ends))
    stride = uint64(len(bytes_)) // count
    at = uint64(0)
    while row < count:
        base = row * stride
        start = at
        spare = uint64(len(out)) - at
        if spare < room:
            return row, start, uint64(0)
        spare -= room
        for field in range(fields):
            kind = kinds[field]
            slot = slots[field]
            if kind == uint64(LONG):
                value = words[(base >> uint64(3)) + slot]
                at = _put_varint(out, at, (value << uint64(1)) ^ (uint64(0) - (value >> uint64(63))))
            elif kind == uint64(UINT32):
                at = _put_varint(out, at, uint64(quarters[(base >> uint64(2)) + slot]) << uint64(1))
            elif kind == uint64(UINT16):
                at = _put_varint(out, at, uint64(halves[(base >> uint64(1)) + slot]) << uint64(1))
            elif kind == uint64(UINT8):
                zigzag = uint64(bytes_[base + slot]) << uint64(1)
                if zigzag > limits[field]:
                    return row, start, field + uint64(1)
                at = _put_varint(out, at, zigzag)
            elif kind == uint64(DOUBLE):
                _put_word(out, at, words[(base >> uint64(3)) + slot])
                at += uint64(WORD)
            elif kind == uint64(WORDS):
                for index in range(extents[field]):
                    _put_word(out, at, words[(base >> uint64(3)) + slot + index])
                    at += uint64(WORD)
            elif kind == uint64(BYTES):
                for index in range(extents[field]):
                    out[at + index] = bytes_[base + slot + index]
                at += extents[field]
            else:
                length = uint64(quarters[(base >> uint64(2)) + slot + uint64(1)])
                at = _put_varint(out, at, length << uint64(1))
                if length:
                    first = uint64(quarters[(base >> uint64(2)) + slot])
                    if first + length > uint64(len(heap)):
                        return row, start, field + uint64(1)
                    if kind == uint64(TEXT) and not _is_utf8(heap, first, first + length):
                        return row, start, field + uint64(1)
                    if length > spare:
                        return row, start, uint64(0)
                    spare -= length
                    for index in range(length):
                        out[at + index] = heap[first + index]
                    at += length
        ends[row] = at
        row += uint64(1)
    return row, at, uint64(0)


@njit(
    _ENCODED(*_TABLE, _array(types.uint64), types.uint64, types.uint64, *_OUTPUT_VIEWS, types.uint64,
             _array(types.uint8, writable=True), types.uint64),
    cache=True,
    nogil=True,
)  # fmt: skip
def decode_records(
    kinds, slots, extents, limits, zero_runs, message, at, end, bytes_, halves, quarters, words, count, heap, heap_used
):
    """Fill `count` zeroed records from the message, which begins at byte `at` and ends before byte `end`.

    `message` has the longest record without heap fields, and three words, of padding behind `end`: reading on there is
    harmless, and found out once a record instead of once a byte. `heap` is as long as the message at least. Returns
    (records that are whole, position behind them, heap bytes used).
    """
    fields = uint64(len(kinds))
    stride = uint64(len(bytes_)) // count if count else uint64(0)
    data = message.view(uint8)
    for row in range(count):
        base = row * stride
        start = at
        wrong = uint64(0)
        field = uint64(0)
        while field < fields:
            kind = kinds[field]
            word = _word_at(message, at)
            if kind < uint64(FIRST_WITHOUT_VARINT):
                if word & uint64(0xFF) == uint64(0):
                    # Steps of fixed length: a computed one would make each field wait for the one before.
                    run = zero_runs[field]
                    if word == uint64(0) and run >= uint64(8):
                        step = uint64(8)
                    elif word & uint64(0xFFFFFFFF) == uint64(0) and run >= uint64(4):
                        step = uint64(4)
                    else:
                        step = uint64(1)
                    field += step
                    at += step
                    continue
                if word & uint64(0x80) == uint64(0):
                    zigzag = word & uint64(0x7F)
                    at += uint64(1)
                else:
                    stop = ~word & uint64(CONTINUE)
                    if stop:
                        zigzag = _gather(word & uint64(PAYLOAD) & (stop ^ (stop - uint64(1))))
                        at += (uint64(trailing_zeros(stop)) >> uint64(3)) + uint64(1)
                    else:
                        rest = _word_at(message, at + uint64(8))
                        zigzag = _gather(word & uint64(PAYLOAD)) | ((rest & uint64(0x7F)) << uint64(56))
                        at += uint64(9)
                        if rest & uint64(0x80):
                            tenth = (rest >> uint64(8)) & uint64(0xFF)
                            wrong |= tenth & uint64(0xFE)
                            zigzag |= tenth << uint64(63)
                            at += uint64(1)
                slot = slots[field]
                value = zigzag >> uint64(1)
                if kind == uint64(LONG):
                    words[(base >> uint64(3)) + slot] = value ^ (uint64(0) - (zigzag & uint64(1)))
                elif kind != uint64(SKIP_VARINT):
                    wrong |= zigzag & uint64(1)
                    wrong |= uint64(zigzag > limits[field])
                    if kind == uint64(UINT32):
                        quarters[(base >> uint64(2)) + slot] = uint32(value)
                    elif kind == uint64(UINT16):
                        halves[(base >> uint64(1)) + slot] = uint16(value)
                    elif kind == uint64(UINT8):
                        bytes_[base + slot] = uint8(value)
                    else:
                        if wrong or at > end or value > end - at:
                            return row, start, heap_used
                        if kind == uint64(TEXT) and not _is_utf8(data, at, at + value):
                            return row, start, heap_used
                        if kind != uint64(SKIP_HEAP):
                            quarters[(base >> uint64(2)) + slot] = uint32(heap_used)
                            quarters[(base >> uint64(2)) + slot + uint64(1)] = uint32(value)
                            for index in range(value):
                                heap[heap_used + index] = data[at + index]
                            heap_used += value
                        at += value
            elif kind == uint64(DOUBLE):
                words[(base >> uint64(3)) + slots[field]] = word
                at += uint64(WORD)
            elif kind == uint64(WORDS):
                for index in range(extents[field]):
                    words[(base >> uint64(3)) + slots[field] + index] = _word_at(message, at)
                    at += uint64(WORD)
            elif kind == uint64(BYTES):
                for index in range(extents[field]):
                    bytes_[base + slots[field] + index] = data[at + index]
                at += extents[field]
            else:
                at += extents[field]
            field += uint64(1)
        if wrong or at > end:
            return row, start, heap_used
    return count, at, heap_used
