"""Packets, bytes and sizes of packets in a record of Argus."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.argus import layout as at
from topics.argus.encode.histograms import histogram
from topics.argus.encode.words import INT64
from topics.compiled import inlined
from topics.histograms import SIZES as SIZE_COUNTS

U: Any = np.uint64
U8, U16, U32, U64 = 1, 2, 3, 4


@inlined
def put_counters(record: Any, out: Any, p: Any) -> Any:
    """Write packets, bytes and bytes of payload, as narrow as they may be."""
    src = (record.src_packets, record.src_bytes, record.src_app_bytes)
    dst = (record.dst_packets, record.dst_bytes, record.dst_app_bytes)
    side = 0 if dst[0] | dst[1] | dst[2] else 4  # the forms that argus writes: one for the source alone, none in bytes
    values = 3 if src[2] | dst[2] else 2
    most = max(src[0], src[1], src[2], dst[0], dst[1], dst[2])
    width = U8 if most < 1 << 8 and not side else (U16 if most < 1 << 16 else (U32 if most < 1 << 32 else U64))
    size = 1 << (width - 1)
    used, word = 0, U(0)
    q = p + 1
    for number in range(1 if side else 2):
        for place in range(values):
            value = U(src[place] if number == 0 else dst[place])
            if size == 8:
                out[q], out[q + 1] = value >> U(32), value & U(0xFFFFFFFF)
                q += 2
                continue
            word = word << U(8 * size) | value
            used += size
            if used == 4:
                out[q] = word & U(0xFFFFFFFF)
                q, used, word = q + 1, 0, U(0)
    if used:
        out[q] = word << U(8 * (4 - used)) & U(0xFFFFFFFF)
        q += 1
    out[p] = at.METRIC << 24 | (4 if values == 3 else 1) << 16 | (width + side) << 8 | (q - p)
    return q


@inlined
def put_sizes(record: Any, heap: Any, out: Any, p: Any) -> Any:
    """Write the sizes of packets, and how many were of which where that was counted."""
    src, dst = record.src_size_max > 0, record.dst_size_max > 0
    if not src and not dst:
        return p
    q = p + 1
    if src:
        out[q] = min(INT64(record.src_size_min), 0xFFFF) << 16 | min(INT64(record.src_size_max), 0xFFFF)
        q += 1
    if dst:
        out[q] = min(INT64(record.dst_size_min), 0xFFFF) << 16 | min(INT64(record.dst_size_max), 0xFFFF)
        q += 1
    of_src = histogram(heap, INT64(record.src_histograms_offset), INT64(record.src_histograms_length), SIZE_COUNTS)
    of_dst = histogram(heap, INT64(record.dst_histograms_offset), INT64(record.dst_histograms_length), SIZE_COUNTS)
    sub = 0
    if of_src | of_dst:
        sub = at.SIZES_COUNTED | at.SIZES_OF_SOURCE * src | at.SIZES_OF_DESTINATION * dst
        if src:
            out[q] = of_src
            q += 1
        if dst:
            out[q] = of_dst
            q += 1
    out[p] = at.SIZES << 24 | sub << 16 | (2 if src and dst else (6 if src else 10)) << 8 | (q - p)
    return q
