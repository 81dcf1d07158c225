"""Times between packets, and the durations that were merged, in a record of Argus."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.argus import layout as at
from topics.argus.encode.histograms import histogram
from topics.argus.encode.words import INT64, turned
from topics.compiled import inlined
from topics.histograms import ACTIVE, IDLE


@inlined
def _jitter_of(
    count: Any,
    total: Any,
    squares: Any,
    least: Any,
    most: Any,
    counted: Any,
    bins: Any,
    out: Any,
    floats: Any,
    p: Any,
) -> Any:
    mean = total / count / 1000.0
    out[p] = min(count, 0x7FFFFFFF)
    floats[p + 1], floats[p + 2] = least / 1000.0, mean
    floats[p + 3], floats[p + 4] = np.sqrt(max(squares / count - mean * mean, 0.0)), most / 1000.0
    if not counted:
        return p + 5
    out[p + 5] = turned(bins)  # as clients on little-endian processors write it
    return p + 6


@inlined
def put_intervals(record: Any, heap: Any, out: Any, floats: Any, p: Any) -> Any:
    """Write the times between packets, active and idle, of both sides, with histograms where these were counted."""
    which, q = 0, p + 1
    src, src_length = INT64(record.src_histograms_offset), INT64(record.src_histograms_length)
    dst, dst_length = INT64(record.dst_histograms_offset), INT64(record.dst_histograms_length)
    src_active, src_idle = histogram(heap, src, src_length, ACTIVE), histogram(heap, src, src_length, IDLE)
    dst_active, dst_idle = histogram(heap, dst, dst_length, ACTIVE), histogram(heap, dst, dst_length, IDLE)
    counted = src_active | src_idle | dst_active | dst_idle
    if record.src_interval_count > 0:
        which |= 1
        q = _jitter_of(
            record.src_interval_count,
            record.src_interval_sum,
            record.src_interval_square_sum,
            record.src_interval_min,
            record.src_interval_max,
            counted,
            src_active,
            out,
            floats,
            q,
        )
    if record.src_idle_interval_count > 0:
        which |= 2
        q = _jitter_of(
            record.src_idle_interval_count,
            record.src_idle_interval_sum,
            record.src_idle_interval_square_sum,
            record.src_idle_interval_min,
            record.src_idle_interval_max,
            counted,
            src_idle,
            out,
            floats,
            q,
        )
    if record.dst_interval_count > 0:
        which |= 4
        q = _jitter_of(
            record.dst_interval_count,
            record.dst_interval_sum,
            record.dst_interval_square_sum,
            record.dst_interval_min,
            record.dst_interval_max,
            counted,
            dst_active,
            out,
            floats,
            q,
        )
    if record.dst_idle_interval_count > 0:
        which |= 8
        q = _jitter_of(
            record.dst_idle_interval_count,
            record.dst_idle_interval_sum,
            record.dst_idle_interval_square_sum,
            record.dst_idle_interval_min,
            record.dst_idle_interval_max,
            counted,
            dst_idle,
            out,
            floats,
            q,
        )
    if not which:
        return p
    sub = at.TIMES_COUNTED if counted else 0
    out[p] = at.JITTER << 24 | sub << 16 | which << 8 | (q - p)
    return q


@inlined
def put_aggregation(record: Any, out: Any, floats: Any, p: Any) -> Any:
    """Write what clients keep of merged records, their durations (4); floats in the order of the processor."""
    if record.records <= 1:
        return p
    for word in range(1, 20):
        out[p + word] = 0
    out[p] = at.AGGREGATION << 24 | 4 << 16 | 1 << 8 | 20
    out[p + 1] = out[p + 6] = min(record.records, 0x7FFFFFFF)
    mean = record.duration_sum / record.records
    square = max(record.duration_square_sum * 1e6 / record.records - mean * mean, 0.0)
    floats[p + 7], floats[p + 8] = record.duration_min / 1e9, mean / 1e9
    floats[p + 9], floats[p + 10] = np.sqrt(square) / 1e9, record.duration_max / 1e9
    for word in range(p + 7, p + 11):
        out[word] = turned(out[word])
    return p + 20
