"""The times of a record of Argus."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.argus import layout as at
from topics.argus.decode.words import INT64, MICRO, NANO
from topics.compiled import inlined


@inlined
def _stamp(words: Any, p: Any, unit: Any) -> Any:
    return INT64(words[p]) * NANO + INT64(words[p + 1]) * unit


@inlined
def take_times(words: Any, p: Any, length: Any, stamps: Any) -> None:
    """Fill in first and last, then first and last of each side, 0 where that is not told."""
    head = INT64(words[p])
    kind, which = head >> 16 & 7, head >> 19 & 15
    unit = 1 if head >> 8 & 0xFF == at.NANOSECONDS else MICRO
    stamps[:] = 0
    if length < 3:
        return
    first = last = _stamp(words, p + 1, unit)
    if kind == 5 or which:
        place, side = p + 1, 0
        offset = kind == 5
        given = 0
        for bit in range(4):
            if not which >> bit & 1:
                continue
            if not given:
                stamp = first
                place += 2
            elif offset:
                if place >= p + length:
                    break
                stamp = max(first + INT64(np.int32(words[place])) * unit, 0)
                place += 1
            else:
                if place + 1 >= p + length:
                    break
                stamp = _stamp(words, place, unit)
                place += 2
            stamps[2 + bit] = stamp
            given += 1
        for side in range(2):
            begin, end = stamps[2 + 2 * side], stamps[3 + 2 * side]
            stamps[2 + 2 * side] = begin or end
            stamps[3 + 2 * side] = max(end, begin)
        for stamp in range(2, 6):
            if stamps[stamp]:
                first, last = min(first, stamps[stamp]), max(last, stamps[stamp])
    elif kind != 1 and length >= 5:
        last = _stamp(words, p + 3, unit)
    stamps[0], stamps[1] = min(first, last), max(first, last)
