"""Link layers: from the first byte of a frame to its network header.

Sources: IEEE 802.3, 802.2, 802.1Q, 802.11; RFC 3032 and 4385 (MPLS), 1661 (PPP), 2516 (PPPoE), 1042 (SNAP); the link
type descriptions of tcpdump.org; Cisco's description of ISL.
"""

from __future__ import annotations

from typing import Any

from probes.capture import link_types as links
from probes.decode import headers as h
from probes.decode.recorded import (
    frame_relay,
    netfilter_log,
    per_packet_information,
    serial_line,
    version_ethertype,
)
from probes.decode.wireless import wireless
from probes.load import be16, be32, be48, le16, le32, u8
from topics.compiled import inlined
from topics.flags import Encapsulation, FlowFlags

ETHERNET_BIT = int(Encapsulation.ETHERNET)
VLAN_BIT = int(Encapsulation.VLAN)
MPLS_BIT = int(Encapsulation.MPLS)
LLC_BIT = int(Encapsulation.LLC)
ISL_BIT = int(Encapsulation.ISL)
SLL_BIT = int(Encapsulation.SLL)
PPPOE_BIT = int(Encapsulation.PPPOE)
CISCO_HDLC_BIT = int(Encapsulation.CISCO_HDLC)
CISCO_HDLC_FRAMES = (0x0F00, 0x8F00)  # unicast, broadcast (RFC 1547 4.3.1); no PPP protocol begins with an odd byte
JUNIPER_BIT = int(Encapsulation.JUNIPER)
PRISM_BIT, AVS_BIT = int(Encapsulation.PRISM), int(Encapsulation.AVS)
NOT_CAPTURED = int(FlowFlags.HEADER_NOT_CAPTURED)

MAX_TAGS = 8
SNAP = 0xAAAA
ISL_HEADER = 26
PRISM_HEADER = 144
PFLOG_SHORTEST = 28
JUNIPER_MAGIC = 0x4D4743
# What bridges and pseudowires carry, to tell an Ethernet frame from a control word before it.
USUAL_ETHERTYPES = (h.IPV4, h.IPV6, h.ARP, h.VLAN_TAG, h.SERVICE_TAG, h.MPLS_UNICAST, h.PPPOE_SESSION)


@inlined
def _pseudowire(data: Any, at: int, end: int, ethertype: int) -> Any:
    """Ethernet over MPLS, with or without a control word (RFC 4385); else a flow of its own EtherType."""
    if at + 18 <= end and be16(data, at) >> 12 == 0 and be16(data, at + 16) in USUAL_ETHERTYPES:
        return at + 4, h.FRAME
    if at + 14 <= end:
        return at, h.FRAME
    return at, ethertype


@inlined
def _point_to_point(data: Any, at: int, end: int, ethertype: int) -> Any:
    """PPP, its address and control bytes and half of its protocol field left out or not (RFC 1661, 6.5 and 6.6).

    What is not IP or MPLS stays a flow of `ethertype`.
    """
    start = at
    if at + 2 <= end and be16(data, at) in (0xFF03, 0x0003, 0x0103):
        at += 2
    if at + 2 > end:
        return start, ethertype
    protocol = u8(data, at)
    if protocol & 1:
        at += 1
    else:
        protocol = be16(data, at)
        at += 2
    if protocol == 0x0021:
        return at, h.IPV4
    if protocol == 0x0057:
        return at, h.IPV6
    if protocol in (0x0281, 0x0283):  # RFC 3032, 4.3
        return at, h.MPLS_UNICAST if protocol == 0x0281 else h.MPLS_MULTICAST
    return start, ethertype


@inlined
def tags(data: Any, at: int, end: int, ethertype: int, row: Any) -> Any:
    """Walk 802.1Q and MPLS tags; return (network header, EtherType)."""
    for _ in range(MAX_TAGS):
        if ethertype in (h.VLAN_TAG, h.SERVICE_TAG, h.OLD_SERVICE_TAG):
            if at + 4 > end:
                row[h.FLAGS] |= NOT_CAPTURED
                return at, ethertype
            column = h.INNER_VLAN if row[h.ENCAPSULATIONS] & VLAN_BIT else h.VLAN
            row[column] = be16(data, at)
            row[h.ENCAPSULATIONS] |= VLAN_BIT
            ethertype = be16(data, at + 2)
            at += 4
        elif ethertype in (h.MPLS_UNICAST, h.MPLS_MULTICAST):
            if at + 5 > end:
                row[h.FLAGS] |= NOT_CAPTURED
                return at, ethertype
            entry = be32(data, at)
            if not row[h.ENCAPSULATIONS] & MPLS_BIT:
                row[h.MPLS] = entry
            row[h.ENCAPSULATIONS] |= MPLS_BIT
            at += 4
            if entry & 0x100:  # bottom of the stack: the payload tells its own version
                inner = version_ethertype(data, at, end)
                return (at, inner) if inner else _pseudowire(data, at, end, ethertype)
        elif ethertype == h.PPPOE_SESSION and at + 8 <= end and u8(data, at + 1) == 0:
            row[h.ENCAPSULATIONS] |= PPPOE_BIT
            at, ethertype = _point_to_point(data, at + 6, end, ethertype)
            if ethertype == h.PPPOE_SESSION:
                break
        else:
            break
    return at, ethertype


@inlined
def _logical_link(data: Any, at: int, end: int, row: Any) -> Any:
    """802.2 LLC, with the SNAP extension; EtherType becomes DSAP << 8 | SSAP without an EtherType.

    A SNAP header of another organisation (Cisco's CDP) carries no EtherType (RFC 1042): its protocol number separates
    the flows.
    """
    row[h.ENCAPSULATIONS] |= LLC_BIT
    if at + 3 > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return at, 0
    access_points = be16(data, at)
    if access_points == SNAP and at + 8 <= end:
        organisation = be32(data, at + 2) & 0xFFFFFF
        if organisation in (0, 0x0000F8):  # the second one: IEEE 802.1H
            return tags(data, at + 8, end, be16(data, at + 6), row)
        row[h.DISCRIMINATOR] = (be32(data, at + 4) ^ (organisation << 8)) & 0xFFFFFFFF
    return at, access_points


@inlined
def ethernet(data: Any, at: int, end: int, row: Any) -> Any:
    """Return (offset of what follows, its EtherType, or FRAME when it is a frame again) and fill the link columns."""
    row[h.ENCAPSULATIONS] |= ETHERNET_BIT
    if at + 14 > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return at, 0
    row[h.DST_MAC] = be48(data, at)
    row[h.SRC_MAC] = be48(data, at + 6)
    network, ethertype = tags(data, at + 14, end, be16(data, at + 12), row)
    if ethertype < 1536:  # a length: IEEE 802.3
        if row[h.DST_MAC] >> 8 in (0x01000C0000, 0x03000C0000) and at + ISL_HEADER <= end:
            row[h.ENCAPSULATIONS] |= ISL_BIT
            row[h.VLAN] = be16(data, at + 20) >> 1
            return at + ISL_HEADER, h.FRAME
        return _logical_link(data, network, end, row)
    return network, ethertype


@inlined
def _linux_cooked(data: Any, at: int, end: int, link_type: int, row: Any) -> Any:
    """Linux's cooked captures, both versions; their header is not counted as bytes of the frame, as in Argus."""
    size = 16 if link_type == links.LINUX_SLL else 20
    if at + size > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return at, 0
    row[h.ENCAPSULATIONS] |= SLL_BIT
    row[h.WIRE_LENGTH] -= size
    if link_type == links.LINUX_SLL:
        address, length, ethertype = at + 6, be16(data, at + 4), be16(data, at + 14)
    else:
        address, length, ethertype = at + 12, u8(data, at + 11), be16(data, at)
    if length == 6:
        row[h.SRC_MAC] = be48(data, address)
    if ethertype == 4:  # LINUX_SLL_P_802_2
        return _logical_link(data, at + size, end, row)
    return tags(data, at + size, end, ethertype, row)


@inlined
def _radio(data: Any, at: int, end: int, link_type: int, row: Any) -> Any:
    """Step over what a capture says about the reception of an 802.11 frame; it is not part of the frame."""
    size, padded = 0, False
    if link_type == links.IEEE802_11_RADIOTAP and at + 8 <= end:
        size = le16(data, at + 2)
        padded = size >= 9 and _is_padded(data, at, min(end, at + size))
    elif link_type == links.IEEE802_11_PRISM and at + 8 <= end:
        size = PRISM_HEADER
        if be32(data, at) & 0xFFFFF000 == 0x80211000:  # an AVS header in its place
            link_type = links.IEEE802_11_AVS
        else:
            row[h.ENCAPSULATIONS] |= PRISM_BIT
    if link_type == links.IEEE802_11_AVS and at + 8 <= end:
        row[h.ENCAPSULATIONS] |= AVS_BIT
        size = be32(data, at + 4)
    if at + size > end or (size == 0 and link_type != links.IEEE802_11):
        row[h.FLAGS] |= NOT_CAPTURED
        return at, 0
    row[h.WIRE_LENGTH] -= size
    header, is_link = wireless(data, at + size, end, padded, row)
    return _logical_link(data, header, end, row) if is_link else (at + size, h.WLAN)


@inlined
def _is_padded(data: Any, at: int, end: int) -> Any:
    """Tell whether radiotap says that the 802.11 header is padded to a multiple of four bytes."""
    present = le32(data, at + 4)
    place = at + 8
    word = present
    for _ in range(8):  # further words of the bitmap
        if not word & 0x80000000 or place + 4 > end:
            break
        word = le32(data, place)
        place += 4
    if present & 1:  # the time stamp is aligned to eight bytes
        place += (-(place - at)) % 8 + 8
    return present & 2 and place < end and u8(data, place) & 0x20


@inlined
def _firewall_log(data: Any, at: int, end: int, row: Any) -> Any:
    """PFLOG of the BSDs: its length, padded to four bytes, and the address family."""
    if at + PFLOG_SHORTEST > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return at, 0
    size = (u8(data, at) + 3) & ~3
    if at + size > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return at, 0
    row[h.WIRE_LENGTH] -= size
    return at + size, version_ethertype(data, at + size, end)


@inlined
def _juniper(data: Any, at: int, end: int, row: Any) -> Any:
    """Juniper's header before an Ethernet frame: magic, flags, and extensions when bit 7 says so."""
    if at + 4 > end or be32(data, at) >> 8 != JUNIPER_MAGIC:
        row[h.FLAGS] |= NOT_CAPTURED
        return at, 0
    row[h.ENCAPSULATIONS] |= JUNIPER_BIT
    flags = u8(data, at + 3)
    at += 4
    if flags & 0x80 and at + 2 <= end:
        at += 2 + be16(data, at)
    if flags & 2:  # no link header: four bytes, then IP
        return at + 4, version_ethertype(data, at + 4, end)
    return at, h.FRAME


@inlined
def first_header(data: Any, at: int, end: int, link_type: int, row: Any) -> Any:
    """Return (offset, EtherType) of the first header behind what the link type brings; 0 when there is none."""
    if link_type == links.PPI:
        at, link_type = per_packet_information(data, at, end, row)
    if link_type == links.ETHERNET:
        return at, h.FRAME
    if link_type in (links.RAW, links.RAW_BSD, links.RAW_OPENBSD, links.IPV4, links.IPV6):
        return at, version_ethertype(data, at, end)
    if link_type in (links.NULL, links.LOOP):
        row[h.WIRE_LENGTH] -= 4  # Argus counts what follows
        return at + 4, version_ethertype(data, at + 4, end)
    if link_type in (links.LINUX_SLL, links.LINUX_SLL2):
        return _linux_cooked(data, at, end, link_type, row)
    if link_type in (links.PPP, links.PPP_HDLC) and at + 4 <= end and be16(data, at) in CISCO_HDLC_FRAMES:
        link_type = links.C_HDLC  # captures of serial lines call both PPP
    if link_type in (links.PPP, links.PPP_HDLC):
        following, ethertype = _point_to_point(data, at, end, h.PPP_FRAME)
        row[h.WIRE_LENGTH] -= following - at  # Argus counts what PPP carries
        return tags(data, following, end, ethertype, row)
    if link_type == links.PPP_ETHER:
        return tags(data, at, end, h.PPPOE_SESSION, row)
    if link_type == links.C_HDLC and at + 4 <= end:
        row[h.ENCAPSULATIONS] |= CISCO_HDLC_BIT
        row[h.WIRE_LENGTH] -= 4  # Argus counts what HDLC carries
        return tags(data, at + 4, end, be16(data, at + 2), row)
    if link_type in (links.IEEE802_11, links.IEEE802_11_RADIOTAP, links.IEEE802_11_PRISM, links.IEEE802_11_AVS):
        return _radio(data, at, end, link_type, row)
    if link_type == links.PFLOG:
        return _firewall_log(data, at, end, row)
    if link_type == links.JUNIPER_ETHERNET:
        return _juniper(data, at, end, row)
    if link_type == links.NFLOG:
        return netfilter_log(data, at, end, row)
    if link_type == links.SLIP:
        return serial_line(data, at, end, row)
    if link_type == links.FRAME_RELAY:
        following, ethertype = frame_relay(data, at, end, row)
        return (following, ethertype) if ethertype == h.FRAME else tags(data, following, end, ethertype, row)
    row[h.FLAGS] |= NOT_CAPTURED
    return at, 0
