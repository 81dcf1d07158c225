"""Link layers: from the first byte of a frame to its network header.

Sources: IEEE 802.3, 802.2, 802.1Q, 802.11; RFC 3032 (MPLS); the link type descriptions of tcpdump.org.
"""

from __future__ import annotations

from typing import Any

from probes.capture.link_types import (
    ETHERNET,
    IEEE802_11,
    IEEE802_11_RADIOTAP,
    LINUX_SLL,
    LINUX_SLL2,
    LOOP,
    NULL,
    RAW,
    RAW_BSD,
    RAW_OPENBSD,
)
from probes.capture.link_types import (
    IPV4 as LINK_IPV4,
)
from probes.capture.link_types import (
    IPV6 as LINK_IPV6,
)
from probes.decode import headers as h
from probes.load import be16, be32, be48, le16, u8
from topics.compiled import inlined
from topics.flags import Encapsulation, FlowFlags

ETHERNET_BIT = int(Encapsulation.ETHERNET)
VLAN_BIT = int(Encapsulation.VLAN)
MPLS_BIT = int(Encapsulation.MPLS)
LLC_BIT = int(Encapsulation.LLC)
SLL_BIT = int(Encapsulation.SLL)
WLAN_BIT = int(Encapsulation.WLAN)
NOT_CAPTURED = int(FlowFlags.HEADER_NOT_CAPTURED)

MAX_TAGS = 8
SNAP = 0xAAAA


@inlined
def _version_ethertype(data: Any, at: int, end: int) -> Any:
    """EtherType by the version nibble of a bare IP packet; 0 when it is neither."""
    if at >= end:
        return 0
    version = u8(data, at) >> 4
    if version == 4:
        return h.IPV4
    return h.IPV6 if version == 6 else 0


@inlined
def _tags(data: Any, at: int, end: int, ethertype: int, row: Any) -> Any:
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
                inner = _version_ethertype(data, at, end)
                return at, inner or ethertype
        else:
            break
    return at, ethertype


@inlined
def _logical_link(data: Any, at: int, end: int, row: Any) -> Any:
    """802.2 LLC, with the SNAP extension; EtherType becomes DSAP << 8 | SSAP without SNAP."""
    row[h.ENCAPSULATIONS] |= LLC_BIT
    if at + 3 > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return at, 0
    access_points = be16(data, at)
    if access_points == SNAP and at + 8 <= end:
        ethertype = be16(data, at + 6)
        return _tags(data, at + 8, end, ethertype, row)
    return at, access_points


@inlined
def _ethernet(data: Any, at: int, end: int, row: Any) -> Any:
    row[h.ENCAPSULATIONS] |= ETHERNET_BIT
    if at + 14 > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return at, 0
    row[h.DST_MAC] = be48(data, at)
    row[h.SRC_MAC] = be48(data, at + 6)
    network, ethertype = _tags(data, at + 14, end, be16(data, at + 12), row)
    if ethertype < 1536:  # a length: IEEE 802.3
        return _logical_link(data, network, end, row)
    return network, ethertype


@inlined
def _wireless(data: Any, at: int, end: int, row: Any) -> Any:
    """802.11: addresses of transmitter and receiver; frames that carry LLC in the clear go on to it."""
    row[h.ENCAPSULATIONS] |= WLAN_BIT
    if at + 10 > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return at, h.WLAN
    control = le16(data, at)
    kind = (control >> 2) & 3
    row[h.DST_MAC] = be48(data, at + 4)
    if at + 16 <= end:
        row[h.SRC_MAC] = be48(data, at + 10)
    if kind != 2 or control & 0x4000 or (control >> 4) & 4:  # not data, protected, or without data
        return at, h.WLAN
    header = 24 + (6 if control & 0x300 == 0x300 else 0) + (2 if control & 0x80 else 0)
    if at + header + 8 > end or be16(data, at + header) != SNAP:
        return at, h.WLAN
    source = 16 if control & 0x200 else 10
    target = 16 if control & 0x100 else 4
    if control & 0x300 == 0x300:
        source = 24
    row[h.SRC_MAC] = be48(data, at + source)
    row[h.DST_MAC] = be48(data, at + target)
    return _logical_link(data, at + header, end, row)


@inlined
def network_header(data: Any, at: int, end: int, link_type: int, row: Any) -> Any:
    """Return (offset of the network header, EtherType; 0 when the frame has none) and fill the link columns."""
    if link_type == ETHERNET:
        return _ethernet(data, at, end, row)
    if link_type in (RAW, RAW_BSD, RAW_OPENBSD, LINK_IPV4, LINK_IPV6):
        return at, _version_ethertype(data, at, end)
    if link_type in (NULL, LOOP):
        return at + 4, _version_ethertype(data, at + 4, end)
    if link_type == LINUX_SLL and at + 16 <= end:
        row[h.ENCAPSULATIONS] |= SLL_BIT
        if be16(data, at + 4) == 6:
            row[h.SRC_MAC] = be48(data, at + 6)
        return _tags(data, at + 16, end, be16(data, at + 14), row)
    if link_type == LINUX_SLL2 and at + 20 <= end:
        row[h.ENCAPSULATIONS] |= SLL_BIT
        if u8(data, at + 11) == 6:
            row[h.SRC_MAC] = be48(data, at + 12)
        return _tags(data, at + 20, end, be16(data, at), row)
    if link_type == IEEE802_11:
        return _wireless(data, at, end, row)
    if link_type == IEEE802_11_RADIOTAP and at + 4 <= end:
        header = le16(data, at + 2)
        if at + header <= end:
            return _wireless(data, at + header, end, row)
    row[h.FLAGS] |= NOT_CAPTURED
    return at, 0
