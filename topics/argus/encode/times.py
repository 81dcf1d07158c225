"""The times of a record of Argus."""

from __future__ import annotations

from typing import Any

from topics.argus import layout as at
from topics.argus.encode.words import MICRO, NANO
from topics.compiled import inlined

LONGEST_OFFSET = (1 << 31) - 1  # microseconds


@inlined
def put_stamp(time: Any, out: Any, p: Any) -> None:
    """Write a time as seconds and microseconds."""
    out[p], out[p + 1] = time // NANO, time % NANO // MICRO


@inlined
def put_times(record: Any, out: Any, p: Any) -> Any:
    """Write when the first and the last packet was, of each direction where these are not the same."""
    src, src_end = max(record.src_first, 0), max(record.src_last, 0)
    dst, dst_end = max(record.dst_first, 0), max(record.dst_last, 0)
    if src and dst and (src != dst or src_end != dst_end):
        base = src // MICRO
        ends = (src_end // MICRO - base, dst // MICRO - base, dst_end // MICRO - base)
        if max(ends[0], ends[1], ends[2]) < LONGEST_OFFSET and min(ends[0], ends[1], ends[2]) > -LONGEST_OFFSET:
            out[p] = at.TIME << 24 | 0x7D << 16 | at.MICROSECONDS << 8 | 6
            put_stamp(src, out, p + 1)
            for end in range(3):
                out[p + 3 + end] = ends[end] & 0xFFFFFFFF
            return p + 6
    first = min(src, dst) if src and dst else max(src, dst)
    last = max(src_end, dst_end, first)
    out[p] = at.TIME << 24 | 2 << 16 | at.MICROSECONDS << 8 | 5
    put_stamp(first, out, p + 1)
    put_stamp(last, out, p + 3)
    return p + 5
