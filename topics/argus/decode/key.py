"""The flow key of a record of Argus."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.argus import layout as at
from topics.argus.decode.words import (
    DST_ADDRESS,
    INT64,
    IS_BROKEN,
    IS_FRAGMENT,
    SRC_ADDRESS,
    copy_bytes,
    mapped_ipv4,
)
from topics.compiled import inlined
from topics.flags import Encapsulation

TCP, UDP, ICMP, IGMP, ESP, ICMPV6, DNS = 6, 17, 1, 2, 50, 58, 53
IPV4, IPV6, ARP, RARP, WLAN = 0x0800, 0x86DD, 0x0806, 0x8035, 0x0019
UINT8: Any = np.uint8
IS_LLC, ISIS_POINTS = int(Encapsulation.LLC), 0xFEFE


@inlined
def _prefix(bits: Any, whole: Any) -> Any:
    """Return how many leading bits of 128 a mask keeps; of IPv4 addresses the mapping comes before them."""
    return UINT8(128 - whole + min(bits, whole))


@inlined
def _ipv4_key(words: Any, raw: Any, p: Any, qualifier: Any, turned: Any, record: Any, row: Any, out32: Any) -> None:
    src, dst = (p + 1, p) if turned else (p, p + 1)
    mapped_ipv4(out32, row, SRC_ADDRESS, raw[src])
    mapped_ipv4(out32, row, DST_ADDRESS, raw[dst])
    third, fourth = INT64(words[p + 2]), INT64(words[p + 3])
    record.ethertype, protocol = IPV4, third >> 24
    record.protocol = protocol
    if qualifier & at.FRAGMENT:
        record.discriminator = fourth & 0xFFFF
        record.flow_flags |= IS_FRAGMENT
        return
    if protocol == ICMP:
        record.src_port = third & 0xFFFF
        record.dst_port = (fourth >> 24 & 0xFF) | (fourth >> 8 & 0xFF00)  # left in the order of the probe's processor
        record.discriminator = (fourth >> 8 & 0xFF) | (fourth << 8 & 0xFF00)
        return
    if protocol == ESP:
        record.discriminator = fourth
        return
    sport, dport = third & 0xFFFF, fourth >> 16
    record.src_port, record.dst_port = (dport, sport) if turned else (sport, dport)
    if qualifier & at.MASKS_VALID:
        first, second = fourth >> 8 & 0xFF, fourth & 0xFF
        record.src_prefix_length = _prefix(second if turned else first, 32)
        record.dst_prefix_length = _prefix(first if turned else second, 32)
    elif protocol == UDP and (DNS in (sport, dport)):
        record.discriminator = fourth & 0xFFFF


@inlined
def _ipv6_key(
    words: Any, raw: Any, p: Any, length: Any, qualifier: Any, turned: Any, record: Any, row: Any, out32: Any
) -> None:
    src, dst = (p + 4, p) if turned else (p, p + 4)
    for word in range(4):
        out32[row, SRC_ADDRESS + word] = raw[src + word]
        out32[row, DST_ADDRESS + word] = raw[dst + word]
    protocol, ports = INT64(words[p + 8]) >> 24, INT64(words[p + 9])
    record.ethertype, record.protocol = IPV6, protocol
    if protocol == ESP:
        record.discriminator = ports
        return
    first, second = ports >> 16, ports & 0xFFFF
    if protocol == ICMPV6:
        record.src_port, record.dst_port = first, second
        return
    record.src_port, record.dst_port = (second, first) if turned else (first, second)
    if qualifier & at.FRAGMENT:
        record.flow_flags |= IS_FRAGMENT
        record.discriminator, record.src_port, record.dst_port = second, 0, 0
    if qualifier & at.MASKS_VALID and length > 11:
        masks = INT64(words[p + 10])  # each left in the order of the client's processor
        first, second = masks >> 24, masks >> 8 & 0xFF
        record.src_prefix_length = _prefix(second if turned else first, 128)
        record.dst_prefix_length = _prefix(first if turned else second, 128)


@inlined
def take_key(words: Any, raw: Any, octets: Any, p: Any, length: Any, record: Any, row: Any, out32: Any) -> None:
    """Take the key of a flow, of whichever kind."""
    head = INT64(words[p])
    kind, sub, qualifier = head >> 8 & 0x1F, head >> 16 & 0xFF, head >> 8 & 0xFF
    turned = sub & at.REVERSED != 0
    if kind == at.KEY_IPV4 and length >= 5:
        _ipv4_key(words, raw, p + 1, qualifier, turned, record, row, out32)
    elif kind == at.KEY_IPV6 and length >= 11:
        _ipv6_key(words, raw, p + 1, length, qualifier, turned, record, row, out32)
    elif kind == at.KEY_ARP and length >= 5:
        record.ethertype = ARP
        mapped_ipv4(out32, row, SRC_ADDRESS, raw[p + 3])
        mapped_ipv4(out32, row, DST_ADDRESS, raw[p + 4])
    elif kind == at.KEY_RARP and length >= 4:
        record.ethertype = RARP
        mapped_ipv4(out32, row, DST_ADDRESS, raw[p + 3])
    elif kind == at.KEY_ETHERNET and length >= 5:
        tail = INT64(words[p + 4])
        ethertype, points = tail >> 16, tail & 0xFFFF
        record.ethertype = points or ethertype
        if not points and ethertype in (IPV4, IPV6, ARP):
            record.flow_flags |= IS_BROKEN  # else its addresses were taken for those of IP
        copy_bytes(record.dst_address[10:], octets, 4 * p + (10 if turned else 4), 6)
        copy_bytes(record.src_address[10:], octets, 4 * p + (4 if turned else 10), 6)
    elif kind == at.KEY_WLAN and length >= 5:
        record.ethertype = WLAN
        copy_bytes(record.dst_address[10:], octets, 4 * p + 4, 6)
        copy_bytes(record.src_address[10:], octets, 4 * p + 10, 6)
    elif kind == at.KEY_ISIS and length >= 5:
        record.ethertype = ISIS_POINTS
        record.src_encapsulations |= IS_LLC
        copy_bytes(record.src_address[10:], octets, 4 * p + 8, 6)
        copy_bytes(record.dst_address[10:], octets, 4 * p + 14, 6)
