"""Columns of records folded into rows of totals, by the number that each record's key has."""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.merge.foldings import ADDED, ALL_BITS, AT_ONCE, FIRST_SET, LARGEST, LEAST, LEAST_SET, UNKNOWN
from topics.compiled import inlined
from topics.rows.words import integer_rows_at, integers_at, load_byte, load_half, load_quarter, load_whole


@inlined
def _load(values: Any, rows: int, address: int, size: int) -> None:
    """Put so many integers of so many bytes, which are unsigned if those are fewer than 8, where `values` are."""
    if size == 1:
        for row in range(rows):
            values[row] = np.int64(load_byte(address + row))
    elif size == 2:
        for row in range(rows):
            values[row] = np.int64(load_quarter(address + 2 * row))
    elif size == 4:
        for row in range(rows):
            values[row] = np.int64(load_half(address + 4 * row))
    else:
        for row in range(rows):
            values[row] = np.int64(load_whole(address + 8 * row))


@inlined
def _fold(totals: Any, column: int, folding: int, codes: Any, values: Any) -> None:
    """Fold a value of each row into a column of the totals of its number."""
    rows = len(codes)
    if folding == ADDED:
        for row in range(rows):
            totals[codes[row], column] += values[row]
    elif folding == LEAST:
        for row in range(rows):
            totals[codes[row], column] = min(totals[codes[row], column], values[row])
    elif folding == LARGEST:
        for row in range(rows):
            totals[codes[row], column] = max(totals[codes[row], column], values[row])
    elif folding == ALL_BITS:
        for row in range(rows):
            totals[codes[row], column] |= values[row]
    elif folding == FIRST_SET:
        for row in range(rows):
            if totals[codes[row], column] == 0:
                totals[codes[row], column] = values[row]
    elif folding == LEAST_SET:
        for row in range(rows):
            if values[row] != 0:
                totals[codes[row], column] = min(totals[codes[row], column], values[row])
    else:  # AGREED
        for row in range(rows):
            before = totals[codes[row], column]
            if before != values[row]:
                totals[codes[row], column] = values[row] if before == UNKNOWN else 0


def fold_rows(
    parts: int, number_of_parts: int, rows: int, codes: int, scratch: int, totals: int, numbers: int, width: int
) -> None:
    """Fold columns of rows into the totals of their numbers.

    All but numbers are addresses of int64. `parts`, one a row, are columns: where the values of each begin, their
    bytes, the folding, and the column of `totals` that they are folded into, which is of shape (numbers, width).
    `codes` are the number of each row, `scratch` has room for AT_ONCE values.
    """
    described, all_codes = integer_rows_at(parts, number_of_parts, 4), integers_at(codes, rows)
    values, into = integers_at(scratch, AT_ONCE), integer_rows_at(totals, numbers, width)
    for first in range(0, rows, AT_ONCE):
        several = min(AT_ONCE, rows - first)
        own = all_codes[first : first + several]
        for part in range(number_of_parts):
            size = described[part, 1]
            _load(values, several, described[part, 0] + first * size, size)
            _fold(into, described[part, 3], described[part, 2], own, values)
