"""Network headers: IPv4 (RFC 791), IPv6 and its extension headers (RFC 8200), AH (RFC 4302), ARP (RFC 826)."""

from __future__ import annotations

from typing import Any

from probes.decode import headers as h
from probes.decode.link import tags
from probes.decode.transport import transport_header
from probes.decode.tunnel import inside, separate_networks
from probes.load import be16, be32, be48, be64, u8
from topics.compiled import inlined
from topics.flags import Encapsulation, FlowFlags, IpOptions

NOT_CAPTURED = int(FlowFlags.HEADER_NOT_CAPTURED)
AH_BIT = int(Encapsulation.AH)
HOP_BY_HOP_OPTION = int(IpOptions.HOP_BY_HOP)
DESTINATION_OPTION = int(IpOptions.DESTINATION)
ROUTING_OPTION = int(IpOptions.ROUTING)
ROUTER_ALERT = int(IpOptions.ROUTER_ALERT)
OTHER_OPTION = int(IpOptions.OTHER)

HOP_BY_HOP, ROUTING, FRAGMENT_HEADER, AH, NO_NEXT, DESTINATION = 0, 43, 44, 51, 59, 60
EXTENSIONS = (HOP_BY_HOP, ROUTING, FRAGMENT_HEADER, DESTINATION, AH)
MAX_EXTENSIONS = 16
ARP_HEADER = 28
CARRIERS = (4, 17, 41, 47)  # IP protocols that may be tunnels
# IPv4 option numbers to bits, by option type (RFC 791, RFC 2113)
STRICT_SOURCE_ROUTE, LOOSE_SOURCE_ROUTE, TIMESTAMP, RECORD_ROUTE = 137, 131, 68, 7
SECURITY = (130, 133, 134)


@inlined
def _ipv4_options(data: Any, at: int, end: int) -> Any:
    bits = 0
    while at < end:
        kind = u8(data, at)
        if kind == 0:
            return bits
        if kind == 1:
            at += 1
            continue
        if kind == STRICT_SOURCE_ROUTE:
            bits |= 0x1
        elif kind == LOOSE_SOURCE_ROUTE:
            bits |= 0x2
        elif kind == TIMESTAMP:
            bits |= 0x4
        elif kind in SECURITY:
            bits |= 0x8
        elif kind == RECORD_ROUTE:
            bits |= 0x10
        elif kind == 148:
            bits |= ROUTER_ALERT
        else:
            bits |= OTHER_OPTION
        if at + 1 >= end or u8(data, at + 1) < 2:
            return bits
        at += u8(data, at + 1)
    return bits


@inlined
def _ipv4(data: Any, at: int, end: int, wire_end: int, row: Any) -> Any:
    """Fill the IPv4 columns; return (whether this is a whole IPv4 header, offset and length of what follows it)."""
    if at + 20 > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return False, at, 0
    first = u8(data, at)
    header = (first & 15) * 4
    total = be16(data, at + 2)
    if total == 0:  # segmentation offload leaves the length to the hardware
        total = wire_end - at
    if first >> 4 != 4 or header < 20 or total < header:
        row[h.DAMAGE] = h.DAMAGED_IPV4
        return False, at, 0
    if total > wire_end - at:  # it claims more than there was; its ends are believed
        row[h.DAMAGE] = h.DAMAGED_IPV4
    row[h.TOS] = u8(data, at + 1)
    row[h.IP_ID] = be16(data, at + 4)
    row[h.TTL] = u8(data, at + 8)
    row[h.PROTOCOL] = u8(data, at + 9)
    row[h.SRC_LOW] = h.MAPPED_IPV4 | be32(data, at + 12)
    row[h.DST_LOW] = h.MAPPED_IPV4 | be32(data, at + 16)
    if header > 20:
        row[h.IP_OPTIONS] = _ipv4_options(data, at + 20, min(end, at + header))
    fragment = be16(data, at + 6)
    if fragment & 0x3FFF:
        row[h.FRAGMENT_ID] = row[h.IP_ID]
        row[h.FRAGMENT] = h.LATER_FRAGMENT if fragment & 0x1FFF else h.FIRST_FRAGMENT
    at, length = at + header, total - header
    if row[h.FRAGMENT] != h.LATER_FRAGMENT and row[h.PROTOCOL] == AH:
        at, length = _authentication(data, at, end, length, row)
    return True, at, length


@inlined
def _authentication(data: Any, at: int, end: int, length: int, row: Any) -> Any:
    """Step over an authentication header; the protocol becomes what it protects."""
    if at + 12 <= end:
        size = (u8(data, at + 1) + 2) * 4
        if size <= length:
            row[h.ENCAPSULATIONS] |= AH_BIT
            row[h.PROTOCOL] = u8(data, at)
            return at + size, length - size
    return at, length


@inlined
def _ipv6(data: Any, at: int, end: int, wire_end: int, row: Any) -> Any:
    """Fill the IPv6 columns and walk the extension headers; returns as `_ipv4` does."""
    if at + 40 > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return False, at, 0
    if u8(data, at) >> 4 != 6:
        row[h.DAMAGE] = h.DAMAGED_IPV6
        return False, at, 0
    row[h.TOS] = (be16(data, at) >> 4) & 0xFF
    row[h.TTL] = u8(data, at + 7)
    row[h.SRC_HIGH] = be64(data, at + 8)
    row[h.SRC_LOW] = be64(data, at + 16)
    row[h.DST_HIGH] = be64(data, at + 24)
    row[h.DST_LOW] = be64(data, at + 32)
    length = be16(data, at + 4)
    if length == 0:  # a jumbogram, or segmentation offload
        length = max(0, wire_end - at - 40)
    if length > wire_end - at - 40:
        row[h.DAMAGE] = h.DAMAGED_IPV6
    row[h.PROTOCOL] = u8(data, at + 6)
    at += 40
    if row[h.PROTOCOL] in EXTENSIONS:
        at, length = _extensions(data, at, min(end, at + length), length, row)
    return True, at, length


@inlined
def _extensions(data: Any, at: int, end: int, length: int, row: Any) -> Any:
    """Walk the extension headers; return (offset, length) of what follows them, length -1 when they do not hold."""
    for _ in range(MAX_EXTENSIONS):
        kind = row[h.PROTOCOL]
        if kind not in EXTENSIONS:
            break
        if at + 8 > end:
            if length < 8:
                row[h.DAMAGE] = h.DAMAGED_EXTENSION
            else:
                row[h.FLAGS] |= NOT_CAPTURED
            return at, -1
        size = (u8(data, at + 1) + 1) * 8
        if kind == FRAGMENT_HEADER:
            size = 8
            where = be16(data, at + 2)
            if where & 0xFFF9:
                row[h.FRAGMENT_ID] = be32(data, at + 4)
                row[h.FRAGMENT] = h.LATER_FRAGMENT if where & 0xFFF8 else h.FIRST_FRAGMENT
        elif kind == AH:
            size = (u8(data, at + 1) + 2) * 4
            row[h.ENCAPSULATIONS] |= AH_BIT
        elif kind == HOP_BY_HOP:
            row[h.IP_OPTIONS] |= HOP_BY_HOP_OPTION
        elif kind == ROUTING:
            row[h.IP_OPTIONS] |= ROUTING_OPTION
        else:
            row[h.IP_OPTIONS] |= DESTINATION_OPTION
        if size > length:
            row[h.DAMAGE] = h.DAMAGED_EXTENSION
            return at, -1
        row[h.PROTOCOL] = u8(data, at)
        at += size
        length -= size
        if row[h.FRAGMENT] == h.LATER_FRAGMENT:
            break
    return at, length


@inlined
def _arp(data: Any, at: int, end: int, row: Any) -> Any:
    """ARP for IPv4: who asks for whom; a reply is the other direction of the same flow, as in Argus."""
    if at + ARP_HEADER > end or be16(data, at + 2) != h.IPV4 or u8(data, at + 4) != 6 or u8(data, at + 5) != 4:
        return False
    operation = be16(data, at + 6)
    if operation not in (1, 2):
        return False
    row[h.SRC_LOW] = h.MAPPED_IPV4 | be32(data, at + 14)
    row[h.DST_LOW] = h.MAPPED_IPV4 | be32(data, at + 24)
    requester = be48(data, at + 8) if operation == 1 else be48(data, at + 18)
    row[h.DISCRIMINATOR] = (requester ^ (requester >> 16)) & 0xFFFFFFFF
    row[h.ORDER] = h.FORWARD if operation == 1 else h.REVERSE
    row[h.PAYLOAD] = end  # nothing for -U to keep
    row[h.APP_BYTES] = max(0, row[h.WIRE_LENGTH] - ARP_HEADER)  # Argus's rule: all but the ARP header itself
    return True


@inlined
def _forget_outer(row: Any) -> None:
    """Make room for the identity of what a tunnel carries; the discriminator is that of the frame inside already."""
    row[h.SRC_HIGH], row[h.SRC_LOW], row[h.DST_HIGH], row[h.DST_LOW] = 0, 0, 0, 0
    row[h.SRC_PORT], row[h.DST_PORT] = 0, 0
    row[h.ORDER], row[h.TCP], row[h.PAYLOAD], row[h.APP_BYTES], row[h.QUOTED] = h.CANONICAL, 0, 0, 0, 0
    row[h.FRAGMENT], row[h.FRAGMENT_ID], row[h.IP_OPTIONS], row[h.IP_ID] = h.NOT_FRAGMENT, 0, 0, 0
    row[h.TTL], row[h.TOS] = 0, 0


@inlined
def _between_stations(at: int, ethertype: int, row: Any) -> None:
    """Make the packet one of a layer 2 flow between its MAC addresses."""
    row[h.PROTOCOL] = 0
    row[h.SRC_HIGH] = 0
    row[h.DST_HIGH] = 0
    row[h.SRC_LOW] = row[h.SRC_MAC]
    row[h.DST_LOW] = row[h.DST_MAC]
    row[h.APP_BYTES], row[h.PAYLOAD] = row[h.WIRE_LENGTH], at
    if ethertype == h.WLAN:
        row[h.ORDER] = h.FORWARD


@inlined
def network(data: Any, at: int, end: int, wire_end: int, ethertype: int, tunnels: int, row: Any) -> Any:
    """Decode the network header; what is none, or is damaged, becomes a layer 2 flow between its MAC addresses.

    Returns (offset, end of the captured, end on the wire, EtherType) of what a tunnel carries, EtherType NOTHING when
    this packet is none of a tunnel.
    """
    if row[h.TUNNEL_KIND]:
        _forget_outer(row)
    row[h.ETHERTYPE] = ethertype
    row[h.NETWORK] = at
    if ethertype in (h.IPV4, h.IPV6):
        if ethertype == h.IPV4:
            known, at, length = _ipv4(data, at, end, wire_end, row)
        else:
            known, at, length = _ipv6(data, at, end, wire_end, row)
        if known:
            row[h.PAYLOAD] = min(at, end)
            row[h.APP_BYTES] = max(0, length)
            if length >= 0 and row[h.FRAGMENT] != h.LATER_FRAGMENT:
                wire_end = at + length
                end = min(end, wire_end)
                if row[h.PROTOCOL] in CARRIERS:
                    inner, kind = inside(data, at, end, tunnels, row)
                    if kind == h.MPLS_UNICAST:
                        inner, kind = tags(data, inner, end, kind, row)
                    if kind != h.NOTHING:
                        return inner, end, wire_end, kind
                transport_header(data, at, end, length, row)
            separate_networks(row)
            return at, end, wire_end, h.NOTHING
    elif ethertype == h.ARP and _arp(data, at, end, row):
        separate_networks(row)
        return at, end, wire_end, h.NOTHING
    _between_stations(at, ethertype, row)
    separate_networks(row)
    return at, end, wire_end, h.NOTHING
