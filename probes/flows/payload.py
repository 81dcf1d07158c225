"""The first bytes of user data of each direction."""

from __future__ import annotations

from typing import Any

from probes.decode import headers as h
from probes.load import be32
from topics.compiled import inlined

MASK = 0xFFFFFFFF


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
    for byte in range(count):
        kept[have + byte] = data[start + skip + byte]
    me.payload_kept = have + count
