"""What the decoders find out about one packet: columns of an int64 row that is filled anew for each."""

from __future__ import annotations

COLUMNS = 38
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
    ORDER,  # CANONICAL or ENDS, or FORWARD or REVERSE when the protocol itself says who asked
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
    WIRE_LENGTH,  # of the frame from its first byte, without what a capture puts before it
    NETWORK,  # offset of the network header the flow is made of, or of the 802.2 header; 0 when there is none
    QUOTED,  # offset of the IP header that an ICMP error quotes, 0 when there is none
    QUOTED_LENGTH,  # of the quoted datagram behind its IP header, which Argus counts as application bytes of the error
    ICMP_TYPE,  # type << 8 | code as they stand in the packet
    TUNNEL_KIND,  # of the innermost tunnel, 0 without one: see topics/schemas
    TUNNEL_ID,
    OUTER_SRC_HIGH,  # addresses of that tunnel
    OUTER_SRC_LOW,
    OUTER_DST_HIGH,
    OUTER_DST_LOW,
    DAMAGE,  # which header lies about itself, 0 when none does
) = range(COLUMNS)

# CANONICAL: the ends in order, each with its port; ENDS: only the addresses in order, the ports say something else.
CANONICAL, FORWARD, REVERSE, ENDS = 0, 1, 2, 3
NOT_FRAGMENT, FIRST_FRAGMENT, LATER_FRAGMENT = 0, 1, 2

IPV4, ARP, RARP, VLAN_TAG, SERVICE_TAG, IPV6 = 0x0800, 0x0806, 0x8035, 0x8100, 0x88A8, 0x86DD
MPLS_UNICAST, MPLS_MULTICAST, OLD_SERVICE_TAG = 0x8847, 0x8848, 0x9100
PPP_FRAME, PPPOE_DISCOVERY, PPPOE_SESSION = 0x880B, 0x8863, 0x8864
FRAME = 0x6558  # transparent Ethernet bridging: a whole Ethernet frame follows
NOTHING = -1  # no further header
WLAN = 0x0019  # not an EtherType: the EtherType column of 802.11 frames, which have none

MAPPED_IPV4 = 0xFFFF << 32  # the low word of an IPv4 address mapped into IPv6 (RFC 4291)

DAMAGES = ("ipv4", "ipv6", "extension", "tcp", "udp")  # kinds of DAMAGE, from 1 on
DAMAGED_IPV4, DAMAGED_IPV6, DAMAGED_EXTENSION, DAMAGED_TCP, DAMAGED_UDP = range(1, len(DAMAGES) + 1)
