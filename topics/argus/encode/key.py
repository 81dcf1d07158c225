"""The flow key of a record of Argus."""

from __future__ import annotations

from typing import Any

from topics.argus import layout as at
from topics.argus.encode.words import (
    ARP,
    DNS,
    DST_ADDRESS,
    ESP,
    ICMP,
    ICMPV6,
    INT64,
    IPV4,
    IPV6,
    IS_BROKEN,
    IS_FRAGMENT,
    IS_LLC,
    LLC_LIMIT,
    MIXED,
    SRC_ADDRESS,
    TCP,
    UDP,
    put_six,
    turned,
)
from topics.argus.initiator import ACCEPTED, LOOKED_AT
from topics.compiled import inlined


@inlined
def _mask(length: Any, whole: Any) -> Any:
    return max(INT64(length) - (128 - whole), 0)


@inlined
def _of_who_began(record: Any) -> Any:
    """Return the bit that keeps Argus's clients from exchanging the ends of a connection whose SYN was not seen."""
    put_right = record.protocol == TCP and INT64(record.tcp_state) & LOOKED_AT == ACCEPTED
    return at.PUT_RIGHT if put_right else 0


@inlined
def _ipv4_key(record: Any, row: Any, words: Any, out: Any, p: Any) -> Any:
    masked = record.src_prefix_length != 128 or record.dst_prefix_length != 128
    protocol, qualifier = INT64(record.protocol), at.KEY_IPV4 | _of_who_began(record)
    sport, dport, spare = INT64(record.src_port), INT64(record.dst_port), INT64(record.discriminator)
    low = dport << 16
    if protocol == ICMP:
        low = (dport & 0xFF) << 24 | (dport & 0xFF00) << 8 | (spare & 0xFF) << 8 | (spare >> 8 & 0xFF)
    elif protocol == ESP:
        low = spare & 0xFFFFFFFF
    elif spare and not sport and not dport and record.flow_flags & IS_FRAGMENT:
        qualifier |= at.FRAGMENT
        low = spare & 0xFFFF
    elif masked:
        qualifier |= at.MASKS_VALID
        low |= _mask(record.src_prefix_length, 32) << 8 | _mask(record.dst_prefix_length, 32)
    elif protocol == UDP and (DNS in (sport, dport)):
        low |= spare & 0xFFFF
    out[p] = at.KEY << 24 | at.FIVE_TUPLE << 16 | qualifier << 8 | 5
    out[p + 1], out[p + 2] = turned(words[row, SRC_ADDRESS + 3]), turned(words[row, DST_ADDRESS + 3])
    out[p + 3], out[p + 4] = protocol << 24 | sport, low
    return p + 5


@inlined
def _ipv6_key(record: Any, row: Any, words: Any, out: Any, p: Any) -> Any:
    masked = record.src_prefix_length != 128 or record.dst_prefix_length != 128
    for word in range(4):
        out[p + 1 + word] = turned(words[row, SRC_ADDRESS + word])
        out[p + 5 + word] = turned(words[row, DST_ADDRESS + word])
    out[p + 9] = INT64(record.protocol) << 24
    out[p + 10] = INT64(record.src_port) << 16 | INT64(record.dst_port)
    if record.protocol == ESP:
        out[p + 10] = record.discriminator
    qualifier, size = at.KEY_IPV6 | _of_who_began(record), 11
    if masked and record.protocol != ICMPV6:
        qualifier |= at.MASKS_VALID
        out[p + 11] = INT64(record.src_prefix_length) << 24 | INT64(record.dst_prefix_length) << 8
        size = 12
    out[p] = at.KEY << 24 | at.FIVE_TUPLE << 16 | qualifier << 8 | size
    return p + size


@inlined
def _link_key(record: Any, out: Any, p: Any) -> Any:
    kind = INT64(record.ethertype)
    encapsulated = (record.src_encapsulations | record.dst_encapsulations) & IS_LLC != 0
    is_llc = encapsulated and (kind < LLC_LIMIT or kind >> 9 == (kind & 0xFF) >> 1)
    out[p] = at.KEY << 24 | at.FIVE_TUPLE << 16 | at.KEY_ETHERNET << 8 | 5
    out[p + 2] = 0
    put_six(record.dst_address[10:], out, p + 1, 0)
    put_six(record.src_address[10:], out, p + 2, 1)
    out[p + 4] = kind if is_llc else kind << 16
    return p + 5


@inlined
def put_key(record: Any, row: Any, words: Any, out: Any, p: Any) -> Any:
    """Write the key of a flow; return where the next part goes, as all that write parts do."""
    kind = record.ethertype
    if record.protocol == 0 and kind != MIXED and record.flow_flags & IS_BROKEN:
        return _link_key(record, out, p)  # as topics/fields/columns.py: is_link
    if kind in (IPV4, MIXED):
        return _ipv4_key(record, row, words, out, p)
    if kind == IPV6:
        return _ipv6_key(record, row, words, out, p)
    if kind == ARP:
        out[p] = at.KEY << 24 | at.ARP_KEY << 16 | at.KEY_ARP << 8 | 6
        out[p + 1], out[p + 2] = 1 << 16 | IPV4, 6 << 24 | 4 << 16 | 1
        out[p + 3], out[p + 4] = turned(words[row, SRC_ADDRESS + 3]), turned(words[row, DST_ADDRESS + 3])
        out[p + 5] = INT64(record.src_mac[0]) << 24 | INT64(record.src_mac[1]) << 16
        out[p + 5] |= INT64(record.src_mac[2]) << 8 | INT64(record.src_mac[3])
        return p + 6
    return _link_key(record, out, p)
