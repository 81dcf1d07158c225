"""Kernels that find the flow of each record, before its fields are merged column by column (column_kernels.py).

They run without Numba (topics/native.py), so all that they are given are integers, addresses among them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.merge import conversation, rules
from processors.merge.column_layout import (
    AHEAD,
    BIN,
    MARKS,
    MET,
    TOUCHED,
)
from processors.merge.conversation import conversation_key, mix
from processors.merge.layout import KEY_WORDS as CONVERSATION_WORDS
from processors.merge.records import Views
from processors.merge.selection import selected_key
from processors.merge.table import NOT_FOUND, copy_key, find, insert, likely, prefetch_index
from topics.compiled import inlined, prefetch
from topics.rows.words import (
    byte_rows_at,
    bytes_at,
    float_rows_at,
    half_rows_at,
    integer_rows_at,
    integers_at,
    quarter_rows_at,
    words_at,
)

TURNED_PORTS, ONE_WAY, BIN_WORD = conversation.TURNED_PORTS, conversation.ONE_WAY, conversation.OBSERVER

RECORD_WORDS = rules.RECORD_WORDS


@inlined
def _key_of(record: Any, row: Any, computed: Any, octets: Any, correct: Any, start: Any, seed: Any, key: Any) -> Any:
    """Write the key of a record within the bin that begins at `start` and return its hash."""
    if len(key) == CONVERSATION_WORDS:
        hashed = conversation_key(record, row, False, seed, key)
        if not correct:
            key[TURNED_PORTS] = ONE_WAY
        key[BIN_WORD] = start
    else:
        hashed = selected_key(record, row, computed, octets, seed, key)
        key[len(key) - 1] = start
    return hashed ^ mix(np.uint64(start) + seed)


@inlined
def _assign(
    record: Any,
    start: Any,
    bins: Any,
    number: Any,
    computed: Any,
    octets: Any,
    correct: Any,
    seed: Any,
    index: Any,
    stored: Any,
    flow_hashes: Any,
    marks: Any,
    flows: Any,
    slots: Any,
    fresh: Any,
    keys: Any,
    hashes: Any,
) -> Any:
    begun = ahead = start
    for row in range(start, len(bins)):
        if row == ahead:
            begun, ahead = row, min(len(bins), row + AHEAD)
            for place in range(ahead - begun):
                hashes[place] = _key_of(
                    record, begun + place, computed, octets, correct, bins[begun + place], seed, keys[place]
                )
                prefetch_index(index, hashes[place])
            for place in range(ahead - begun):
                likely_slot = likely(index, hashes[place])
                if likely_slot != NOT_FOUND:
                    prefetch(stored[likely_slot], 0)
        key, hashed = keys[row - begun], hashes[row - begun]
        slot, turned = find(index, stored, key, hashed)
        fresh[row] = slot == NOT_FOUND or turned != 0
        if fresh[row]:
            new = flows[0]
            if new == len(stored):
                return row
            flows[0] += 1
            marks[new, MET], marks[new, BIN] = turned, bins[row]
            if turned:
                marks[slot, MET] = 1
            copy_key(stored, new, key)
            flow_hashes[new] = hashed
            insert(index, hashed, new)
            slot = new
        marks[slot, TOUCHED] = number + row
        slots[row] = slot
    return len(bins)


def assign(
    records: int,
    count: int,
    bins: int,
    number: int,
    computed: int,
    octets: int,
    octet_count: int,
    correct: int,
    seed: int,
    index: int,
    index_size: int,
    stored: int,
    key_words: int,
    capacity: int,
    flow_hashes: int,
    marks: int,
    flows: int,
    slots: int,
    fresh: int,
    keys: int,
    hashes: int,
    done: int,
) -> None:
    """Find the flow of each record (those that hold the fields of the key), from row `done` (int64) on.

    Writes its slot to `slots` (int64) and to `fresh` (uint8) whether the record is its first; `number` is that of the
    first record, `bins` (int64) the start of the bin of each. `done` becomes how many were: fewer than there are when
    the table, of `capacity` flows, is full. `keys` and `hashes` have room for AHEAD of them.
    """
    record = Views(
        integer_rows_at(records, count, RECORD_WORDS),
        float_rows_at(records, count, RECORD_WORDS),
        half_rows_at(records, count, 2 * RECORD_WORDS),
        quarter_rows_at(records, count, 4 * RECORD_WORDS),
        byte_rows_at(records, count, 8 * RECORD_WORDS),
    )
    answer = integers_at(done, 1)
    answer[0] = _assign(
        record,
        answer[0],
        integers_at(bins, count),
        number,
        computed,
        integer_rows_at(octets, octet_count, 2),
        correct,
        np.uint64(seed),
        words_at(index, index_size),
        integer_rows_at(stored, capacity, key_words),
        words_at(flow_hashes, capacity),
        integer_rows_at(marks, capacity, MARKS),
        integers_at(flows, 1),
        integers_at(slots, count),
        bytes_at(fresh, count),
        integer_rows_at(keys, AHEAD, key_words),
        words_at(hashes, AHEAD),
    )


def enter_all(index: int, index_size: int, hashes: int, count: int) -> None:
    """Enter the hashes (uint64) of as many flows into an index that is empty."""
    found, known = words_at(index, index_size), words_at(hashes, count)
    for slot in range(count):
        insert(found, known[slot], slot)


def notice(seen: int, capacity: int, slots: int, count: int, values: int, had: int) -> None:
    """Write to `had` whether a flow had counted something before each record, and remember in `seen` that it has.

    Both are uint8, `slots` and `values` int64.
    """
    flows, places = bytes_at(seen, capacity), integers_at(slots, count)
    counts, before = integers_at(values, count), bytes_at(had, count)
    for row in range(count):
        slot = places[row]
        before[row] = flows[slot]
        flows[slot] |= counts[row] != 0
