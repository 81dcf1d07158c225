"""Payload and tunnels in a record of Argus."""

from __future__ import annotations

from typing import Any

from topics.argus import layout as at
from topics.argus.decode.words import INT64, copy_bytes
from topics.compiled import inlined
from topics.flags import TunnelKind

IN_GRE, IN_VXLAN, IN_GENEVE = int(TunnelKind.GRE), int(TunnelKind.VXLAN), int(TunnelKind.GENEVE)


@inlined
def take_payload(octets: Any, words: Any, p: Any, length: Any, sub: Any, record: Any, heap: Any, used: Any) -> Any:
    """Keep what was captured of the payload of a side; returns how much of the heap is in use."""
    if length < 3:
        return used
    count = min(INT64(words[p + 1]) & 0xFFFF, INT64(words[p + 1]) >> 16, 4 * (length - 2))
    if not count:
        return used
    if sub & 0x30 == 0x20:
        record.dst_payload_offset, record.dst_payload_length = used, count
    else:
        record.src_payload_offset, record.src_payload_length = used, count
    copy_bytes(heap[used:], octets, 4 * p + 8, count)
    return used + count


@inlined
def take_tunnel(words: Any, octets: Any, p: Any, length: Any, kind: Any, record: Any, heap: Any, used: Any) -> Any:
    """Name the tunnel that argus 5 tells apart; returns how much of the heap is in use."""
    if kind == at.VXLAN and length >= 3:
        record.tunnel_kind, record.tunnel_id = IN_VXLAN, words[p + 1]
        inner = p + 3
    elif kind == at.GENEVE and length >= 3:
        record.tunnel_kind, record.tunnel_id = IN_GENEVE, words[p + 2] & 0xFFFFFF
        inner = p + 3
    elif kind == at.GRE:
        record.tunnel_kind = IN_GRE
        inner = p + 2
    else:
        return used
    if record.tunnel_addresses_length:
        return used
    if inner + 4 > p + length or words[inner] >> 24 != at.KEY or words[inner] >> 8 & 0x1F != at.KEY_IPV4:
        return used
    record.tunnel_addresses_offset, record.tunnel_addresses_length = used, 32
    for side in range(2):
        for byte in range(16):
            heap[used + byte] = 0 if byte < 10 else 255
        copy_bytes(heap[used + 12 :], octets, 4 * (inner + 1 + side), 4)
        used += 16
    return used
