"""Packets, bytes and sizes of packets in a record of Argus."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.argus import layout as at
from topics.argus.decode.histograms import take_histogram
from topics.argus.decode.words import big_endian
from topics.compiled import inlined
from topics.histograms import SIZES as SIZE_COUNTS


@inlined
def take_counters(octets: Any, p: Any, length: Any, head: Any, record: Any) -> None:
    """Take packets, bytes and bytes of payload of one side or both."""
    qualifier = head >> 8 & 0xFF
    side, width = (qualifier - 1) >> 2, 1 << ((qualifier - 1) & 3)
    values = 3 if head >> 16 & 0xFF == 4 else 2
    place = 4 * p + 4
    if qualifier == 0 or side > 2 or values * width * (2 if side == 0 else 1) > 4 * (length - 1):
        return
    if side != at.OF_DESTINATION:
        record.src_packets = big_endian(octets, place, width)
        record.src_bytes = big_endian(octets, place + width, width)
        if values == 3:
            record.src_app_bytes = big_endian(octets, place + 2 * width, width)
        place += values * width
    if side != at.OF_SOURCE:
        record.dst_packets = big_endian(octets, place, width)
        record.dst_bytes = big_endian(octets, place + width, width)
        if values == 3:
            record.dst_app_bytes = big_endian(octets, place + 2 * width, width)


@inlined
def take_sizes(octets: Any, p: Any, length: Any, head: Any, record: Any, heap: Any, used: Any) -> Any:
    """Take the sizes of packets of one side or both, and how many were of which; returns how much heap is in use."""
    qualifier = head >> 8 & 0xFF
    side, width = (qualifier - 1) >> 2, 1 << ((qualifier - 1) & 3)
    place = 4 * p + 4
    if qualifier == 0 or side > 2 or width > 4 or 2 * width * (2 if side == 0 else 1) > 4 * (length - 1):
        return used
    if side != at.OF_DESTINATION:
        record.src_size_min = np.uint32(big_endian(octets, place, width))
        record.src_size_max = np.uint32(big_endian(octets, place + width, width))
        place += 2 * width
    if side != at.OF_SOURCE:
        record.dst_size_min = np.uint32(big_endian(octets, place, width))
        record.dst_size_max = np.uint32(big_endian(octets, place + width, width))
        place += 2 * width
    if not head >> 16 & at.SIZES_COUNTED or place % 4:
        return used
    word = place // 4
    for number in range(2):
        if side in (at.BOTH, number + 1) and word < p + length:
            used = take_histogram(octets, word, False, SIZE_COUNTS, record, number, heap, used)
            word += 1
    return used
