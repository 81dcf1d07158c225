"""Domain names in messages (RFC 1035 4.1.4): unpacked within bounds, hashed, and written as text (5.1).

A pointer has to point before the piece of name that it ends, so a name is read in fewer steps than its message has
bytes; more than 127 pointers are one too many for any name of 255 bytes.
"""

# ruff: noqa: ANN401 - arrays and integers that only Numba types

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import inlined

LONGEST_NAME = 255
MOST_POINTERS = 127
MOST_TEXT = 4 * LONGEST_NAME
NAME_OUTSIDE, POINTER, NAME_LOOP, NAME_LONG, LABEL_TYPE = 2, 3, 4, 5, 6
NETBIOS_LABEL = 32  # first-level encoding: two letters for each of 16 bytes (RFC 1001 14.1)
FNV_PRIME = 0x100000001B3
FNV_BASIS = 0xCBF29CE484222325
U = np.uint64


@inlined
def read_name(data: Any, start: Any, end: Any, at: Any, out: Any, put: Any) -> Any:
    """Copy the name at `at`, unpacked, to `out[put:]`; return (position behind it, bytes copied, error or 0)."""
    length: Any = 0
    behind, pointers, place, lowest = -1, 0, at, at
    while True:
        if place >= end:
            return at, 0, NAME_OUTSIDE
        size = np.int64(data[U(place)])
        if size == 0:
            out[U(put + length)] = 0
            return (place + 1 if behind < 0 else behind), length + 1, 0
        if size >= 0xC0:
            if place + 2 > end:
                return at, 0, NAME_OUTSIDE
            target = start + ((size & 0x3F) << 8 | np.int64(data[U(place + 1)]))
            if behind < 0:
                behind = place + 2
            if target >= lowest:
                return behind, 0, POINTER
            pointers += 1
            if pointers > MOST_POINTERS:
                return behind, 0, NAME_LOOP
            place = lowest = target
            continue
        if size >= 0x40:
            return at, 0, LABEL_TYPE
        if place + 1 + size > end:
            return at, 0, NAME_OUTSIDE
        if length + size + 2 > LONGEST_NAME:
            return at, 0, NAME_LONG
        for index in range(size + 1):
            out[U(put + length + index)] = data[U(place + index)]
        length += size + 1
        place += size + 1


@inlined
def name_hash(name: Any, length: Any) -> Any:
    """Return a 64-bit hash of an unpacked name, whatever the case of its letters."""
    value = U(FNV_BASIS)
    for index in range(length):
        byte = U(name[U(index)])
        if U(65) <= byte <= U(90):
            byte += U(32)
        value = (value ^ byte) * U(FNV_PRIME)
    return value ^ (value >> U(29))


@inlined
def _put_escaped(byte: Any, out: Any, at: Any) -> Any:
    if byte in (46, 92):  # the dot and the backslash
        out[U(at)] = 92
        out[U(at + 1)] = byte
        return at + 2
    if 33 <= byte <= 126:
        out[U(at)] = byte
        return at + 1
    out[U(at)] = 92
    out[U(at + 1)] = 48 + byte // 100
    out[U(at + 2)] = 48 + byte // 10 % 10
    out[U(at + 3)] = 48 + byte % 10
    return at + 4


@inlined
def _is_netbios(name: Any, length: Any) -> bool:
    if length < NETBIOS_LABEL + 2 or name[U(0)] != NETBIOS_LABEL:
        return False
    for index in range(1, NETBIOS_LABEL + 1):  # noqa: SIM110 - kernels have no generators
        if not 65 <= name[U(index)] <= 80:
            return False
    return True


@inlined
def _netbios_byte(name: Any, index: Any) -> Any:
    return (np.int64(name[U(1 + 2 * index)]) - 65) << 4 | (np.int64(name[U(2 + 2 * index)]) - 65)


@inlined
def _put_netbios(name: Any, out: Any, at: Any) -> Any:
    """Write the 15 bytes without what fills them up, and the 16th, which tells the service, as `<20>`."""
    count = 15
    while count and _netbios_byte(name, count - 1) in (0, 32):
        count -= 1
    for index in range(count):
        at = _put_escaped(_netbios_byte(name, index), out, at)
    suffix = _netbios_byte(name, 15)
    out[U(at)] = 60
    for index in range(2):
        digit = (suffix >> (4 - 4 * index)) & 15
        out[U(at + 1 + index)] = 48 + digit if digit < 10 else 87 + digit
    out[U(at + 3)] = 62
    return at + 4


@inlined
def put_text(name: Any, length: Any, netbios: Any, out: Any, at: Any) -> Any:
    """Write an unpacked name as text, at most MOST_TEXT bytes, without the final dot; return where it ends."""
    place: Any = 0
    if length <= 1:
        out[U(at)] = 46
        return at + 1
    if netbios and _is_netbios(name, length):
        at = _put_netbios(name, out, at)
        place = NETBIOS_LABEL + 1
    while place < length - 1:
        size = np.int64(name[U(place)])
        if place:
            out[U(at)] = 46
            at += 1
        for index in range(place + 1, place + 1 + size):
            at = _put_escaped(np.int64(name[U(index)]), out, at)
        place += size + 1
    return at
