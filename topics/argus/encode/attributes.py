"""TTL, TOS, ids and options of IP in a record of Argus."""

from __future__ import annotations

from typing import Any

from topics.argus import layout as at
from topics.argus.encode.words import INT64, IS_FRAGMENT
from topics.compiled import inlined


@inlined
def _options(seen: Any) -> Any:
    found = 0
    for theirs, ours in at.IP_OPTIONS:
        if seen & ours:
            found |= theirs
    return found


@inlined
def put_attributes(record: Any, out: Any, p: Any) -> Any:
    """Write TTL, TOS, id and options of both sides."""
    which, q = 0, p + 1
    if record.src_packets > 0 or record.src_ttl:
        which |= 1
        out[q] = INT64(record.src_ttl) << 24 | INT64(record.src_tos) << 16 | INT64(record.src_ip_id)
        q += 1
        seen = _options(INT64(record.src_ip_options))
        if seen:
            which |= 4
            out[q] = seen
            q += 1
    if record.dst_packets > 0 or record.dst_ttl:
        which |= 2
        out[q] = INT64(record.dst_ttl) << 24 | INT64(record.dst_tos) << 16 | INT64(record.dst_ip_id)
        q += 1
        seen = _options(INT64(record.dst_ip_options))
        if seen:
            which |= 8
            out[q] = seen
            q += 1
    if record.flow_flags & IS_FRAGMENT:
        which |= 0x30 if which & 3 == 3 else (0x10 if which & 1 else 0x20)
    if not which & 3:
        return p
    out[p] = at.IP_ATTRIBUTES << 24 | which << 8 | (q - p)
    return q
