"""What the decoders find out about one packet: columns of an int64 row that is filled anew for each."""

from __future__ import annotations

COLUMNS = 27
(
    ETHERTYPE,
    PROTOCOL,
    SRC_HIGH,  # addresses as two signed words in network order
    SRC_LOW,
    DST_HIGH,
    DST_LOW,
    SRC_PORT,
    DST_PORT,
    DISCRIMINATOR,
    ORDER,  # CANONICAL, or FORWARD or REVERSE when the protocol itself says who asked
    TCP,  # offset of the TCP header, 0 when there is none in full
    PAYLOAD,  # offset of what follows the transport header
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
    FRAGMENT,  # NOT_FRAGMENT, FIRST_FRAGMENT or LATER_FRAGMENT
    FRAGMENT_ID,
    WIRE_LENGTH,  # of the frame from its first byte
) = range(COLUMNS)

CANONICAL, FORWARD, REVERSE = 0, 1, 2
NOT_FRAGMENT, FIRST_FRAGMENT, LATER_FRAGMENT = 0, 1, 2

IPV4, ARP, RARP, VLAN_TAG, SERVICE_TAG, IPV6 = 0x0800, 0x0806, 0x8035, 0x8100, 0x88A8, 0x86DD
MPLS_UNICAST, MPLS_MULTICAST, OLD_SERVICE_TAG = 0x8847, 0x8848, 0x9100
WLAN = 0x0019  # not an EtherType: the EtherType column of 802.11 frames, which have none

MAPPED_IPV4 = 0xFFFF << 32  # the low word of an IPv4 address mapped into IPv6 (RFC 4291)
