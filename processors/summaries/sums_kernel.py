"""Walks over columns of flows: what they add up to by code.

Codes are small numbers from 0 that stand for values; a column of one code stands for all rows. A mask of no rows stands
for all of them. Counters are source and destination packets and bytes, and packets lost.
"""

from __future__ import annotations

from typing import Any

from topics.compiled import inlined, kernel

FLOWS, SRC_PACKETS, DST_PACKETS, SRC_BYTES, DST_BYTES, LOST = range(6)
SUMS = 6
LATENCIES = 2  # how many round trips, and their sum (s)


@inlined
def code_of(codes: Any, row: int) -> Any:
    """Return the code of a row."""
    return codes[row] if len(codes) > 1 else codes[0]


@inlined
def add_one(
    place: Any,
    row: Any,
    src_packets: Any,
    dst_packets: Any,
    src_bytes: Any,
    dst_bytes: Any,
    lost: Any,
    latency: Any,
    sums: Any,
    latencies: Any,
) -> None:
    """Add a row to a place."""
    sums[place, FLOWS] += 1
    sums[place, SRC_PACKETS] += src_packets[row]
    sums[place, DST_PACKETS] += dst_packets[row]
    sums[place, SRC_BYTES] += src_bytes[row]
    sums[place, DST_BYTES] += dst_bytes[row]
    sums[place, LOST] += lost[row]
    if latency[row] > 0:
        latencies[place, 0] += 1
        latencies[place, 1] += latency[row]


@kernel
def add_up(
    codes: Any,
    mask: Any,
    src_packets: Any,
    dst_packets: Any,
    src_bytes: Any,
    dst_bytes: Any,
    lost: Any,
    latency: Any,
    sums: Any,
    latencies: Any,
) -> None:
    """Add each row to `sums[code]` (shape (codes, SUMS), int64) and its round trip to `latencies[code]` (float64)."""
    everything = len(mask) == 0
    for row in range(len(src_packets)):
        if everything or mask[row]:
            place = code_of(codes, row)
            add_one(place, row, src_packets, dst_packets, src_bytes, dst_bytes, lost, latency, sums, latencies)


@kernel
def first_and_last(codes: Any, mask: Any, start: Any, last: Any, times: Any) -> None:
    """Lower `times[code, 0]` to the first start of each code, raise `times[code, 1]` to its last end (ns)."""
    everything = len(mask) == 0
    for row in range(len(start)):
        if everything or mask[row]:
            place = code_of(codes, row)
            times[place, 0] = min(times[place, 0], start[row])
            times[place, 1] = max(times[place, 1], last[row])
