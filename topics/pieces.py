"""Pieces of memory brought together, one after the other: the bytes of records whose lengths differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from topics.native import Native, address_of
from topics.record import WORD

if TYPE_CHECKING:
    from topics.batch import Heap
    from topics.columns import Column

MANY_PIECES = 512  # that are worth the kernel
SPREAD = 8  # times the bytes wanted, over which they may lie to be picked out of all that lies there

_gather = Native("topics.pieces_kernel", "gather", 8)


def gathered(heap: Heap, starts: Column, offsets: Column) -> Heap:
    """Return the pieces heap[starts[i]] of lengths diff(offsets) one after the other, as a view when they lie so.

    Places are int64; raises IndexError for a piece outside of the heap.
    """
    total = int(offsets[-1])
    if not total:
        return heap[:0]
    lengths = np.diff(offsets)
    shift = (starts - offsets[:-1])[lengths > 0]
    if (shift == shift[0]).all() and 0 <= shift[0] <= len(heap) - total:
        return heap[shift[0] : shift[0] + total]
    if len(starts) >= MANY_PIECES and (taken := _by_kernel(heap, starts, lengths, total)) is not None:
        return taken
    return _in_order(heap, starts[lengths > 0], lengths[lengths > 0])


def _by_kernel(heap: Heap, starts: Column, lengths: Column, total: int) -> Heap | None:
    """Return pieces one after the other, by a kernel; None where one lies outside of the heap."""
    heap, done = np.ascontiguousarray(heap), np.zeros(1, np.int64)
    sizes, taken = lengths.astype(np.uint32), np.empty(total + WORD, np.uint8)
    places = [address_of(each) for each in (starts, sizes, heap, taken, done)]
    _gather(places[0], places[1], len(starts), places[2], len(heap), places[3], len(taken), places[4])
    return taken[:total] if done[0] else None


def _in_order(heap: Heap, starts: Column, lengths: Column) -> Heap:
    """Return pieces that may lie anywhere, none of them empty, one after the other."""
    total, end = int(lengths.sum()), int(starts[-1] + lengths[-1])
    runs = np.empty(2 * len(starts) - 1, np.int64)  # the pieces and what lies between them, in turns
    runs[::2], runs[1::2] = lengths, np.diff(starts) - lengths[:-1]
    if runs.min() >= 0 and end <= min(len(heap), starts[0] + SPREAD * total):
        chosen = np.repeat(~np.arange(len(runs), dtype=np.uint8) & 1, runs)  # a byte each, where a place is eight
        return heap[starts[0] : end][chosen.view(np.bool_)]
    shift = starts - (np.cumsum(lengths) - lengths)
    taken: Heap = heap[np.arange(total) + np.repeat(shift, lengths)]
    return taken
