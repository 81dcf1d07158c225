"""Rows as PostgreSQL's binary COPY has them, written a row at a time out of columns."""

from __future__ import annotations

from typing import Any

from topics.compiled import inlined, kernel

SMALL, INTEGER, BIG, ADDRESS, OCTETS6, OCTETS16, TEXT = range(7)
IPV4, IPV6 = 2, 3  # families of inet; the second is PostgreSQL's own number
NULL = 0xFFFFFFFF


@inlined
def _put(out: Any, at: int, value: int, size: int) -> int:
    """Write the low `size` bytes of a number, most significant first; return what is behind them."""
    for place in range(size):
        out[at + place] = (value >> (8 * (size - 1 - place))) & 0xFF
    return at + size


@inlined
def _is_ipv4(octets: Any, number: int, row: int) -> Any:
    """Tell whether an address of 16 bytes is an IPv4 one."""
    for place in range(10):
        if octets[number, row, place]:
            return False
    return octets[number, row, 10] == 0xFF and octets[number, row, 11] == 0xFF


@inlined
def _put_address(out: Any, at: int, octets: Any, number: int, row: int) -> int:
    ipv4 = _is_ipv4(octets, number, row)
    size, family = (4, IPV4) if ipv4 else (16, IPV6)
    at = _put(out, at, size + 4, 4)
    at = _put(out, at, family, 1)
    at = _put(out, at, size * 8, 1)
    at = _put(out, at, 0, 1)
    at = _put(out, at, size, 1)
    for place in range(16 - size, 16):
        out[at] = octets[number, row, place]
        at += 1
    return at


@kernel
def most_bytes(kinds: Any, numbers: Any, offsets: Any) -> Any:
    """Return how many bytes the rows take at most."""
    fixed, length, last = 2, 0, offsets.shape[1] - 1
    for column in range(len(kinds)):
        fixed += 4
        if kinds[column] == TEXT:
            length += offsets[numbers[column], last]
        else:
            fixed += 20
    return fixed * last + length


@kernel
def write_rows(
    kinds: Any,
    numbers: Any,
    present: Any,
    values: Any,
    octets: Any,
    offsets: Any,
    texts: Any,
    out: Any,
) -> int:
    """Write all rows into `out` (uint8), and return how many bytes they are.

    `kinds` (uint8) says what each column is, `numbers` (int64) where it is found: numbers and times in `values` (int64,
    a row a column), bytes of fixed length in `octets` (uint8, shape (columns, rows, 16), at their end), text in `texts`
    (uint8) from one of `offsets` (int64, shape (columns, rows + 1)) to the next. `present` (bool, shape (columns,
    rows)) tells what is not NULL.
    """
    at = 0
    columns = len(kinds)
    for row in range(present.shape[1]):
        at = _put(out, at, columns, 2)
        for column in range(columns):
            if not present[column, row]:
                at = _put(out, at, NULL, 4)
                continue
            kind, number = kinds[column], numbers[column]
            if kind == BIG:
                at = _put(out, at, 8, 4)
                at = _put(out, at, values[number, row], 8)
            elif kind == INTEGER:
                at = _put(out, at, 4, 4)
                at = _put(out, at, values[number, row], 4)
            elif kind == SMALL:
                at = _put(out, at, 2, 4)
                at = _put(out, at, values[number, row], 2)
            elif kind == ADDRESS:
                at = _put_address(out, at, octets, number, row)
            elif kind == TEXT:
                begin, end = offsets[number, row], offsets[number, row + 1]
                at = _put(out, at, end - begin, 4)
                for place in range(begin, end):
                    out[at] = texts[place]
                    at += 1
            else:
                size = 6 if kind == OCTETS6 else 16
                at = _put(out, at, size, 4)
                for place in range(16 - size, 16):
                    out[at] = octets[number, row, place]
                    at += 1
    return at
