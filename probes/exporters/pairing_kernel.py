"""Rows of one direction to rows of both: a table of what waits for its answer, in the order of arrival."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.exporters import layout as at
from topics.compiled import inlined, kernel

KEY_WORDS = 6
(HELD, RING_HEAD, RING_TAIL, SERIAL, PAIRED, ALONE, EARLY, TOUCHED) = range(8)
STATE = 8
FORWARD, REVERSE, SIDES = at.FORWARD, at.REVERSE, at.SIDES
MOST = 1 << 62


@inlined
def _mix(word: Any) -> Any:
    """Spread the bits of a word (the finaliser of SplitMix64)."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@inlined
def _question(protocol: int, icmp: int) -> Any:
    """Return the type and code of the question to an answer of ICMP, -1 when it is none (RFC 792, RFC 4443)."""
    kind = (icmp >> 8) & 0xFF
    if protocol == 1 and kind in (0, 14, 16, 18):
        return ((8 if kind == 0 else kind - 1) << 8) | (icmp & 0xFF)
    if protocol == 58 and kind == 129:
        return (128 << 8) | (icmp & 0xFF)
    return -1


@inlined
def _key(row: Any, key: Any) -> Any:
    """Fill the key of a conversation, the same for both directions; return whether its first end is the source."""
    source, target = row[at.SRC_PORT], row[at.DST_PORT]
    answer = False
    if row[at.ICMP]:
        question = _question(row[at.PROTOCOL], row[at.ICMP])
        answer = question >= 0
        source = target = question if answer else row[at.ICMP] & 0xFFFF
    first = row[at.SRC_HIGH] < row[at.DST_HIGH]
    if row[at.SRC_HIGH] == row[at.DST_HIGH]:
        first = row[at.SRC_LOW] < row[at.DST_LOW]
        if row[at.SRC_LOW] == row[at.DST_LOW]:
            first = source < target
    ends = (at.SRC_HIGH, at.SRC_LOW, at.DST_HIGH, at.DST_LOW) if first else (
        at.DST_HIGH, at.DST_LOW, at.SRC_HIGH, at.SRC_LOW
    )  # fmt: skip
    for word in range(4):
        key[word] = row[ends[word]]
    if not first:
        source, target = target, source
    key[4] = (row[at.PROTOCOL] << 32) | (source << 16) | target
    if row[at.ICMP]:
        key[4] |= np.int64(1 if first != answer else 2) << 48  # who asked
    key[5] = (row[at.EXPORTER] << 16) | (row[at.ETHERTYPE] & 0xFFFF)
    return first


@inlined
def _hash(key: Any) -> Any:
    value = np.uint64(0)
    for word in range(KEY_WORDS):
        value = _mix(value + np.uint64(key[word]))
    return value


@inlined
def _find(index: Any, keys: Any, key: Any) -> Any:
    """Return the place of a key in the index, or the empty one where it belongs."""
    mask = np.uint64(len(index) - 1)
    place = _hash(key) & mask
    while index[place]:
        row = index[place] - 1
        same = True
        for word in range(KEY_WORDS):
            same &= keys[row, word] == key[word]
        if same:
            break
        place = (place + np.uint64(1)) & mask
    return place


@inlined
def _remove(index: Any, keys: Any, place: Any) -> None:
    """Empty a place of the index and move up those behind it that would not be found any more."""
    mask = np.uint64(len(index) - 1)
    hole = place
    at_ = (hole + np.uint64(1)) & mask
    while index[at_]:
        home = _hash(keys[index[at_] - 1]) & mask
        if ((at_ - home) & mask) >= ((at_ - hole) & mask):
            index[hole] = index[at_]
            hole = at_
        at_ = (at_ + np.uint64(1)) & mask
    index[hole] = 0


@inlined
def _let_go(place: Any, index: Any, keys: Any, serials: Any, free: Any, state: Any, row: int) -> None:
    _remove(index, keys, place)
    serials[row] = 0
    state[HELD] -= 1
    free[state[HELD]] = row


@inlined
def _drop_head(index: Any, keys: Any, held: Any, serials: Any, free: Any, ring: Any, state: Any, out: Any) -> Any:
    """Take the oldest entry off the ring; return 1 when it was waiting still and is in `out` now."""
    head = state[RING_HEAD] % len(ring)
    row = ring[head, 0]
    state[RING_HEAD] += 1
    if serials[row] != ring[head, 1]:
        return 0
    _give(held[row], out)
    _let_go(_find(index, keys, keys[row]), index, keys, serials, free, state, row)
    state[ALONE] += 1
    return 1


@inlined
def _is_source(row: Any, other: Any) -> Any:
    """Say whether a row, and not its answer, tells of the side that began."""
    if row[at.ICMP]:
        return _question(row[at.PROTOCOL], row[at.ICMP]) < 0
    if row[FORWARD] != other[FORWARD]:
        return row[FORWARD] < other[FORWARD]
    return row[at.DST_PORT] <= row[at.SRC_PORT]


@inlined
def _join(source: Any, answer: Any, out: Any) -> None:
    for column in range(REVERSE):
        out[column] = source[column]
    for column in range(SIDES):
        out[REVERSE + column] = answer[FORWARD + column]
    out[at.BIFLOW] = 1
    out[at.SAMPLING] = max(source[at.SAMPLING], answer[at.SAMPLING])
    if not out[at.DST_MAC]:
        out[at.DST_MAC] = answer[at.SRC_MAC]
    if not out[at.SRC_AS]:
        out[at.SRC_AS] = answer[at.DST_AS]
    if not out[at.DST_AS]:
        out[at.DST_AS] = answer[at.SRC_AS]
    if answer[FORWARD + 1] > source[FORWARD + 1]:
        out[at.END_REASON] = answer[at.END_REASON]


@inlined
def _gather(side: Any, row: Any) -> None:
    """Add the packet of a sample to a side of what was gathered."""
    if not side[at.PACKETS]:
        side[:] = row[FORWARD:REVERSE]
        return
    side[at.FIRST], side[at.LAST] = min(side[at.FIRST], row[FORWARD]), max(side[at.LAST], row[FORWARD + 1])
    for column in (at.PACKETS, at.BYTES, at.APP_BYTES):
        side[column] = min(side[column] + row[FORWARD + column], MOST)
    side[at.TCP_FLAGS] |= row[FORWARD + at.TCP_FLAGS]
    side[at.TOS] = row[FORWARD + at.TOS]
    for column in (at.TTL_MIN, at.SIZE_MIN):
        side[column] = min(side[column], row[FORWARD + column])
    for column in (at.TTL_MAX, at.SIZE_MAX):
        side[column] = max(side[column], row[FORWARD + column])


@inlined
def _give(row: Any, out: Any) -> None:
    """Put out what waited, the source first."""
    out[:] = row
    if not row[at.GATHERED] or not row[REVERSE + at.PACKETS]:
        return
    out[at.BIFLOW] = 1
    begun, answered = row[FORWARD], row[REVERSE]
    swap = answered < begun or (answered == begun and row[at.SRC_PORT] < row[at.DST_PORT])
    if row[at.ICMP]:
        swap = _question(row[at.PROTOCOL], row[at.ICMP]) >= 0
    if swap:
        for column in range(SIDES):
            out[FORWARD + column], out[REVERSE + column] = row[REVERSE + column], row[FORWARD + column]
        out[at.SRC_HIGH], out[at.SRC_LOW] = row[at.DST_HIGH], row[at.DST_LOW]
        out[at.DST_HIGH], out[at.DST_LOW] = row[at.SRC_HIGH], row[at.SRC_LOW]
        out[at.SRC_PORT], out[at.DST_PORT] = row[at.DST_PORT], row[at.SRC_PORT]
        out[at.SRC_MAC], out[at.DST_MAC] = row[at.DST_MAC], row[at.SRC_MAC]
        if row[at.ICMP]:
            out[at.ICMP] = at.ICMP_KNOWN | _question(row[at.PROTOCOL], row[at.ICMP])


@inlined
def _apart(row: Any, other: Any) -> Any:
    """Return how much time lies between two rows, 0 when they overlap."""
    return max(row[FORWARD] - other[FORWARD + 1], other[FORWARD] - row[FORWARD + 1], 0)


@kernel
def pair(
    rows: Any,
    begin: int,
    window: int,
    now: int,
    index: Any,
    keys: Any,
    held: Any,
    serials: Any,
    free: Any,
    ring: Any,
    state: Any,
    out: Any,
) -> Any:
    """Take rows from `begin` on, then let time come to `now`; return how many were taken, and how many are in `out`.

    Not all are taken, or not all that is due is given, when `out` is full.
    """
    written, key = 0, np.zeros(KEY_WORDS, np.int64)
    number = begin
    while number < len(rows):
        row = rows[number]
        while state[RING_HEAD] < state[RING_TAIL] and written < len(out):
            head = ring[state[RING_HEAD] % len(ring)]
            if serials[head[0]] == head[1] and held[head[0], at.ARRIVED] + window >= row[at.ARRIVED]:
                break
            written += _drop_head(index, keys, held, serials, free, ring, state, out[written])
        if written + 2 > len(out):
            return number, written
        number += 1
        if row[at.BIFLOW] or not row[at.ETHERTYPE] or not window:
            out[written] = row
            written += 1
            continue
        first = _key(row, key)
        place, moved = _find(index, keys, key), False
        if index[place]:
            other = index[place] - 1
            if row[at.GATHERED]:
                begin_of_side = FORWARD if (serials[other] > 0) == first else REVERSE
                _gather(held[other, begin_of_side : begin_of_side + SIDES], row)
                held[other, at.SAMPLING] = max(held[other, at.SAMPLING], row[at.SAMPLING])
                continue
            # The sign of the serial number says which way the one that waits goes.
            if (serials[other] > 0) != first and _apart(row, held[other]) <= window:
                if _is_source(row, held[other]):
                    _join(row, held[other], out[written])
                else:
                    _join(held[other], row, out[written])
                written += 1
                state[PAIRED] += 1
                _let_go(place, index, keys, serials, free, state, other)
                continue
            out[written] = held[other]
            written += 1
            state[ALONE] += 1
            _let_go(place, index, keys, serials, free, state, other)
            moved = True
        while (state[HELD] >= len(held) or state[RING_TAIL] - state[RING_HEAD] >= len(ring)) and written < len(out):
            dropped = _drop_head(index, keys, held, serials, free, ring, state, out[written])
            written += dropped
            state[EARLY] += dropped
            moved = True
        if moved:
            place = _find(index, keys, key)
        if state[HELD] < state[TOUCHED]:
            free_row = free[state[HELD]]
        else:
            free_row = state[TOUCHED]
            state[TOUCHED] += 1
        state[HELD] += 1
        state[SERIAL] += 1
        serials[free_row] = state[SERIAL] if first else -state[SERIAL]
        keys[free_row] = key
        held[free_row] = row
        index[place] = free_row + 1
        tail = state[RING_TAIL] % len(ring)
        ring[tail, 0], ring[tail, 1] = free_row, serials[free_row]
        state[RING_TAIL] += 1
    while state[RING_HEAD] < state[RING_TAIL] and written < len(out):
        head = ring[state[RING_HEAD] % len(ring)]
        if serials[head[0]] == head[1] and held[head[0], at.ARRIVED] + window >= now:
            break
        written += _drop_head(index, keys, held, serials, free, ring, state, out[written])
    return number, written
