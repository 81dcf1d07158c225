"""Kernels that merge records column by column: the flow of each record first, then one field of all after another.

They run without Numba (topics/native.py), so all that they are given are integers, addresses among them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.merge import conversation, rules
from processors.merge.column_layout import (
    AHEAD,
    BIN,
    BITS,
    FIRST,
    FIRST_SET,
    FLOAT,
    LARGEST,
    LAST,
    LAST_SIDE,
    MARKS,
    MET,
    SAME,
    SAME_SIDE,
    SMALLEST,
    SMALLEST_SET,
    SUM,
    TOUCHED,
    TWO_WORDS,
)
from processors.merge.conversation import conversation_key, mix
from processors.merge.layout import KEY_WORDS as CONVERSATION_WORDS
from processors.merge.records import IPV4, IPV6, Views, scaled
from processors.merge.selection import selected_key
from processors.merge.table import NOT_FOUND, copy_key, find, insert, likely, prefetch_index
from topics.compiled import inlined, prefetch
from topics.rows.words import (
    byte_rows_at,
    bytes_at,
    float_rows_at,
    floats_at,
    half_rows_at,
    integer_rows_at,
    integers_at,
    quarter_rows_at,
    quarters_at,
    unsigned_at,
    words_at,
)

TURNED_PORTS, ONE_WAY, BIN_WORD = conversation.TURNED_PORTS, conversation.ONE_WAY, conversation.OBSERVER
ADDRESS_OCTETS = 16
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


@inlined
def _value(row: Any, values: Any, sources: Any, step: Any, others: Any) -> Any:
    """Return the value of a record, as `merge` says."""
    source: Any = sources[row] if len(sources) else row
    return others[~source] if source < 0 else values[source * step]


@inlined
def _add(flow: Any, slots: Any, fresh: Any, values: Any, sources: Any, step: Any, others: Any) -> None:
    for row in range(len(slots)):
        slot, new = slots[row], _value(row, values, sources, step, others)
        if fresh[row]:
            flow[slot] = new
        else:
            flow[slot] += new


@inlined
def _merge(
    rule: Any,
    flow: Any,
    slots: Any,
    fresh: Any,
    values: Any,
    sources: Any,
    step: Any,
    others: Any,
    counts: Any,
    had: Any,
) -> None:
    for row in range(len(slots)):
        slot, new = slots[row], _value(row, values, sources, step, others)
        old = flow[slot]
        if fresh[row] or rule == LAST:
            flow[slot] = new
        elif rule == LARGEST:
            flow[slot] = max(old, new)
        elif rule == SMALLEST:
            flow[slot] = min(old, new)
        elif rule == SMALLEST_SET:
            flow[slot] = new if new != 0 and (old == 0 or new < old) else old
        elif rule == FIRST_SET:
            flow[slot] = old if old != 0 else new
        elif rule == BITS:
            flow[slot] = old | new
        elif rule == SAME:
            flow[slot] = old if old == new else 0
        elif rule != FIRST and counts[row] != 0:
            if rule == LAST_SIDE or not had[row]:
                flow[slot] = new
            elif rule == SAME_SIDE:
                flow[slot] = old if old == new else 0
            else:  # SMALLEST_COUNTED
                flow[slot] = min(old, new)


@inlined
def _merge_two_words(flow: Any, slots: Any, fresh: Any, values: Any, sources: Any, step: Any, first: Any) -> None:
    """Keep the first value, or the first that is not 0."""
    for row in range(len(slots)):
        source: Any = sources[row] if len(sources) else row
        slot, place = slots[row], source * step
        if fresh[row] or (not first and flow[slot, 0] == 0 and flow[slot, 1] == 0):
            flow[slot, 0], flow[slot, 1] = values[place, 0], values[place, 1]


def merge(
    rule: int,
    width: int,
    flow: int,
    capacity: int,
    slots: int,
    fresh: int,
    count: int,
    values: int,
    value_count: int,
    sources: int,
    source_count: int,
    step: int,
    others: int,
    other_count: int,
    counts: int,
    had: int,
    counted: int,
) -> None:
    """Merge a value of each record into that of its flow by a rule of rules.py, in the order of the records.

    Values are unsigned integers of `width` bytes, of 8 signed ones, of TWO_WORDS two of those, of FLOAT doubles to be
    added. The value of a record is that at `step` times its place, which `sources` (int64) has where there are any;
    negative ones are the complements of places in `others`, whose values are no two words.
    `counts` (int64) are what the rules of a side, or of what is counted, look at, and `had` (uint8) whether the flow
    had any before; other rules have none, `counted` 0.
    """
    places, new = integers_at(slots, count), bytes_at(fresh, count)
    taken = integers_at(sources, source_count)
    numbers, before = integers_at(counts, counted), bytes_at(had, counted)
    if width == FLOAT:
        _add(
            floats_at(flow, capacity),
            places,
            new,
            floats_at(values, value_count),
            taken,
            step,
            floats_at(others, other_count),
        )
    elif width == TWO_WORDS:
        flows, given = integer_rows_at(flow, capacity, 2), integer_rows_at(values, value_count, 2)
        _merge_two_words(flows, places, new, given, taken, step, rule == FIRST)
    elif rule == SUM:
        _add(
            integers_at(flow, capacity),
            places,
            new,
            integers_at(values, value_count),
            taken,
            step,
            integers_at(others, other_count),
        )
    elif width == 8:
        longs = integers_at(values, value_count)
        _merge(
            rule,
            integers_at(flow, capacity),
            places,
            new,
            longs,
            taken,
            step,
            integers_at(others, other_count),
            numbers,
            before,
        )
    elif width == 4:
        halves = unsigned_at(values, value_count)
        _merge(
            rule,
            unsigned_at(flow, capacity),
            places,
            new,
            halves,
            taken,
            step,
            unsigned_at(others, other_count),
            numbers,
            before,
        )
    elif width == 2:
        quarters = quarters_at(values, value_count)
        _merge(
            rule,
            quarters_at(flow, capacity),
            places,
            new,
            quarters,
            taken,
            step,
            quarters_at(others, other_count),
            numbers,
            before,
        )
    else:
        octets = bytes_at(values, value_count)
        _merge(
            rule,
            bytes_at(flow, capacity),
            places,
            new,
            octets,
            taken,
            step,
            bytes_at(others, other_count),
            numbers,
            before,
        )


def merge_window(
    flow: int, scales: int, capacity: int, slots: int, fresh: int, count: int, values: int, record_scales: int
) -> None:
    """Keep the last window (uint32) that is not 0, and the first scale (uint8) that is known."""
    windows, known = unsigned_at(flow, capacity), bytes_at(scales, capacity)
    places, new = integers_at(slots, count), bytes_at(fresh, count)
    given, given_scales = unsigned_at(values, count), bytes_at(record_scales, count)
    for row in range(count):
        slot = places[row]
        if new[row]:
            windows[slot], known[slot] = given[row], given_scales[row]
            continue
        kept, other = known[slot], given_scales[row]
        if given[row] != 0:
            windows[slot] = scaled(given[row], other, kept)
        else:
            windows[slot] = scaled(windows[slot], kept, other)
        known[slot] = kept if kept != 0 else other


@inlined
def _shared_bits(flow: Any, slot: Any, values: Any, row: Any) -> Any:
    """Leading bits that two addresses share, 0 to 128."""
    for octet in range(ADDRESS_OCTETS):
        differing = np.int64(flow[slot, octet] ^ values[row, octet])
        if differing != 0:
            bits = 8 * octet
            while differing < 0x80:
                differing <<= 1
                bits += 1
            return bits
    return 8 * ADDRESS_OCTETS


@inlined
def _shorten(
    flow: Any, lengths: Any, kinds: Any, slot: Any, values: Any, record_lengths: Any, ethertypes: Any, row: Any
) -> None:
    if kinds[slot] != ethertypes[row]:
        kinds[slot] = 0
    bits: Any = min(np.int64(lengths[slot]), np.int64(record_lengths[row]))
    shared = _shared_bits(flow, slot, values, row)
    if shared < 8 * ADDRESS_OCTETS:
        bits = min(bits, shared) if kinds[slot] == IPV4 or kinds[slot] == IPV6 else 0
        for octet in range(ADDRESS_OCTETS):
            left: Any = min(8, max(0, bits - 8 * octet))
            flow[slot, octet] &= np.uint8((0xFF00 >> left) & 0xFF)
    lengths[slot] = bits


def merge_prefix(
    flow: int,
    lengths: int,
    kinds: int,
    capacity: int,
    slots: int,
    fresh: int,
    count: int,
    values: int,
    record_lengths: int,
    ethertypes: int,
) -> None:
    """Shorten addresses (octets) to what they share; those that are not IP, or not of one kind, share nothing.

    `lengths` are uint8; `kinds` are the ethertypes (uint16) of the flows as they are merged, `ethertypes` those of the
    records.
    """
    addresses, known = byte_rows_at(flow, capacity, ADDRESS_OCTETS), bytes_at(lengths, capacity)
    merged, places, new = quarters_at(kinds, capacity), integers_at(slots, count), bytes_at(fresh, count)
    given, given_lengths = byte_rows_at(values, count, ADDRESS_OCTETS), bytes_at(record_lengths, count)
    given_kinds = quarters_at(ethertypes, count)
    for row in range(count):
        slot = places[row]
        if new[row]:
            for octet in range(ADDRESS_OCTETS):
                addresses[slot, octet] = given[row, octet]
            known[slot], merged[slot] = given_lengths[row], given_kinds[row]
        else:
            _shorten(addresses, known, merged, slot, given, given_lengths, given_kinds, row)
