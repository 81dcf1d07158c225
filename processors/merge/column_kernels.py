"""Kernels that merge records column by column: of all records whose flows are known (assigning_kernels.py), one field.

They run without Numba (topics/native.py), so all that they are given are integers, addresses among them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.merge.column_layout import (
    BITS,
    FIRST,
    FIRST_SET,
    FLOAT,
    LARGEST,
    LAST,
    LAST_SIDE,
    SAME,
    SAME_SIDE,
    SMALLEST,
    SMALLEST_SET,
    SUM,
    TWO_WORDS,
)
from processors.merge.records import IPV4, IPV6, scaled
from topics.compiled import inlined
from topics.rows.words import (
    byte_rows_at,
    bytes_at,
    floats_at,
    integer_rows_at,
    integers_at,
    quarters_at,
    unsigned_at,
)

ADDRESS_OCTETS = 16


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
