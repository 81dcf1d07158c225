"""Histograms in a record of Argus: eight bins of four bits, scaled so that the largest fits."""

from __future__ import annotations

from typing import Any

from topics.argus.encode.words import INT64
from topics.compiled import inlined
from topics.histograms import BINS, COUNT_BYTES, VECTOR_BYTES

MOST_BIN = 15


@inlined
def _count(heap: Any, place: Any) -> Any:
    count = INT64(0)
    for byte in range(COUNT_BYTES):
        count |= INT64(heap[place + byte]) << 8 * byte
    return count


@inlined
def histogram(heap: Any, start: Any, length: Any, first: Any) -> Any:
    """Return the counts from `first` on of the vector at heap[start] as a word, the first bin highest; 0 without any.

    They are scaled as Argus does: none that is counted becomes 0.
    """
    if length != VECTOR_BYTES or start + length > len(heap):
        return INT64(0)
    most, word = INT64(0), INT64(0)
    for place in range(first, first + BINS):
        most = max(most, _count(heap, start + COUNT_BYTES * place))
    for place in range(first, first + BINS):
        count = _count(heap, start + COUNT_BYTES * place)
        if most > MOST_BIN and count:
            count = max(count * MOST_BIN // most, 1)
        word = word << 4 | count
    return word
