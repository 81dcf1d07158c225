"""Times between packets, and the durations that were merged, in a record of Argus."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.argus import layout as at
from topics.argus.decode.histograms import take_histogram
from topics.argus.decode.words import INT64, MICRO
from topics.compiled import inlined
from topics.histograms import ACTIVE, IDLE

FLOAT64: Any = np.float64


@inlined
def _moments(words: Any, floats: Any, p: Any, unit: Any, moments: Any) -> None:
    """Fill in count, sum (ns), sum of squares (us^2), shortest and longest (ns) from what Argus keeps of some times."""
    count = FLOAT64(np.int32(words[p]))
    least, mean = FLOAT64(floats[p + 1]), FLOAT64(floats[p + 2])
    deviation, most = FLOAT64(floats[p + 3]), FLOAT64(floats[p + 4])
    deviation = deviation if deviation == deviation else 0.0  # noqa: PLR0124 - argus 5 writes NaN
    moments[:] = 0.0
    sane = count > 0 and 0 <= mean < 1e15 and 0 <= least < 1e15 and 0 <= most < 1e15 and abs(deviation) < 1e15
    if sane:
        moments[0], moments[1] = count, count * mean * unit
        moments[2] = count * (mean * mean + deviation * deviation) * (unit / MICRO) * (unit / MICRO)
        moments[3], moments[4] = least * unit, most * unit


@inlined
def _round(value: Any) -> Any:
    return INT64(min(value, 4e18) + 0.5)


@inlined
def take_intervals(
    words: Any,
    floats: Any,
    octets: Any,
    p: Any,
    length: Any,
    head: Any,
    record: Any,
    moments: Any,
    heap: Any,
    used: Any,
) -> Any:
    """Take the times between packets, active and idle, of both sides; returns how much of the heap is in use."""
    size = 7 if moments[5] else 5
    if head >> 16 & at.TIMES_COUNTED:
        size = 6  # the last word is a histogram, as clients on little-endian processors write it
    unit = 1.0 if moments[5] else 1000.0  # argus 5 counts nanoseconds
    which, place = head >> 8 & 15, p + 1
    for bit in range(4):
        if not which >> bit & 1:
            continue
        if place + size > p + length:
            return used
        _moments(words, floats, place, unit, moments)
        count, total, squares = _round(moments[0]), _round(moments[1]), moments[2]
        least, most = _round(moments[3]), _round(moments[4])
        if bit == 0:
            record.src_interval_count, record.src_interval_sum = count, total
            record.src_interval_square_sum = squares
            record.src_interval_min, record.src_interval_max = least, most
        elif bit == 1:
            record.src_idle_interval_count, record.src_idle_interval_sum = count, total
            record.src_idle_interval_square_sum = squares
            record.src_idle_interval_min, record.src_idle_interval_max = least, most
        elif bit == 2:
            record.dst_interval_count, record.dst_interval_sum = count, total
            record.dst_interval_square_sum = squares
            record.dst_interval_min, record.dst_interval_max = least, most
        else:
            record.dst_idle_interval_count, record.dst_idle_interval_sum = count, total
            record.dst_idle_interval_square_sum = squares
            record.dst_idle_interval_min, record.dst_idle_interval_max = least, most
        if head >> 16 & at.TIMES_COUNTED:
            first = IDLE if bit & 1 else ACTIVE
            used = take_histogram(octets, place + 5, True, first, record, bit >> 1, heap, used)
        place += size
    return used


@inlined
def take_aggregation(words: Any, turned_floats: Any, p: Any, length: Any, record: Any, moments: Any) -> None:
    """Take what clients keep of merged records; they leave floats in the order of their processor."""
    if length < 6 + 5:
        return
    record.records = max(INT64(words[p + 1]), 1)
    _moments(words, turned_floats, p + 6, 1e9, moments)
    if moments[0]:
        record.duration_sum, record.duration_square_sum = _round(moments[1]), moments[2]
        record.duration_min, record.duration_max = _round(moments[3]), _round(moments[4])
