"""The first bytes of user data of each direction."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.decode import headers as h
from probes.load import be32
from topics.compiled import inlined, load_word
from topics.rows.words import store_word

WORD = 8  # bytes
MASK = 0xFFFFFFFF


@inlined
def copy(source: Any, start: int, target: Any, place: int, count: int) -> None:
    """Copy so many bytes from one array to another, which have them; most are some words long."""
    words = count & -WORD
    for byte in range(0, words, WORD):
        store_word(target, place + byte, load_word(source, np.uint64(start + byte)))
    for byte in range(words, count):
        target[place + byte] = source[start + byte]


@inlined
def keep_payload(data: Any, end: int, row: Any, me: Any, kept: Any) -> None:
    """Keep what is still wanted of this packet's payload; `kept` is uint8[N].

    Of TCP only what continues the bytes kept so far: neither a repetition nor what comes after a gap.
    """
    start, have = row[h.PAYLOAD], me.payload_kept
    size = min(row[h.APP_BYTES], end - start)
    if have == len(kept) or size <= 0 or row[h.FRAGMENT] == h.LATER_FRAGMENT:
        return
    skip = 0
    if row[h.TCP]:
        skip = (me.base_sequence + 1 + have - be32(data, row[h.TCP] + 4)) & MASK
        if skip >= size:
            return
    count = min(size - skip, len(kept) - have)
    copy(data, start + skip, kept, have, count)
    me.payload_kept = have + count
