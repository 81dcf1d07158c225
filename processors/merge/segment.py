"""The kernel of FlowMerge: status records in order, flows out as soon as no record can join them any more.

Which records form one flow depends on nothing but the records of their key, in order: see `_begins_anew`. A flow is put
out when the watermark has passed its deadline, the latest time at which a record could have begun to join it; that is
decided record by record, so that cutting the input into batches differently changes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.merge import timers as at
from processors.merge.conversation import conversation_key, turn
from processors.merge.direction import APART, SYN, TCP, TURN_FLOW, direction
from processors.merge.heap import adopt_heap, has_heap, heap_room, merge_heap
from processors.merge.layout import KEY_WORDS
from processors.merge.records import (
    PROTOCOL,
    TCP_STATE,
    borrowed_views,
    copy_record,
    first_packet,
    last_packet,
    merge_record,
    reverse_record,
)
from processors.merge.recovery import position_of
from processors.merge.rules import INTS, place
from processors.merge.table import NOT_FOUND, copy_key, find, insert, likely, prefetch_flow, prefetch_index, remove
from topics.compiled import borrowed, inlined, kept, kernel, prefetch
from topics.flags import TcpState

DONE, OUT_FULL, TABLE_FULL, HEAP_FULL = range(4)
AHEAD = 32  # records whose keys are made before the first of them is looked up
ROOM = 2  # flows that one record may put out by itself: the one it ends and the one it drives out
STATUS_SEQUENCE = place("status_sequence", INTS)
CLOSED = int(TcpState.NORMAL_CLOSE | TcpState.SRC_RESET | TcpState.DST_RESET)

# Timing: int64[TIMES], ns.
TCP_IDLE, IDLE, ACTIVE, LINGER, STATUS_INTERVAL = range(5)
TIMES = 5

# What the kernel counts: int64[COUNTERS].
COUNTERS = ("records", "flows", "reversed", "late", "skipped", "evicted")
RECORDS, FLOWS, REVERSED, LATE, SKIPPED, EVICTED = range(len(COUNTERS))


@inlined
def _after(time: Any, period: Any) -> Any:
    """Return the time plus a period, as far as there is time."""
    return time + period if time < at.LAST_TIME - period else at.LAST_TIME


@inlined
def _idle_timeout(flow: Any, slot: Any, times: Any) -> Any:
    idle = times[TCP_IDLE] if flow.octets[slot, PROTOCOL] == TCP else times[IDLE]
    return max(idle, 2 * times[STATUS_INTERVAL])


@inlined
def _is_closed(flow: Any, slot: Any) -> Any:
    return flow.octets[slot, PROTOCOL] == TCP and flow.ints[slot, TCP_STATE] & CLOSED != 0


@inlined
def _begins_connection(record: Any, row: Any) -> Any:
    """Whether a record is the first of a TCP flow and has its SYN; the state of later records repeats it."""
    return record.ints[row, TCP_STATE] & SYN != 0 and record.ints[row, STATUS_SEQUENCE] == 0


@inlined
def _deadline(flow: Any, slot: Any, times: Any) -> Any:
    """Latest first packet, ns, with which a record could join a flow."""
    first, last = first_packet(flow, slot), last_packet(flow, slot)
    deadline = min(_after(last, _idle_timeout(flow, slot, times)), _after(first, times[ACTIVE]) - 1)
    return min(deadline, _after(last, times[LINGER])) if _is_closed(flow, slot) else deadline


@inlined
def _begins_anew(flow: Any, slot: Any, record: Any, row: Any, first: Any, times: Any) -> Any:
    """Whether a record of the key of a flow is the first of another one.

    It is when it begins after the deadline, or when the flow is closed and the record opens a connection. What has no
    packets tells no time, so nothing joins it and it joins nothing.
    """
    if first == 0 or last_packet(flow, slot) == 0:
        return True
    if _is_closed(flow, slot) and _begins_connection(record, row):
        return True
    return first > _deadline(flow, slot, times)


@inlined
def _put_out(table: Any, marks: Any, wheel: Any, state: Any, slot: Any, out: Any, counters: Any) -> None:
    """Move a flow from the table to the output."""
    index, flow, hashes, occupied = table
    rows, positions, written = out
    copy_record(rows, written[0], flow.words, slot)
    positions[written[0]] = marks[slot, at.LAST_POSITION]
    written[0] += 1
    remove(index, hashes, slot)
    occupied[slot] = 0
    at.leave(marks, wheel, state, slot)
    at.give_slot(marks, state, slot)
    counters[FLOWS] += 1


@inlined
def _put_out_due(table: Any, marks: Any, wheel: Any, state: Any, out: Any, counters: Any) -> Any:
    """Put out all flows that the watermark has passed; False when the output is full before."""
    while True:
        slot = at.next_due(marks, wheel, state)
        if slot == at.NOBODY:
            return True
        if out[2][0] == len(out[0]):
            return False
        _put_out(table, marks, wheel, state, slot, out, counters)


@inlined
def _look_ahead(
    record: Any,
    start: Any,
    stop: Any,
    seed: Any,
    index: Any,
    flow: Any,
    stored: Any,
    marks: Any,
    keys: Any,
    hashes: Any,
) -> None:
    """Make the keys of the next records and ask for the memory of their flows, so that its latency is spent once."""
    for row in range(start, stop):
        hashes[row - start] = conversation_key(record, row, True, seed, keys[row - start])
        prefetch_index(index, hashes[row - start])
    for row in range(start, stop):
        slot = likely(index, hashes[row - start])
        if slot != NOT_FOUND:
            prefetch(stored[slot], 0)
            prefetch(marks[slot], 0)
            prefetch_flow(flow.words, slot)


@kernel
def segment(
    record: Any,
    start: Any,
    source: Any,
    skipped: Any,
    position: Any,
    limit: Any,
    times: Any,
    seed: Any,
    index: Any,
    flow: Any,
    stored: Any,
    flow_hashes: Any,
    occupied: Any,
    marks: Any,
    wheel: Any,
    state: Any,
    heap: Any,
    heap_used: Any,
    keep_heap: Any,
    counters: Any,
    rows: Any,
    positions: Any,
    spare: Any,
) -> Any:
    """Merge the records (views, heap bytes in `source`) from row `start` on into the table of their source.

    `skipped` uint8[n] marks records that count elsewhere already, or is empty; `position` is that of record 0; at most
    `limit` flows are kept; `spare` is room for a record. Flows go to `rows`, with their last position in `positions`.
    Returns (rows taken, flows put out, DONE | OUT_FULL | TABLE_FULL | HEAP_FULL, heap bytes needed); unless DONE, the
    caller makes room, reads the output, and calls again from there.
    """
    record, flow, spare = borrowed_views(record), borrowed_views(flow), borrowed_views(spare)
    own_keys, own_hashes = np.empty((AHEAD, KEY_WORDS), np.int64), np.empty(AHEAD, np.uint64)
    own_written = np.zeros(1, np.int64)
    keys, hashes, written = borrowed(own_keys), borrowed(own_hashes), borrowed(own_written)
    index, stored, flow_hashes, occupied = borrowed(index), borrowed(stored), borrowed(flow_hashes), borrowed(occupied)
    marks, wheel, state, counters = borrowed(marks), borrowed(wheel), borrowed(state), borrowed(counters)
    heap, heap_used, source, times = borrowed(heap), borrowed(heap_used), borrowed(source), borrowed(times)
    skipped = borrowed(skipped)
    table = (index, flow, flow_hashes, occupied)
    out = (borrowed(rows), borrowed(positions), written)
    ahead = start
    for row in range(start, len(record.words)):
        if not _put_out_due(table, marks, wheel, state, out, counters) or written[0] + ROOM > len(rows):
            return row, own_written[0], OUT_FULL, 0
        if row == ahead:
            ahead = min(len(record.words), row + AHEAD)
            block = row
            _look_ahead(record, row, ahead, seed, index, flow, stored, marks, keys, hashes)
        first, last = first_packet(record, row), last_packet(record, row)
        late = 0 < first < state[at.WATERMARK]
        watermark = max(state[at.WATERMARK], last - times[STATUS_INTERVAL])
        if len(skipped) and skipped[row]:
            state[at.WATERMARK] = watermark
            counters[RECORDS] += 1
            counters[SKIPPED] += 1
            continue
        key, hashed = keys[row - block], hashes[row - block]
        slot, turned = find(index, stored, key, hashed)
        with_heap = has_heap(record, row)
        if with_heap and keep_heap:
            room = heap_room(flow, slot, record, row, source, heap)
            if heap_used[0] + room > len(heap):
                return row, own_written[0], HEAP_FULL, room
        if state[at.LIVE] == len(flow.words) and len(flow.words) < limit:
            return row, own_written[0], TABLE_FULL, 0
        way = direction(flow, slot, record, row) if turned else APART
        if slot != NOT_FOUND and ((turned and way == APART) or _begins_anew(flow, slot, record, row, first, times)):
            _put_out(table, marks, wheel, state, slot, out, counters)
            slot = NOT_FOUND
        state[at.WATERMARK] = watermark
        if slot == NOT_FOUND:
            if state[at.LIVE] >= limit:
                counters[EVICTED] += 1
                _put_out(table, marks, wheel, state, state[at.OLDEST], out, counters)
            if state[at.LIVE] == 0:
                state[at.TICK] = max(state[at.TICK], watermark >> at.TICK_BITS)
            slot = at.take_slot(marks, state)
            copy_record(flow.words, slot, record.words, row)
            if with_heap:
                adopt_heap(flow, slot, source if keep_heap else source[:0], heap, heap_used)
            copy_key(stored, slot, key)
            flow_hashes[slot] = hashed
            occupied[slot] = 1
            insert(index, hashed, slot)
            at.enter(marks, state, slot)
            marks[slot, at.FIRST_POSITION] = position_of(position, row)
            at.schedule(marks, wheel, state, slot, _deadline(flow, slot, times))
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
            at.reschedule(marks, wheel, state, slot, _deadline(flow, slot, times))
        marks[slot, at.LAST_POSITION] = position_of(position, row)
        counters[RECORDS] += 1
        counters[LATE] += late
    done = _put_out_due(table, marks, wheel, state, out, counters)
    put_out = written[0]
    kept(own_keys)
    kept(own_hashes)
    kept(own_written)
    return len(record.words), put_out, DONE if done else OUT_FULL, 0


@kernel
def drain(
    index: Any,
    flow: Any,
    flow_hashes: Any,
    occupied: Any,
    marks: Any,
    wheel: Any,
    state: Any,
    counters: Any,
    rows: Any,
    positions: Any,
) -> Any:
    """Put out all flows, those that began first first; return how many, which is len(rows) when more may follow."""
    flow = borrowed_views(flow)
    own_written = np.zeros(1, np.int64)
    marks, wheel, state, written = borrowed(marks), borrowed(wheel), borrowed(state), borrowed(own_written)
    table = (borrowed(index), flow, borrowed(flow_hashes), borrowed(occupied))
    out = (borrowed(rows), borrowed(positions), written)
    while state[at.LIVE] and written[0] < len(rows):
        _put_out(table, marks, wheel, state, state[at.OLDEST], out, counters)
    return own_written[0]
