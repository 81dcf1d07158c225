"""Tunnels: from the header of an IP datagram to what it carries for somebody else.

Sources: RFC 2003, 4213, 2473 (IP in IP), 2784, 2890, 2637 (GRE), 4023 (MPLS in GRE), Cisco's ERSPAN as in
draft-foschiano-erspan, RFC 7348 (VXLAN), 8926 (Geneve), 2661 (L2TP), 4380 (Teredo), 3GPP TS 29.281 (GTP-U).

A tunnel is opened when what follows looks like a header of the kind it announces; anything else stays a flow of its own
protocol between the outer addresses.
"""

from __future__ import annotations

from typing import Any

from probes.decode import headers as h
from probes.load import be16, be32, u8
from topics.compiled import inlined
from topics.flags import Encapsulation, TunnelKind

GRE_BIT = int(Encapsulation.GRE)
IP_IN_IP_BIT, IPV6_IN_IP_BIT = int(Encapsulation.IP_IN_IP), int(Encapsulation.IPV6_IN_IP)
VXLAN_BIT, GENEVE_BIT = int(Encapsulation.VXLAN), int(Encapsulation.GENEVE)
L2TP_BIT, TEREDO_BIT, GTP_BIT = int(Encapsulation.L2TP), int(Encapsulation.TEREDO), int(Encapsulation.GTP)

IP_IN_IP, UDP, IPV6_IN_IP, GRE = 4, 17, 41, 47
VXLAN, GENEVE, GTP = int(TunnelKind.VXLAN), int(TunnelKind.GENEVE), int(TunnelKind.GTP)
L2TP, TEREDO = int(TunnelKind.L2TP), int(TunnelKind.TEREDO)

IP_TUNNELS, UDP_TUNNELS = 1, 2  # bits of what is opened

PORTS = (4789, 8472, 6081, 2152, 1701, 3544)
VXLAN_PORT, OLD_VXLAN_PORT, GENEVE_PORT, GTP_PORT, L2TP_PORT, TEREDO_PORT = PORTS
CHECKSUM, ROUTING, KEY, SEQUENCE, ACKNOWLEDGEMENT = 0x8000, 0x4000, 0x2000, 0x1000, 0x0080
PPP_IN_GRE, ERSPAN, ERSPAN_3, WCCP = 0x880B, 0x88BE, 0x22EB, 0x883E
MAX_GTP_EXTENSIONS = 8
FOLDED = 0x9E3779B1  # odd: identifiers that differ stay different


@inlined
def _plausible(data: Any, at: int, end: int, kind: int) -> Any:
    """Tell whether a header of the kind can begin here."""
    if kind == h.IPV4:
        return at + 20 <= end and u8(data, at) >> 4 == 4 and u8(data, at) & 15 >= 5
    if kind == h.IPV6:
        return at + 40 <= end and u8(data, at) >> 4 == 6
    if kind == h.FRAME:
        return at + 14 <= end
    return kind in (h.MPLS_UNICAST, h.ARP) and at + 5 <= end


@inlined
def _version(data: Any, at: int, end: int) -> Any:
    """EtherType by the version of an IP header."""
    if at >= end:
        return h.NOTHING
    version = u8(data, at) >> 4
    if version == 4:
        return h.IPV4
    return h.IPV6 if version == 6 else h.NOTHING


@inlined
def _point_to_point(data: Any, at: int, end: int) -> Any:
    """IP in PPP: (offset, EtherType)."""
    if at + 2 <= end and be16(data, at) == 0xFF03:
        at += 2
    if at + 2 > end:
        return at, h.NOTHING
    protocol = u8(data, at)
    at += 1
    if not protocol & 1:
        protocol = (protocol << 8) | u8(data, at)
        at += 1
    if protocol == 0x21:
        return at, h.IPV4
    return at, h.IPV6 if protocol == 0x57 else h.NOTHING


@inlined
def _generic_routing(data: Any, at: int, end: int, row: Any) -> Any:
    """GRE, versions 0 and 1, and the ERSPAN in it: (offset, EtherType)."""
    if at + 4 > end:
        return at, h.NOTHING
    flags, kind = be16(data, at), be16(data, at + 2)
    place = at + 4
    if flags & 7 > 1 or flags & ROUTING:
        return at, h.NOTHING
    if flags & CHECKSUM:
        place += 4
    if flags & KEY and place + 4 <= end:
        row[h.TUNNEL_ID] = be32(data, place) if flags & 7 == 0 else be16(data, place + 2)
        place += 4
    if flags & SEQUENCE:
        place += 4
    if flags & 7 == 1:
        if flags & ACKNOWLEDGEMENT:
            place += 4
        return _point_to_point(data, place, end) if kind == PPP_IN_GRE else (at, h.NOTHING)
    if kind == ERSPAN:
        kind = h.FRAME
        if flags & SEQUENCE and place + 8 <= end:  # type II; type I has no header
            row[h.TUNNEL_ID] = be16(data, place + 2) & 0x3FF
            place += 8
    elif kind == ERSPAN_3 and place + 12 <= end:
        kind = h.FRAME
        row[h.TUNNEL_ID] = be16(data, place + 2) & 0x3FF
        place += 20 if u8(data, place + 11) & 1 else 12
    elif kind == WCCP:
        place += 0 if _version(data, place, end) == h.IPV4 else 4
        kind = h.IPV4
    return place, kind


@inlined
def _gtp(data: Any, at: int, end: int, row: Any) -> Any:
    """User data of GTP version 1: (offset, EtherType)."""
    if at + 8 > end or u8(data, at) & 0xF0 != 0x30 or u8(data, at + 1) != 0xFF:
        return at, h.NOTHING
    flags = u8(data, at)
    row[h.TUNNEL_ID] = be32(data, at + 4)
    place = at + 8
    if flags & 7:
        if place + 4 > end:
            return at, h.NOTHING
        extension = u8(data, place + 3) if flags & 4 else 0
        place += 4
        for _ in range(MAX_GTP_EXTENSIONS):
            if extension == 0:
                break
            if place >= end or u8(data, place) == 0 or place + 4 * u8(data, place) > end:
                return at, h.NOTHING
            place += 4 * u8(data, place)
            extension = u8(data, place - 1)
    return place, _version(data, place, end)


@inlined
def _l2tp(data: Any, at: int, end: int, row: Any) -> Any:
    """L2TP version 2, its data messages: (offset, EtherType)."""
    if at + 8 > end or be16(data, at) & 0x800F != 2:
        return at, h.NOTHING
    flags = be16(data, at)
    place = at + (4 if flags & 0x4000 else 2)
    row[h.TUNNEL_ID] = be32(data, place) if place + 4 <= end else 0  # tunnel << 16 | session
    place += 4
    if flags & 0x0800:
        place += 4
    if flags & 0x0200:
        if place + 2 > end:
            return at, h.NOTHING
        place += 2 + be16(data, place)
    return _point_to_point(data, place, end)


@inlined
def _teredo(data: Any, at: int, end: int) -> Any:
    """IPv6 behind Teredo's optional headers: (offset, EtherType)."""
    if at + 4 <= end and be16(data, at) == 1:  # authentication
        at += 4 + u8(data, at + 2) + u8(data, at + 3) + 9
    if at + 8 <= end and be16(data, at) == 0:  # origin
        at += 8
    return at, h.IPV6


@inlined
def _in_udp(data: Any, at: int, end: int, row: Any) -> Any:
    """Return (offset, EtherType, kind of tunnel, encapsulation bit) by the ports of UDP and a look at the header."""
    if at + 16 > end:
        return at, h.NOTHING, 0, 0
    src, dst = be16(data, at), be16(data, at + 2)
    at += 8
    if dst in (VXLAN_PORT, OLD_VXLAN_PORT):
        if be32(data, at) == 0x08000000 and u8(data, at + 7) == 0:
            row[h.TUNNEL_ID] = be32(data, at + 4) >> 8
            return at + 8, h.FRAME, VXLAN, VXLAN_BIT
    elif dst == GENEVE_PORT:
        if u8(data, at) >> 6 == 0:
            row[h.TUNNEL_ID] = be32(data, at + 4) >> 8
            return at + 8 + 4 * (u8(data, at) & 0x3F), be16(data, at + 2), GENEVE, GENEVE_BIT
    elif GTP_PORT in (src, dst):
        place, kind = _gtp(data, at, end, row)
        return place, kind, GTP, GTP_BIT
    elif L2TP_PORT in (src, dst):
        place, kind = _l2tp(data, at, end, row)
        return place, kind, L2TP, L2TP_BIT
    elif TEREDO_PORT in (src, dst):
        place, kind = _teredo(data, at, end)
        return place, kind, TEREDO, TEREDO_BIT
    return at, h.NOTHING, 0, 0


@inlined
def inside(data: Any, at: int, end: int, tunnels: int, row: Any) -> Any:
    """Return (offset, EtherType) of what the datagram of `row` carries in a tunnel, NOTHING when it carries none.

    `at` is the offset behind the IP headers. The tunnel is noted in `row`; networks told apart by VXLAN or Geneve stay
    apart in the key, since their addresses may be the same.
    """
    protocol = row[h.PROTOCOL]
    tunnel, bit = protocol, 0
    identifier = row[h.TUNNEL_ID]
    place, kind = at, h.NOTHING
    if protocol == UDP:
        if tunnels & UDP_TUNNELS:
            place, kind, tunnel, bit = _in_udp(data, at, end, row)
    elif not tunnels & IP_TUNNELS:
        return at, h.NOTHING
    elif protocol == IP_IN_IP:
        kind, bit, row[h.TUNNEL_ID] = h.IPV4, IP_IN_IP_BIT, 0
    elif protocol == IPV6_IN_IP:
        kind, bit, row[h.TUNNEL_ID] = h.IPV6, IPV6_IN_IP_BIT, 0
    elif protocol == GRE:
        row[h.TUNNEL_ID] = 0
        place, kind = _generic_routing(data, at, end, row)
        bit = GRE_BIT
    if kind == h.NOTHING or not _plausible(data, place, end, kind):
        row[h.TUNNEL_ID] = identifier
        return at, h.NOTHING
    row[h.ENCAPSULATIONS] |= bit
    row[h.TUNNEL_KIND] = tunnel
    row[h.OUTER_SRC_HIGH], row[h.OUTER_SRC_LOW] = row[h.SRC_HIGH], row[h.SRC_LOW]
    row[h.OUTER_DST_HIGH], row[h.OUTER_DST_LOW] = row[h.DST_HIGH], row[h.DST_LOW]
    return place, kind


@inlined
def separate_networks(row: Any) -> None:
    """Keep flows of different VXLAN or Geneve networks apart."""
    if row[h.TUNNEL_KIND] in (VXLAN, GENEVE):
        row[h.DISCRIMINATOR] = (row[h.DISCRIMINATOR] ^ (row[h.TUNNEL_ID] * FOLDED)) & 0xFFFFFFFF
