"""Kernels of the codec: Avro binary of many records from and into typed views of one record array.

A table (see codec_table) drives both ways, one row a field of the writer's schema in its order: what it is (`kinds`),
where it lies (`slots`, counted in units of its own width), how many bytes or words (`extents`), the largest zigzag
value it may have (`limits`) and how many fields from here on are a single zero byte when empty (`zero_runs`).
Everything is unsigned: signed indices would cost Numba a test for negative ones at each access.
"""

# ruff: noqa: ANN401 - arrays and integers that only Numba types

from __future__ import annotations

from typing import Any

import numpy as np
from numba.cpython.unsafe import numbers

from topics.compiled import bounds_are_checked, inlined, kernel, load_word

leading_zeros: Any = numbers.leading_zeros
trailing_zeros: Any = numbers.trailing_zeros

LONG, UINT32, UINT16, UINT8, SKIP_VARINT, HEAP, TEXT, SKIP_HEAP, DOUBLE, WORDS, BYTES, SKIP = range(12)
FIRST_WITHOUT_VARINT = DOUBLE
WORD = 8
CHECKED = bounds_are_checked
U = np.uint64

CONTINUE = 0x8080808080808080
PAYLOAD = 0x7F7F7F7F7F7F7F7F


@inlined
def _put_word(out: Any, at: Any, word: Any) -> None:
    """Store eight bytes, which the compiler does in one go."""
    out[at] = np.uint8(word)
    out[at + U(1)] = np.uint8(word >> U(8))
    out[at + U(2)] = np.uint8(word >> U(16))
    out[at + U(3)] = np.uint8(word >> U(24))
    out[at + U(4)] = np.uint8(word >> U(32))
    out[at + U(5)] = np.uint8(word >> U(40))
    out[at + U(6)] = np.uint8(word >> U(48))
    out[at + U(7)] = np.uint8(word >> U(56))


@inlined
def _word_at(data: Any, at: Any) -> Any:
    """Return the eight bytes from any position."""
    if CHECKED and data[at + U(WORD - 1)] < U(0):  # never true: the access is what has to be checked
        return U(0)
    return load_word(data, at)


@inlined
def _spread(bits: Any) -> Any:
    """Move each 7 bits of a 56-bit number to a byte of their own."""
    x = (bits & U(0x0FFFFFFF)) | ((bits & U(0x00FFFFFFF0000000)) << U(4))
    x = (x & U(0x00003FFF00003FFF)) | ((x & U(0x0FFFC0000FFFC000)) << U(2))
    return (x & U(0x007F007F007F007F)) | ((x & U(0x3F803F803F803F80)) << U(1))


@inlined
def _gather(word: Any) -> Any:
    """Undo _spread."""
    x = (word & U(0x007F007F007F007F)) | ((word & U(0x7F007F007F007F00)) >> U(1))
    x = (x & U(0x00003FFF00003FFF)) | ((x & U(0x3FFF00003FFF0000)) >> U(2))
    return (x & U(0x0FFFFFFF)) | ((x & U(0x0FFFFFFF00000000)) >> U(4))


@inlined
def _put_varint(out: Any, at: Any, zigzag: Any) -> Any:
    """Write up to 10 bytes, and up to 8 beyond the value itself; return where it ends."""
    if zigzag < U(0x80):
        out[at] = np.uint8(zigzag)
        return at + U(1)
    if zigzag < U(1 << 56):
        last = (U(63) - U(leading_zeros(zigzag))) // U(7)
        marks = U(CONTINUE) & ((U(1) << (last << U(3))) - U(1))
        _put_word(out, at, _spread(zigzag) | marks)
        return at + last + U(1)
    _put_word(out, at, _spread(zigzag) | U(CONTINUE))
    high = zigzag >> U(56)
    out[at + U(8)] = np.uint8(high)
    if high < U(0x80):
        return at + U(9)
    out[at + U(9)] = np.uint8(1)
    return at + U(10)


@inlined
def _is_utf8(data: Any, start: Any, stop: Any) -> bool:
    """Whether the bytes are UTF-8 as RFC 3629 has it: shortest forms only, no surrogates, nothing above U+10FFFF."""
    at = start
    while at < stop:
        lead = U(data[at])
        at += U(1)
        if lead < U(0x80):
            continue
        low, high = U(0x80), U(0xBF)
        if U(0xC2) <= lead <= U(0xDF):
            more = U(1)
        elif U(0xE0) <= lead <= U(0xEF):
            more = U(2)
            low = U(0xA0) if lead == U(0xE0) else low
            high = U(0x9F) if lead == U(0xED) else high
        elif U(0xF0) <= lead <= U(0xF4):
            more = U(3)
            low = U(0x90) if lead == U(0xF0) else low
            high = U(0x8F) if lead == U(0xF4) else high
        else:
            return False
        if stop - at < more:
            return False
        for _ in range(more):
            if not low <= U(data[at]) <= high:
                return False
            low, high = U(0x80), U(0xBF)
            at += U(1)
    return True


@kernel
def encode_records(
    kinds: Any,
    slots: Any,
    extents: Any,
    limits: Any,
    u8: Any,
    u16: Any,
    u32: Any,
    u64: Any,
    heap: Any,
    row: Any,
    room: Any,
    out: Any,
    ends: Any,
) -> tuple[Any, Any, Any]:
    """Append records from `row` on to `out` while a record of `room` bytes, and its heap fields, are sure to fit.

    `u8` to `u64` are views of one record array, shape (n * itemsize / width,). `ends[row]` becomes the position
    behind each record. Returns (row not written, bytes written, 1 + index of the field that cannot be written or 0).
    """
    fields = U(len(kinds))
    count = U(len(ends))
    stride = U(len(u8)) // count
    at = U(0)
    while row < count:
        base = row * stride
        start = at
        spare = U(len(out)) - at
        if spare < room:
            return row, start, U(0)
        spare -= room
        for field in range(fields):
            kind = kinds[field]
            slot = slots[field]
            if kind == U(LONG):
                value = u64[(base >> U(3)) + slot]
                at = _put_varint(out, at, (value << U(1)) ^ (U(0) - (value >> U(63))))
            elif kind == U(UINT32):
                at = _put_varint(out, at, U(u32[(base >> U(2)) + slot]) << U(1))
            elif kind == U(UINT16):
                at = _put_varint(out, at, U(u16[(base >> U(1)) + slot]) << U(1))
            elif kind == U(UINT8):
                zigzag = U(u8[base + slot]) << U(1)
                if zigzag > limits[field]:
                    return row, start, field + U(1)
                at = _put_varint(out, at, zigzag)
            elif kind == U(DOUBLE):
                _put_word(out, at, u64[(base >> U(3)) + slot])
                at += U(WORD)
            elif kind == U(WORDS):
                for index in range(extents[field]):
                    _put_word(out, at, u64[(base >> U(3)) + slot + index])
                    at += U(WORD)
            elif kind == U(BYTES):
                for index in range(extents[field]):
                    out[at + index] = u8[base + slot + index]
                at += extents[field]
            else:
                length = U(u32[(base >> U(2)) + slot + U(1)])
                at = _put_varint(out, at, length << U(1))
                if length:
                    first = U(u32[(base >> U(2)) + slot])
                    if first + length > U(len(heap)):
                        return row, start, field + U(1)
                    if kind == U(TEXT) and not _is_utf8(heap, first, first + length):
                        return row, start, field + U(1)
                    if length > spare:
                        return row, start, U(0)
                    spare -= length
                    for index in range(length):
                        out[at + index] = heap[first + index]
                    at += length
        ends[row] = at
        row += U(1)
    return row, at, U(0)


@kernel
def decode_records(
    kinds: Any,
    slots: Any,
    extents: Any,
    limits: Any,
    zero_runs: Any,
    data: Any,
    at: Any,
    end: Any,
    u8: Any,
    u16: Any,
    u32: Any,
    u64: Any,
    count: Any,
    heap: Any,
    heap_used: Any,
) -> tuple[Any, Any, Any]:
    """Fill `count` zeroed records from the message, which begins at byte `at` and ends before byte `end`.

    `data` has zeros for the longest record without heap fields, and two words, behind `end`: reading on there is
    harmless, since each field that begins there is as short as can be, and is found out once a record instead of once
    a byte. `heap` is as long as the message at least. Returns (records that are whole, position behind them, heap bytes
    used).
    """
    fields = U(len(kinds))
    stride = U(len(u8)) // count if count else U(0)
    for row in range(count):
        base = row * stride
        start = at
        wrong = U(0)
        field = U(0)
        while field < fields:
            kind = kinds[field]
            word = _word_at(data, at)
            if kind < U(FIRST_WITHOUT_VARINT):
                if word & U(0xFF) == U(0):
                    # Steps of fixed length: a computed one would make each field wait for the one before.
                    run = zero_runs[field]
                    if word == U(0) and run >= U(8):
                        step = U(8)
                    elif word & U(0xFFFFFFFF) == U(0) and run >= U(4):
                        step = U(4)
                    elif word & U(0xFFFF) == U(0) and run >= U(2):
                        step = U(2)
                    else:
                        step = U(1)
                    field += step
                    at += step
                    continue
                if word & U(0x80) == U(0):
                    zigzag = word & U(0x7F)
                    at += U(1)
                else:
                    stop = ~word & U(CONTINUE)
                    if stop:
                        zigzag = _gather(word & U(PAYLOAD) & (stop ^ (stop - U(1))))
                        at += (U(trailing_zeros(stop)) >> U(3)) + U(1)
                    else:
                        rest = _word_at(data, at + U(8))
                        zigzag = _gather(word & U(PAYLOAD)) | ((rest & U(0x7F)) << U(56))
                        at += U(9)
                        if rest & U(0x80):
                            tenth = (rest >> U(8)) & U(0xFF)
                            wrong |= tenth & U(0xFE)
                            zigzag |= tenth << U(63)
                            at += U(1)
                slot = slots[field]
                value = zigzag >> U(1)
                if kind == U(LONG):
                    u64[(base >> U(3)) + slot] = value ^ (U(0) - (zigzag & U(1)))
                elif kind != U(SKIP_VARINT):
                    wrong |= zigzag & U(1)
                    wrong |= U(zigzag > limits[field])
                    if kind == U(UINT32):
                        u32[(base >> U(2)) + slot] = np.uint32(value)
                    elif kind == U(UINT16):
                        u16[(base >> U(1)) + slot] = np.uint16(value)
                    elif kind == U(UINT8):
                        u8[base + slot] = np.uint8(value)
                    else:
                        if wrong or at > end or value > end - at:
                            return row, start, heap_used
                        if kind == U(TEXT) and not _is_utf8(data, at, at + value):
                            return row, start, heap_used
                        if kind != U(SKIP_HEAP):
                            u32[(base >> U(2)) + slot] = np.uint32(heap_used)
                            u32[(base >> U(2)) + slot + U(1)] = np.uint32(value)
                            for index in range(value):
                                heap[heap_used + index] = data[at + index]
                            heap_used += value
                        at += value
            elif kind == U(DOUBLE):
                u64[(base >> U(3)) + slots[field]] = word
                at += U(WORD)
            elif kind == U(WORDS):
                for index in range(extents[field]):
                    u64[(base >> U(3)) + slots[field] + index] = _word_at(data, at)
                    at += U(WORD)
            elif kind == U(BYTES):
                for index in range(extents[field]):
                    u8[base + slots[field] + index] = data[at + index]
                at += extents[field]
            else:
                at += extents[field]
            field += U(1)
        if wrong or at > end:
            return row, start, heap_used
    return count, at, heap_used
