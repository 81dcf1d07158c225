"""Histograms in a record of Argus: eight bins of four bits, scaled so that the largest fits."""

from __future__ import annotations

from typing import Any

from topics.compiled import inlined
from topics.histograms import COUNT_BYTES, VECTOR_BYTES


@inlined
def _vector(record: Any, side: Any, heap: Any, used: Any) -> Any:
    """Return where the vector of a side is in the heap, and how much of that is in use."""
    if side == 0 and record.src_histograms_length:
        return record.src_histograms_offset, used
    if side == 1 and record.dst_histograms_length:
        return record.dst_histograms_offset, used
    heap[used : used + VECTOR_BYTES] = 0
    if side == 0:
        record.src_histograms_offset, record.src_histograms_length = used, VECTOR_BYTES
    else:
        record.dst_histograms_offset, record.dst_histograms_length = used, VECTOR_BYTES
    return used, used + VECTOR_BYTES


@inlined
def take_histogram(
    octets: Any, word: Any, turned: Any, first: Any, record: Any, side: Any, heap: Any, used: Any
) -> Any:
    """Take the histogram in a word as counts from `first` on; returns how much of the heap is in use.

    `turned`: its octets come in the opposite order.
    """
    place = 4 * word
    if not (octets[place] | octets[place + 1] | octets[place + 2] | octets[place + 3]):
        return used
    start, used = _vector(record, side, heap, used)
    for octet in range(4):
        pair = octets[place + (3 - octet if turned else octet)]
        heap[start + COUNT_BYTES * (first + 2 * octet)] = pair >> 4
        heap[start + COUNT_BYTES * (first + 2 * octet + 1)] = pair & 15
    return used
