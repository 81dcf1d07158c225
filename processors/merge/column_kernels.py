"""Kernels that merge records column by column: the flow of each record first, then one field of all after another."""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.merge import conversation
from processors.merge.conversation import conversation_key, mix
from processors.merge.records import IPV4, IPV6, borrowed_views, scaled
from processors.merge.selection import selected_key
from processors.merge.table import NOT_FOUND, copy_key, find, insert, likely, prefetch_index
from topics.compiled import borrowed, inlined, kept, kernel, prefetch

CONVERSATION_WORDS = conversation.KEY_WORDS
TURNED_PORTS, ONE_WAY, BIN_WORD = conversation.TURNED_PORTS, conversation.ONE_WAY, conversation.OBSERVER
TOUCHED, MET, BIN = range(3)  # marks of a flow: its last record, whether its other direction is there too, its bin
MARKS = 3
AHEAD = 32  # records whose keys are made before the first of them is looked up, so that memory answers in time
SUM, LARGEST, SMALLEST, SMALLEST_SET, FIRST_SET, BITS, SAME, LAST, SAME_SIDE, LAST_SIDE, SMALLEST_COUNTED = range(11)
ADDRESS_OCTETS = 16


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


@kernel
def assign(
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
    occupied: Any,
    marks: Any,
    flows: Any,
    slots: Any,
    fresh: Any,
) -> Any:
    """Find the flow of each record (views that hold the fields of the key) from row `start` on.

    Writes its slot to `slots` and to `fresh` whether the record is its first; `number` is that of the first record,
    `bins` the start of the bin of each. Returns the rows done: fewer than there are when the table is full.
    """
    record = borrowed_views(record)
    index, stored, flow_hashes, occupied = borrowed(index), borrowed(stored), borrowed(flow_hashes), borrowed(occupied)
    marks, octets, slots, fresh = borrowed(marks), borrowed(octets), borrowed(slots), borrowed(fresh)
    own_keys, own_hashes = np.empty((AHEAD, stored.shape[1]), np.int64), np.empty(AHEAD, np.uint64)
    keys, hashes = borrowed(own_keys), borrowed(own_hashes)
    done = len(bins)
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
                done = row
                break
            flows[0] += 1
            marks[new, MET], marks[new, BIN] = turned, bins[row]
            if turned:
                marks[slot, MET] = 1
            copy_key(stored, new, key)
            flow_hashes[new] = hashed
            occupied[new] = 1
            insert(index, hashed, new)
            slot = new
        marks[slot, TOUCHED] = number + row
        slots[row] = slot
    kept(own_keys)
    kept(own_hashes)
    return done


@kernel
def notice(seen: Any, slots: Any, counts: Any, had: Any) -> None:
    """Write to `had` whether a flow had counted something before each record, and remember in `seen` that it has."""
    seen, slots, counts, had = borrowed(seen), borrowed(slots), borrowed(counts), borrowed(had)
    for row in range(len(slots)):
        slot = slots[row]
        had[row] = seen[slot]
        seen[slot] |= counts[row] != 0


@kernel
def merge_sum(flow: Any, slots: Any, later: Any, values: Any) -> None:
    """Add the values of the rows `later` to those of their flows, in their order."""
    flow, slots, later, values = borrowed(flow), borrowed(slots), borrowed(later), borrowed(values)
    for place in range(len(later)):
        row = later[place]
        flow[slots[row]] += values[row]


@kernel
def merge_lane(flow: Any, slots: Any, later: Any, values: Any, rule: Any, counts: Any, had: Any) -> None:
    """Merge the values of the rows `later` into those of their flows by a rule of rules.py.

    `counts` are what the rules of a side, or of what is counted, look at, and `had` whether the flow had any before.
    """
    flow, slots, later, values = borrowed(flow), borrowed(slots), borrowed(later), borrowed(values)
    counts, had = borrowed(counts), borrowed(had)
    for place in range(len(later)):
        row = later[place]
        slot, new = slots[row], values[row]
        old = flow[slot]
        if rule == LARGEST:
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
        elif rule == LAST:
            flow[slot] = new
        elif counts[row] != 0:
            if rule == LAST_SIDE or not had[row]:
                flow[slot] = new
            elif rule == SAME_SIDE:
                flow[slot] = old if old == new else 0
            else:
                flow[slot] = min(old, new)


@kernel
def merge_first_set(flow: Any, slots: Any, later: Any, values: Any) -> None:
    """Keep the first value of two words that is not 0."""
    flow, slots, later, values = borrowed(flow), borrowed(slots), borrowed(later), borrowed(values)
    for place in range(len(later)):
        row = later[place]
        slot = slots[row]
        if flow[slot, 0] == 0 and flow[slot, 1] == 0:
            flow[slot, 0], flow[slot, 1] = values[row, 0], values[row, 1]


@kernel
def merge_window(flow: Any, scales: Any, slots: Any, later: Any, values: Any, record_scales: Any) -> None:
    """Keep the last window that is not 0, and the first scale that is known."""
    flow, scales, slots, later = borrowed(flow), borrowed(scales), borrowed(slots), borrowed(later)
    values, record_scales = borrowed(values), borrowed(record_scales)
    for place in range(len(later)):
        row = later[place]
        slot = slots[row]
        kept, new = scales[slot], record_scales[row]
        if values[row] != 0:
            flow[slot] = scaled(values[row], new, kept)
        else:
            flow[slot] = scaled(flow[slot], kept, new)
        scales[slot] = kept if kept != 0 else new


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


@kernel
def merge_prefix(
    flow: Any, lengths: Any, kinds: Any, slots: Any, later: Any, values: Any, record_lengths: Any, ethertypes: Any
) -> None:
    """Shorten addresses (octets) to what they share; those that are not IP, or not of one kind, share nothing.

    `kinds` are the ethertypes of the flows as they are merged, `ethertypes` those of the records.
    """
    flow, lengths, kinds = borrowed(flow), borrowed(lengths), borrowed(kinds)
    slots, later, values = borrowed(slots), borrowed(later), borrowed(values)
    record_lengths, ethertypes = borrowed(record_lengths), borrowed(ethertypes)
    for place in range(len(later)):
        row = later[place]
        slot = slots[row]
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
