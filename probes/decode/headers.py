"""What the decoders find out about one packet: columns of an int64 row that is filled anew for each."""

from __future__ import annotations

from enum import IntEnum, auto


class Column(IntEnum):
    """Names of the columns; the constants below are for kernels, which want plain integers."""

    ETHERTYPE = 0
    PROTOCOL = auto()
    SRC_HIGH = auto()  # addresses as two signed words in network order
    SRC_LOW = auto()
    DST_HIGH = auto()
    DST_LOW = auto()
    SRC_PORT = auto()
    DST_PORT = auto()
    DISCRIMINATOR = auto()
    ORDER = auto()  # CANONICAL, or FORWARD or REVERSE when the protocol itself says who asked
    TCP = auto()  # offset of the TCP header, 0 when there is none in full
    PAYLOAD = auto()  # offset of what follows the transport header
    APP_BYTES = auto()
    TTL = auto()
    TOS = auto()
    IP_ID = auto()
    IP_OPTIONS = auto()
    ENCAPSULATIONS = auto()
    VLAN = auto()
    INNER_VLAN = auto()
    MPLS = auto()
    SRC_MAC = auto()
    DST_MAC = auto()
    FLAGS = auto()
    FRAGMENT = auto()  # NOT_FRAGMENT, FIRST_FRAGMENT or LATER_FRAGMENT
    FRAGMENT_ID = auto()
    WIRE_LENGTH = auto()  # of the frame from its first byte


(
    ETHERTYPE,
    PROTOCOL,
    SRC_HIGH,
    SRC_LOW,
    DST_HIGH,
    DST_LOW,
    SRC_PORT,
    DST_PORT,
    DISCRIMINATOR,
    ORDER,
    TCP,
    PAYLOAD,
    APP_BYTES,
    TTL,
    TOS,
    IP_ID,
    IP_OPTIONS,
    ENCAPSULATIONS,
    VLAN,
    INNER_VLAN,
    MPLS,
    SRC_MAC,
    DST_MAC,
    FLAGS,
    FRAGMENT,
    FRAGMENT_ID,
    WIRE_LENGTH,
) = (int(column) for column in Column)

COLUMNS = len(Column)

CANONICAL, FORWARD, REVERSE = 0, 1, 2
NOT_FRAGMENT, FIRST_FRAGMENT, LATER_FRAGMENT = 0, 1, 2

IPV4, ARP, RARP, VLAN_TAG, SERVICE_TAG, IPV6 = 0x0800, 0x0806, 0x8035, 0x8100, 0x88A8, 0x86DD
MPLS_UNICAST, MPLS_MULTICAST, OLD_SERVICE_TAG = 0x8847, 0x8848, 0x9100
WLAN = 0x0019  # not an EtherType: the EtherType column of 802.11 frames, which have none

MAPPED_IPV4 = 0xFFFF << 32  # the low word of an IPv4 address mapped into IPv6 (RFC 4291)
