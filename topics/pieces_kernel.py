"""Pieces of memory, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import inlined, load_word
from topics.rows.words import bytes_at, halves_at, integers_at, store_word

WORD = 8


@inlined
def _gather(starts: Any, lengths: Any, heap: Any, out: Any) -> Any:
    place, end = np.int64(0), len(heap) - WORD
    for row in range(len(starts)):
        start, length = starts[row], np.int64(np.uint32(lengths[row]))
        if start < 0 or start + length > len(heap) or place + length + WORD > len(out):
            return False
        if start + length <= end:
            for step in range(0, length, WORD):
                store_word(out, place + step, load_word(heap, np.uint64(start + step)))
        else:
            for step in range(length):
                out[place + step] = heap[start + step]
        place += length
    return True


def gather(
    starts: int, lengths: int, count: int, heap: int, heap_bytes: int, out: int, out_bytes: int, done: int
) -> None:
    """Copy pieces of the heap to `out`, which has room for WORD bytes more; all but numbers are addresses.

    `starts` are int64, `lengths` uint32; `done` (int64) becomes 0 where one of them lies outside.
    """
    room = bytes_at(out, out_bytes)
    pieces = halves_at(lengths, count)
    integers_at(done, 1)[0] = _gather(integers_at(starts, count), pieces, bytes_at(heap, heap_bytes), room)
