"""TTL, TOS, ids and options of IP in a record of Argus."""

from __future__ import annotations

from typing import Any

from topics.argus import layout as at
from topics.argus.decode.words import INT64, IS_FRAGMENT
from topics.compiled import inlined


@inlined
def _options(seen: Any) -> Any:
    found = 0
    for theirs, ours in at.IP_OPTIONS:
        if seen & theirs:
            found |= ours
    return found


@inlined
def take_attributes(words: Any, p: Any, length: Any, head: Any, record: Any) -> None:
    """Take TTL, TOS, id and options of both sides."""
    which, place = head >> 8 & 0xFF, p + 1
    if which & 0x30:
        record.flow_flags |= IS_FRAGMENT
    if which & 1 and place < p + length:
        word = INT64(words[place])
        ttl = word >> 24
        record.src_ttl, record.src_ttl_min, record.src_ttl_max = ttl, ttl, ttl
        record.src_tos, record.src_ip_id = word >> 16 & 0xFF, word & 0xFFFF
        place += 1
        if which & 4 and place < p + length:
            record.src_ip_options = _options(INT64(words[place]))
            place += 1
    if which & 2 and place < p + length:
        word = INT64(words[place])
        ttl = word >> 24
        record.dst_ttl, record.dst_ttl_min, record.dst_ttl_max = ttl, ttl, ttl
        record.dst_tos, record.dst_ip_id = word >> 16 & 0xFF, word & 0xFFFF
        place += 1
        if which & 8 and place < p + length:
            record.dst_ip_options = _options(INT64(words[place]))
