"""The kernel of Aggregation: every record goes into the flow of its key, and flows stay until the end."""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.merge import conversation
from processors.merge.conversation import conversation_key, turn
from processors.merge.direction import APART, TURN_FLOW, direction
from processors.merge.heap import adopt_heap, has_heap, heap_room, merge_heap
from processors.merge.layout import KEY_WORDS as CONVERSATION_WORDS
from processors.merge.records import (
    borrowed_views,
    copy_record,
    first_packet,
    last_packet,
    merge_record,
    reverse_record,
)
from processors.merge.selection import selected_key
from processors.merge.table import NOT_FOUND, copy_key, find, insert, likely, prefetch_flow, prefetch_index, remove
from topics.compiled import borrowed, inlined, kept, kernel, prefetch

DONE, TABLE_FULL, HEAP_FULL = range(3)
AHEAD = 32  # records whose keys are made before the first of them is looked up
TURNED_PORTS, ONE_WAY = conversation.TURNED_PORTS, conversation.ONE_WAY

# What the kernel counts: int64[COUNTERS].
RECORDS, FLOWS, REVERSED = range(3)
COUNTERS = ("records", "flows", "reversed")
TOUCHED = 0  # the one mark of a flow: number of the last record that went into it


@inlined
def _look_ahead(
    record: Any, start: Any, stop: Any, computed: Any, octets: Any, correct: Any, table: Any, keys: Any, hashes: Any
) -> None:
    """Make the keys of the next records and ask for the memory of their flows, so that its latency is spent once."""
    index, flows, stored, seed = table
    for row in range(start, stop):
        key = keys[row - start]
        if len(key) == CONVERSATION_WORDS:
            hashes[row - start] = conversation_key(record, row, False, seed, key)
            if not correct:
                key[TURNED_PORTS] = ONE_WAY
        else:
            hashes[row - start] = selected_key(record, row, computed, octets, seed, key)
        prefetch_index(index, hashes[row - start])
    for row in range(start, stop):
        slot = likely(index, hashes[row - start])
        if slot != NOT_FOUND:
            prefetch(stored[slot], 0)
            prefetch_flow(flows, slot)


@inlined
def _is_over(flow: Any, slot: Any, record: Any, row: Any, status: Any, idle: Any) -> Any:
    """Tell whether a flow ends before a record: it would get too long, or nothing came for long (ns; 0: never)."""
    flow_last = last_packet(flow, slot)
    is_long = status != 0 and max(flow_last, last_packet(record, row)) - first_packet(flow, slot) >= status
    return is_long or (idle != 0 and first_packet(record, row) - flow_last >= idle)


@kernel
def aggregate(
    record: Any,
    start: Any,
    source: Any,
    computed: Any,
    octets: Any,
    correct: Any,
    status: Any,
    idle: Any,
    seed: Any,
    index: Any,
    flow: Any,
    stored: Any,
    flow_hashes: Any,
    occupied: Any,
    marks: Any,
    heap: Any,
    heap_used: Any,
    counters: Any,
    keep_heap: Any,
    spare: Any,
) -> Any:
    """Merge the records (views, heap bytes in `source`) from row `start` on into the table; `spare` is room for one.

    A flow that `status` or `idle` (ns, 0 for none) has ended stays as it is, and another one of its key begins.
    Returns (rows taken, DONE | TABLE_FULL | HEAP_FULL, heap bytes needed); unless DONE, the caller makes room and calls
    again from there. `keep_heap` False drops heap fields: there is no more room for them.
    """
    record, flow, spare = borrowed_views(record), borrowed_views(flow), borrowed_views(spare)
    own_keys, own_hashes = np.empty((AHEAD, stored.shape[1]), np.int64), np.empty(AHEAD, np.uint64)
    keys, hashes = borrowed(own_keys), borrowed(own_hashes)
    index, stored, flow_hashes, occupied = borrowed(index), borrowed(stored), borrowed(flow_hashes), borrowed(occupied)
    marks, heap, heap_used, source = borrowed(marks), borrowed(heap), borrowed(heap_used), borrowed(source)
    counters, octets = borrowed(counters), borrowed(octets)
    table = (index, flow.words, stored, seed)
    ahead = start
    for row in range(start, len(record.words)):
        if row == ahead:
            ahead = min(len(record.words), start + (row - start) // AHEAD * AHEAD + AHEAD)
            _look_ahead(record, row, ahead, computed, octets, correct, table, keys, hashes)
        place = (row - start) % AHEAD
        key, hashed = keys[place], hashes[place]
        slot, turned = find(index, stored, key, hashed)
        if slot != NOT_FOUND and _is_over(flow, slot, record, row, status, idle):
            remove(index, flow_hashes, slot)
            occupied[slot] = 0
            slot, turned = NOT_FOUND, 0
        way = direction(flow, slot, record, row) if turned else APART
        if turned and way == APART:
            slot = NOT_FOUND
        with_heap = has_heap(record, row)
        if with_heap and keep_heap:
            room = heap_room(flow, slot, record, row, source, heap)
            if heap_used[0] + room > len(heap):
                return row, HEAP_FULL, room
        if slot == NOT_FOUND:
            slot = counters[FLOWS]
            if slot == len(flow.words):
                return row, TABLE_FULL, 0
            counters[FLOWS] += 1
            copy_record(flow.words, slot, record.words, row)
            if with_heap:
                adopt_heap(flow, slot, source if keep_heap else source[:0], heap, heap_used)
            copy_key(stored, slot, key)
            flow_hashes[slot] = hashed
            occupied[slot] = 1
            insert(index, hashed, slot)
        else:
            used, used_row = record, row
            if way == TURN_FLOW:
                reverse_record(flow, slot)
                turn(stored[slot])
            elif turned:
                copy_record(spare.words, 0, record.words, row)
                reverse_record(spare, 0)
                used, used_row = spare, 0
            counters[REVERSED] += turned
            merge_record(flow, slot, used, used_row)
            if with_heap and keep_heap:
                merge_heap(flow, slot, used, used_row, source, heap, heap_used)
        marks[slot, TOUCHED] = counters[RECORDS]
        counters[RECORDS] += 1
    kept(own_keys)
    kept(own_hashes)
    return len(record.words), DONE, 0
