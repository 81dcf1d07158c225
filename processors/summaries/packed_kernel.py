"""Walks over flows whose numbers lie together, 64 bytes each: few are then cheap to take out."""

from __future__ import annotations

from typing import Any

from topics.compiled import kernel

TIMES, NUMBERS = 2, 12  # of a flow: int64, and uint32 after them
LANES = 2 * TIMES + NUMBERS
AT_ONCE = 256


@kernel
def unpack(packed: Any, moments: Any, places: Any, times: Any, numbers: Any) -> None:
    """Take rows out of `packed` (uint32, shape (rows, LANES)), of which `moments` is the same memory as int64.

    `places` says which; `times` (int64) has the shape (TIMES, places), `numbers` (uint32) that of (NUMBERS, places).
    """
    for begin in range(0, len(places), AT_ONCE):  # so many rows lie near while column after column is written
        end = min(begin + AT_ONCE, len(places))
        for each in range(TIMES):
            for row in range(begin, end):
                times[each, row] = moments[places[row], each]
        for each in range(NUMBERS):
            for row in range(begin, end):
                numbers[each, row] = packed[places[row], 2 * TIMES + each]


@kernel
def first_rows(packed: Any, lane: int, first: Any) -> None:
    """Put the first row of each code that stands in a lane into `first[code]`."""
    for back in range(len(packed)):
        row = len(packed) - 1 - back
        first[packed[row, lane]] = row
