"""Kernels of the table of names: spans by pair of client and address, the one asked for last first.

A table are arrays side by side. By pair: `pairs` (uint64, shape (room, 4)), `newest` (int32, its first span, or -1),
`held` (int32, how many spans), `renewed` (int64, when, in words heard). By span: `first` and `until` (int64, ns),
`name` (uint64, its number), `older` (int32, the next one, or -1), in falling order of time, end and name. `slots`
(int32, a power of two long, more than twice `room`) are pairs plus 1 by hash, 0 where empty. `counts` (int64): pairs,
spans and words heard so far.
"""

# ruff: noqa: ANN401 - arrays and integers that only Numba types

from __future__ import annotations

from typing import Any

import numpy as np

from processors.hashing_kernel import are_same, hashed
from topics.compiled import borrowed, inlined, kernel

U = np.uint64

MOST_SPANS = 64
PAIRS, SPANS, WORDS = 0, 1, 2


@inlined
def _slot_of(keys: Any, row: int, pairs: Any, slots: Any) -> Any:
    """Return the slot of a key, or the empty one where it belongs."""
    mask = U(len(slots) - 1)
    slot = hashed(keys, row) & mask
    while slots[slot] > 0 and not are_same(keys, row, pairs, slots[slot] - 1):
        slot = (slot + U(1)) & mask
    return slot


@inlined
def _condense(place: int, newest: Any, held: Any, first: Any, until: Any, name: Any, older: Any) -> None:
    """Make one span of those of one name that follow each other, but for the newest; else forget the oldest one."""
    at, before = older[newest[place]], newest[place]
    while older[at] >= 0:
        then = older[at]
        if name[then] == name[at] and first[at] <= until[then]:
            first[at], until[at], older[at] = first[then], max(until[at], until[then]), older[then]
            held[place] -= 1
        else:
            before, at = at, then
    if held[place] > MOST_SPANS:
        older[before] = -1
        held[place] -= 1


@inlined
def _insert(
    place: Any,
    time: int,
    end: int,
    what: Any,
    newest: Any,
    held: Any,
    first: Any,
    until: Any,
    name: Any,
    older: Any,
    counts: Any,
) -> None:
    """Put a span where it belongs among those of a pair, unless it is known."""
    before, at = np.int64(-1), np.int64(newest[place])
    while at >= 0:
        if first[at] == time and until[at] == end and name[at] == what:
            return
        if (first[at], until[at], name[at]) < (time, end, what):
            break
        before, at = at, np.int64(older[at])
    made = counts[SPANS]
    counts[SPANS] += 1
    first[made], until[made], name[made], older[made] = time, end, what, at
    if before < 0:
        newest[place] = made
    else:
        older[before] = made
    held[place] += 1
    if held[place] > MOST_SPANS:
        _condense(place, newest, held, first, until, name, older)


@kernel
def learn(
    begin: int,
    keys: Any,
    firsts: Any,
    lasts: Any,
    ends: Any,
    names: Any,
    pairs: Any,
    newest: Any,
    held: Any,
    renewed: Any,
    slots: Any,
    first: Any,
    until: Any,
    name: Any,
    older: Any,
    counts: Any,
) -> int:
    """Take in words from row `begin` on; return the row for which there was no room, or n.

    Pairs `keys` (uint64, shape (n, 4)), since when, last said when and until when (int64, ns), names (uint64).
    """
    keys, firsts, lasts, ends, names = (
        borrowed(keys),
        borrowed(firsts),
        borrowed(lasts),
        borrowed(ends),
        borrowed(names),
    )
    pairs, newest, held, renewed, slots = (
        borrowed(pairs),
        borrowed(newest),
        borrowed(held),
        borrowed(renewed),
        borrowed(slots),
    )
    first, until, name, older, counts = (
        borrowed(first),
        borrowed(until),
        borrowed(name),
        borrowed(older),
        borrowed(counts),
    )
    for row in range(begin, len(keys)):
        if counts[SPANS] + 2 > len(first):
            return row
        slot = _slot_of(keys, row, pairs, slots)
        place = np.int64(slots[slot]) - 1
        if place < 0:
            place = counts[PAIRS]
            if place == len(pairs):
                return row
            counts[PAIRS] += 1
            slots[slot] = place + 1
            for word in range(keys.shape[1]):
                pairs[place, word] = keys[row, word]
            newest[place], held[place] = -1, 0
        counts[WORDS] += 1
        renewed[place] = counts[WORDS]
        if lasts[row] != firsts[row]:
            at = np.int64(newest[place])
            while at >= 0 and name[at] != names[row]:
                at = np.int64(older[at])
            if at < 0:  # a compacted topic leaves the last word
                _insert(place, firsts[row], ends[row], names[row], newest, held, first, until, name, older, counts)
        _insert(place, lasts[row], ends[row], names[row], newest, held, first, until, name, older, counts)
    return len(keys)


@kernel
def move(
    places: Any,
    old_pairs: Any,
    old_newest: Any,
    old_renewed: Any,
    old_first: Any,
    old_until: Any,
    old_name: Any,
    old_older: Any,
    pairs: Any,
    newest: Any,
    held: Any,
    renewed: Any,
    slots: Any,
    first: Any,
    until: Any,
    name: Any,
    older: Any,
    counts: Any,
) -> None:
    """Fill a new table, with empty `slots`, with the pairs at `places` (int64) of an old one and their spans."""
    made = 0
    for row in range(len(places)):
        place = places[row]
        for word in range(pairs.shape[1]):
            pairs[row, word] = old_pairs[place, word]
        renewed[row], held[row], newest[row] = old_renewed[place], 0, -1
        at = np.int64(old_newest[place])
        while at >= 0:
            first[made], until[made], name[made], older[made] = old_first[at], old_until[at], old_name[at], -1
            if held[row]:
                older[made - 1] = made
            else:
                newest[row] = made
            held[row] += 1
            made += 1
            at = np.int64(old_older[at])
        slots[_slot_of(pairs, row, pairs, slots)] = row + 1
    counts[PAIRS], counts[SPANS] = len(places), made


@kernel
def find(
    keys: Any,
    times: Any,
    pairs: Any,
    newest: Any,
    slots: Any,
    first: Any,
    until: Any,
    name: Any,
    older: Any,
    found: Any,
) -> None:
    """Write to `found` (uint64) which name holds for each pair of `keys` as of `times` (int64, ns); 0 without one.

    Of several it is the one asked for last before.
    """
    keys, times, found = borrowed(keys), borrowed(times), borrowed(found)
    pairs, newest, slots = borrowed(pairs), borrowed(newest), borrowed(slots)
    first, until, name, older = borrowed(first), borrowed(until), borrowed(name), borrowed(older)
    for row in range(len(keys)):
        place = np.int64(slots[_slot_of(keys, row, pairs, slots)]) - 1
        at = np.int64(newest[place]) if place >= 0 else np.int64(-1)
        while at >= 0 and not first[at] <= times[row] <= until[at]:
            at = np.int64(older[at])
        found[row] = name[at] if at >= 0 else U(0)
