"""Bit sets of FlowRecord. TCP state, TCP option and encapsulation bits are Argus's own, to be compared."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class TcpState(IntFlag):
    """Field `tcp_state`."""

    SYN = 0x1
    SYN_ACK = 0x2
    ESTABLISHED = 0x4
    FIN = 0x8
    FIN_ACK = 0x10
    NORMAL_CLOSE = 0x20
    CLOSE_WAIT = 0x40
    PORT_REUSE = 0x80
    SRC_RETRANSMITTED = 0x100
    DST_RETRANSMITTED = 0x200
    SRC_WINDOW_SHUT = 0x400
    DST_WINDOW_SHUT = 0x800
    SRC_RESET = 0x1000
    DST_RESET = 0x2000
    SRC_CONGESTED = 0x4000
    DST_CONGESTED = 0x8000
    SRC_OUT_OF_ORDER = 0x10000
    DST_OUT_OF_ORDER = 0x20000
    SRC_DUPLICATES = 0x40000
    DST_DUPLICATES = 0x80000


class TcpOptions(IntFlag):
    """Field `tcp_options`."""

    MSS = 0x100000
    WINDOW_SCALE = 0x200000
    SACK_PERMITTED = 0x400000
    SACK = 0x800000
    ECHO = 0x1000000
    ECHO_REPLY = 0x2000000
    TIMESTAMP = 0x4000000
    CC = 0x8000000
    CC_NEW = 0x10000000
    CC_ECHO = 0x20000000
    SRC_ECN = 0x40000000
    DST_ECN = 0x80000000


class TcpFlags(IntFlag):
    """Fields `src_tcp_flags` and `dst_tcp_flags`: the flag byte of RFC 9293."""

    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10
    URG = 0x20
    ECE = 0x40
    CWR = 0x80


class TunnelKind(IntEnum):
    """Field `tunnel_kind`: the IP protocol of the tunnel, or one of ours for what is carried in UDP."""

    IP_IN_IP = 4
    IPV6_IN_IP = 41
    GRE = 47
    VXLAN = 200
    GENEVE = 201
    GTP = 202
    L2TP = 203
    TEREDO = 204


class Encapsulation(IntFlag):
    """Fields `src_encapsulations` and `dst_encapsulations`."""

    MPLS = 0x1
    ETHERNET = 0x2
    VLAN = 0x4
    LLC = 0x8
    PPPOE = 0x10
    ISL = 0x20
    GRE = 0x40
    AH = 0x80
    IP_IN_IP = 0x100
    IPV6_IN_IP = 0x200
    HDLC = 0x400
    CISCO_HDLC = 0x800
    ATM = 0x1000
    SLL = 0x2000
    FDDI = 0x4000
    SLIP = 0x8000
    ARCNET = 0x10000
    WLAN = 0x20000
    PRISM = 0x40000
    AVS = 0x80000
    TEREDO = 0x400000
    UDT = 0x800000
    IPSEC = 0x1000000
    JUNIPER = 0x2000000
    VXLAN = 0x4000000
    L2TP = 0x8000000
    GENEVE = 0x10000000
    GTP = 0x20000000  # not one of Argus's


class IpOptions(IntFlag):
    """Fields `src_ip_options` and `dst_ip_options`."""

    STRICT_SOURCE_ROUTE = 0x1
    LOOSE_SOURCE_ROUTE = 0x2
    TIMESTAMP = 0x4
    SECURITY = 0x8
    RECORD_ROUTE = 0x10
    ROUTER_ALERT = 0x20
    OTHER = 0x40
    HOP_BY_HOP = 0x100
    DESTINATION = 0x200
    ROUTING = 0x400


class IcmpError(IntFlag):
    """Field `icmp_error`."""

    UNREACHABLE = 0x1
    REDIRECT = 0x2
    TIME_EXCEEDED = 0x4


class FlowFlags(IntFlag):
    """Field `flow_flags`."""

    FRAGMENTS = 0x1
    PARTIAL_FRAGMENT = 0x2
    FRAGMENT_OVERLAP = 0x4
    MULTIPLE_MACS = 0x8
    HEADER_NOT_CAPTURED = 0x10
    MALFORMED = 0x20
    TIME_ADJUSTED = 0x40
    RTP = 0x80
    RTCP = 0x100


class Cause:
    """Codes of the enum field `cause`, in the order of the schema."""

    START, STATUS, CLOSE, TIMEOUT, REUSE, SHUTDOWN, EVICTED = range(7)
