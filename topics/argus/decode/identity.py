"""Where a record of Argus comes from, which flow it is of, and when that sent."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.argus import layout as at
from topics.argus.decode.words import DST_ADDRESS, FLOW_ID, INT64, SRC_ADDRESS
from topics.compiled import inlined

U: Any = np.uint64


@inlined
def source_number(words: Any, raw: Any, p: Any, length: Any, sources: Any, count: Any, last: Any, wanted: Any) -> Any:
    """Return the number of the source a record comes from, -1 for one that is not in the table: `wanted` tells it."""
    wanted[:] = 0
    if p:
        head = INT64(words[p])
        sub, qualifier = head >> 16 & 0xFF, head >> 8 & 0xFF
        kind = qualifier & ~at.WITH_INTERFACE
        size = 4 if kind in (at.ID_IPV6, at.ID_UUID) else 1
        if sub & 1 and qualifier and length >= 1 + size:
            wanted[0] = kind
            for word in range(size):
                wanted[1 + word] = raw[p + 1 + word]
            if qualifier & at.WITH_INTERFACE and length >= 2 + size:
                wanted[5] = raw[p + 1 + size]
    for step in range(count):
        number = last + step if last + step < count else last + step - count
        same = True
        for word in range(at.SOURCE_WORDS):
            same &= sources[number, word] == wanted[word]
        if same:
            return number
    return -1


@inlined
def sequence_number(words: Any, p: Any, length: Any) -> Any:
    """Return the number of a record among all of its probe, 0 where there is none."""
    if not p:
        return 0
    return INT64(words[p + length - 1]) if INT64(words[p]) >> 16 & 2 and length >= 2 else 0


@inlined
def _mix(word: Any) -> Any:
    """Spread the bits of a word (the finaliser of SplitMix64)."""
    word = (word ^ (word >> U(30))) * U(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> U(27))) * U(0x94D049BB133111EB)
    return word ^ (word >> U(31))


@inlined
def identify(record: Any, row: Any, out32: Any, sequence: Any) -> None:
    """Make the id of a flow from all that tells its record from any other."""
    high = _mix(U(record.observer) + U(0x9E3779B97F4A7C15))
    low = _mix(high ^ U(record.flow_start))
    for word in range(4):
        high = _mix(high ^ (U(out32[row, SRC_ADDRESS + word]) << U(32) | U(out32[row, DST_ADDRESS + word])))
    ports = U(record.src_port) << U(16) | U(record.dst_port)
    high = _mix(high ^ (ports << U(24) | U(record.ethertype) << U(8) | U(record.protocol)))
    low = _mix(low ^ high ^ (U(record.discriminator) << U(32) | U(sequence)))
    high = _mix(high + low)
    out32[row, FLOW_ID], out32[row, FLOW_ID + 1] = high & U(0xFFFFFFFF), high >> U(32)
    out32[row, FLOW_ID + 2], out32[row, FLOW_ID + 3] = low & U(0xFFFFFFFF), low >> U(32)


@inlined
def finish(record: Any, stamps: Any, merged: Any) -> None:
    """Give the times to the sides that sent something, and the duration to a record that was never merged."""
    first, last = stamps[0], stamps[1]
    record.flow_start = first
    sent, answered = record.src_packets > 0, record.dst_packets > 0
    if record.src_packets == 1 and record.dst_packets == 1 and not stamps[2]:
        stamps[2], stamps[3], stamps[4], stamps[5] = first, first, last, last
    if sent or not answered:
        record.src_first = stamps[2] or first
        record.src_last = stamps[3] or last
    if answered:
        record.dst_first = stamps[4] or first
        record.dst_last = stamps[5] or last
    if not merged:
        duration = last - first
        record.duration_sum, record.duration_min, record.duration_max = duration, duration, duration
        record.duration_square_sum = (duration / 1000.0) * (duration / 1000.0)
