"""Payload and labels in a record of Argus."""

from __future__ import annotations

from typing import Any

from topics.argus import layout as at
from topics.argus.encode.words import INT64, MOST_LABEL, MOST_PAYLOAD
from topics.compiled import inlined


@inlined
def _text(heap: Any, first: Any, count: Any, out: Any, p: Any) -> Any:
    """Write bytes, padded with zeros to a word; returns the word behind them."""
    word, used = 0, 0
    for byte in range(count):
        word = word << 8 | INT64(heap[first + byte])
        used += 1
        if used == 4:
            out[p] = word
            p, word, used = p + 1, 0, 0
    if used:
        out[p] = word << 8 * (4 - used)
        p += 1
    return p


@inlined
def put_payload(heap: Any, first: Any, count: Any, sub: Any, out: Any, p: Any) -> Any:
    """Write the payload of a side."""
    if not count:
        return p
    count = min(count, MOST_PAYLOAD)
    q = _text(heap, first, count, out, p + 2)
    out[p] = at.DATA << 24 | sub << 16 | (q - p)
    out[p + 1] = count << 16 | count
    return q


@inlined
def put_label(heap: Any, first: Any, count: Any, out: Any, p: Any) -> Any:
    """Write the labels."""
    if not count:
        return p
    count = min(count, MOST_LABEL)
    q = _text(heap, first, count, out, p + 1)
    if count % 4 == 0:  # its end is a zero
        out[q] = 0
        q += 1
    out[p] = at.LABEL << 24 | (q - p)
    return q
