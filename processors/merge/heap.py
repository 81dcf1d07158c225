"""Heap fields of flows: payload, histograms, labels and tunnel addresses, in a byte heap of the table.

The heap is appended to until it is full, then compacted. A record names its bytes by offset and length. Payload is
appended up to PAYLOAD_LIMIT bytes a side. Histograms are added up in place. Of labels, the distinct texts are kept one
after the other, parted by a zero byte, up to LABELS_LIMIT bytes: they are united when the flow leaves the table (see
labels.py), once a flow and not once a record.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.merge import rules
from processors.merge.records import Words, borrowed_views, views
from topics.compiled import inlined, kernel
from topics.histograms import COUNT_BYTES, MOST, VECTOR_BYTES
from topics.record import HEAP_FIELDS

PAYLOAD_LIMIT = 2048
LABELS_LIMIT = 1 << 16
HEAP_LIMIT = 1 << 31  # bytes of all flows of a table; what would not fit is dropped
SEPARATOR = 0

APPEND, UNION, FIRST_SET, COUNTS = range(4)
KINDS = {"append": APPEND, "union": UNION, "first_set": FIRST_SET, "counts": COUNTS}

Octets = np.ndarray[Any, np.dtype[np.uint8]]

# Rows of (place of the offset column, what to do); the length column follows the offset.
COLUMNS = np.array(
    [(rules.place(f"{n}_offset", rules.INTS), KINDS[rules.HEAP_RULES[n]]) for n in HEAP_FIELDS], np.int64
)


@inlined
def _length(ints: Any, row: Any, column: Any, heap: Any) -> Any:
    """Bytes of a heap field; none when it points outside the heap."""
    offset, length = np.int64(ints[row, column]), np.int64(ints[row, column + 1])
    return length if offset + length <= len(heap) else 0


@inlined
def has_heap(record: Any, row: Any) -> Any:
    """Whether a record has anything in the heap."""
    lengths = np.uint32(0)
    for index in range(len(COLUMNS)):
        lengths |= record.ints[row, COLUMNS[index, 0] + 1]
    return lengths != 0


@inlined
def heap_bytes(ints: Any, row: Any, heap: Any) -> Any:
    """Bytes that the heap fields of a row take."""
    needed = 0
    for index in range(len(COLUMNS)):
        needed += _length(ints, row, COLUMNS[index, 0], heap)
    return needed


@inlined
def _copy(source: Any, start: Any, length: Any, heap: Any, used: Any) -> None:
    """Copy bytes to the end of the heap."""
    for byte in range(length):
        heap[used[0] + byte] = source[start + byte]
    used[0] += length


@inlined
def adopt_heap(flow: Any, slot: Any, source: Any, heap: Any, used: Any) -> None:
    """Bring the heap fields of a flow that was just copied from a record into the heap of the table."""
    for index in range(len(COLUMNS)):
        column, kind = COLUMNS[index, 0], COLUMNS[index, 1]
        start, length = np.int64(flow.ints[slot, column]), _length(flow.ints, slot, column, source)
        if kind == APPEND:
            length = min(length, PAYLOAD_LIMIT)
        elif kind == UNION and length > LABELS_LIMIT:
            length = 0  # half a label would say something else
        flow.ints[slot, column] = np.uint32(used[0] if length else 0)
        flow.ints[slot, column + 1] = np.uint32(length)
        _copy(source, start, length, heap, used)


@inlined
def _known_label(start: Any, length: Any, heap: Any, source: Any, new: Any, count: Any) -> Any:
    """Whether one of the texts in heap[start : start + length] is source[new : new + count]."""
    place = start
    while place <= start + length - count:
        stop = place
        while stop < start + length and heap[stop] != SEPARATOR:
            stop += 1
        if stop - place == count:
            equal = True
            for byte in range(count):
                equal &= heap[place + byte] == source[new + byte]
            if equal:
                return True
        place = stop + 1
    return False


@inlined
def _extend(
    flow: Any, slot: Any, column: Any, source: Any, new: Any, count: Any, parted: Any, heap: Any, used: Any
) -> None:
    """Append bytes to a heap field, after a separator if it shall be parted; it moves to the end of the heap."""
    start, length = np.int64(flow.ints[slot, column]), np.int64(flow.ints[slot, column + 1])
    if start + length != used[0] or length == 0:
        flow.ints[slot, column] = np.uint32(used[0])
        _copy(heap, start, length, heap, used)
    if parted and length:
        heap[used[0]] = SEPARATOR
        used[0] += 1
        length += 1
    _copy(source, new, count, heap, used)
    flow.ints[slot, column + 1] = np.uint32(length + count)


@inlined
def _load_count(heap: Any, place: Any) -> Any:
    count = np.uint64(0)
    for byte in range(COUNT_BYTES):
        count |= np.uint64(heap[place + byte]) << np.uint64(8 * byte)
    return count


@inlined
def _add_counts(heap: Any, start: Any, source: Any, new: Any) -> None:
    """Add the vector at source[new] to that at heap[start], which no other flow names."""
    for offset in range(0, VECTOR_BYTES, COUNT_BYTES):
        total = min(_load_count(heap, start + offset) + _load_count(source, new + offset), np.uint64(MOST))
        for byte in range(COUNT_BYTES):
            heap[start + offset + byte] = np.uint8(total >> np.uint64(8 * byte) & np.uint64(0xFF))


@inlined
def merge_heap(flow: Any, slot: Any, record: Any, row: Any, source: Any, heap: Any, used: Any) -> None:
    """Merge the heap fields of a record, which lie in `source`, into those of a flow."""
    for index in range(len(COLUMNS)):
        column, kind = COLUMNS[index, 0], COLUMNS[index, 1]
        new, count = np.int64(record.ints[row, column]), _length(record.ints, row, column, source)
        start, length = np.int64(flow.ints[slot, column]), np.int64(flow.ints[slot, column + 1])
        if count == 0:
            continue
        if kind == APPEND:
            count = min(count, PAYLOAD_LIMIT - length)
            if count > 0:
                _extend(flow, slot, column, source, new, count, False, heap, used)
        elif kind == COUNTS and length:
            if count == VECTOR_BYTES and length == VECTOR_BYTES:  # of bytes that are no vector the first stay
                _add_counts(heap, start, source, new)
        elif kind in (FIRST_SET, COUNTS):
            if length == 0:
                _extend(flow, slot, column, source, new, count, False, heap, used)
        elif length + 1 + count <= LABELS_LIMIT and not _known_label(start, length, heap, source, new, count):
            _extend(flow, slot, column, source, new, count, True, heap, used)


@inlined
def heap_room(flow: Any, slot: Any, record: Any, row: Any, source: Any, heap: Any) -> Any:
    """Most bytes that merging or adopting a record can add to the heap; `slot` below 0 for a flow to come."""
    needed = heap_bytes(record.ints, row, source) + len(COLUMNS)
    return needed + heap_bytes(flow.ints, slot, heap) if slot >= 0 else needed


@inlined
def _gather(ints: Any, row: Any, source: Any, heap: Any, used: Any) -> None:
    for index in range(len(COLUMNS)):
        column = COLUMNS[index, 0]
        start, length = np.int64(ints[row, column]), _length(ints, row, column, source)
        ints[row, column] = np.uint32(used[0] if length else 0)
        ints[row, column + 1] = np.uint32(length)
        _copy(source, start, length, heap, used)


@kernel
def compact(record: Any, wanted: Any, source: Any, heap: Any) -> Any:
    """Copy the heap bytes of the wanted records from `source` to `heap`, in order; return how many."""
    record = borrowed_views(record)
    used = np.zeros(1, np.int64)
    for row in range(len(wanted)):
        if wanted[row]:
            _gather(record.ints, row, source, heap, used)
    return used[0]


@kernel
def heap_size(record: Any, wanted: Any, heap: Any) -> Any:
    """Return the bytes that the heap fields of the wanted records take."""
    record = borrowed_views(record)
    total = 0
    for row in range(len(wanted)):
        if wanted[row]:
            total += heap_bytes(record.ints, row, heap)
    return total


def own_heap(rows: Words, source: Octets) -> Octets:
    """Give rows of records, shape (n, RECORD_WORDS), a heap of their own with their bytes in order of row and field."""
    if not len(source):
        return np.zeros(0, np.uint8)
    wanted = np.ones(len(rows), np.uint8)
    record = views(rows)
    heap = np.empty(heap_size(record, wanted, source), np.uint8)
    compact(record, wanted, source, heap)
    return heap
