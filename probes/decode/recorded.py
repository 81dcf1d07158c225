"""What some captures put before a packet or around it: firewall logs, per-packet information, serial lines.

Sources: the link type descriptions of tcpdump.org (NFLOG, PPI, SLIP, FRELAY); RFC 2427 for frame relay.
"""

from __future__ import annotations

from typing import Any

from probes.capture import link_types as links
from probes.decode import headers as h
from probes.load import be16, be32, be48, le16, le32, u8
from topics.compiled import inlined
from topics.flags import FlowFlags

NOT_CAPTURED = int(FlowFlags.HEADER_NOT_CAPTURED)

NFLOG_ADDRESS, NFLOG_PAYLOAD = 8, 9
NFLOG_FACTS = 64  # the kernel writes fewer than thirty
PPI_SHORTEST = 8
SLIP_HEADER = 16
UNNUMBERED, PADDED = 0x03, 0x0300  # control bytes
FRAME_RELAY_IPV4, FRAME_RELAY_IPV6, FRAME_RELAY_SNAP = 0x03CC, 0x038E, 0x80
BRIDGED, BRIDGED_WITHOUT_CHECKSUM = 0x0001, 0x0007
IEEE_802_1 = 0x0080C2


@inlined
def version_ethertype(data: Any, at: int, end: int) -> Any:
    """EtherType by the version nibble of a bare IP packet; 0 when it is neither."""
    if at >= end:
        return 0
    version = u8(data, at) >> 4
    if version == 4:
        return h.IPV4
    return h.IPV6 if version == 6 else 0


@inlined
def netfilter_log(data: Any, at: int, end: int, row: Any) -> Any:
    """Linux's NFLOG: a family, then facts with their length and kind in the order of the host's bytes."""
    place = at + 4
    for _ in range(NFLOG_FACTS):
        if place + 4 > end:
            break
        length, kind = le16(data, place), le16(data, place + 2) & 0x3FFF
        if length < 4 or place + length > end:
            break
        if kind == NFLOG_ADDRESS and length >= 14 and be16(data, place + 4) == 6:
            row[h.SRC_MAC] = be48(data, place + 8)
        if kind == NFLOG_PAYLOAD:
            row[h.WIRE_LENGTH] -= place + 4 - at
            return place + 4, version_ethertype(data, place + 4, place + length)
        place += (length + 3) & ~3
    row[h.FLAGS] |= NOT_CAPTURED
    return at, 0


@inlined
def per_packet_information(data: Any, at: int, end: int, row: Any) -> Any:
    """PPI: return where the frame begins and its link type, which is PPI still where that is not to be had."""
    size = le16(data, at + 2) if at + PPI_SHORTEST <= end else 0
    if size < PPI_SHORTEST or at + size > end:
        return at, links.PPI
    row[h.WIRE_LENGTH] -= size
    return at + size, le32(data, at + 4)


@inlined
def serial_line(data: Any, at: int, end: int, row: Any) -> Any:
    """SLIP, as libpcap writes it: the direction and what the headers were compressed to, then the packet."""
    if at + SLIP_HEADER > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return at, 0
    row[h.WIRE_LENGTH] -= SLIP_HEADER
    return at + SLIP_HEADER, version_ethertype(data, at + SLIP_HEADER, end)


@inlined
def frame_relay(data: Any, at: int, end: int, row: Any) -> Any:
    """Frame relay: an address of two to four bytes, then Cisco's EtherType or the number of a protocol."""
    size = 1
    while size < 4 and at + size <= end and not u8(data, at + size - 1) & 1:
        size += 1
    place = at + size
    if size < 2 or place + 4 > end or not u8(data, place - 1) & 1:
        row[h.FLAGS] |= NOT_CAPTURED
        return at, 0
    kind = be16(data, place)
    following, ethertype = place + 2, kind
    if kind == FRAME_RELAY_IPV4:
        ethertype = h.IPV4
    elif kind == FRAME_RELAY_IPV6:
        ethertype = h.IPV6
    elif kind == PADDED and u8(data, place + 2) == FRAME_RELAY_SNAP and place + 8 <= end:
        organisation, number = be32(data, place + 2) & 0xFFFFFF, be16(data, place + 6)
        following, ethertype = place + 8, number
        if organisation == IEEE_802_1 and number in (BRIDGED, BRIDGED_WITHOUT_CHECKSUM):
            ethertype = h.FRAME
    elif kind >> 8 == UNNUMBERED:
        following = place
    row[h.WIRE_LENGTH] -= following - at
    return following, ethertype
