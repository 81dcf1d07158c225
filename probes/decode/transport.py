"""Transport headers, each by the RFC that defines it.

TCP (RFC 9293), UDP (768), ICMP (792), ICMPv6 (4443, 4861), IGMP (2236), ESP (4303), SCTP (9260), DCCP (4340), UDP-Lite
(3828). Each fills ports, discriminator and application bytes; `length` is what the IP header says follows it,
`end` the last byte captured.
"""

from __future__ import annotations

from typing import Any

from probes.decode import headers as h
from probes.load import be16, be32, u8
from topics.compiled import inlined
from topics.flags import FlowFlags

GROUP_MESSAGES = (0x11, 0x12, 0x16, 0x17)  # query, reports of versions 1 and 2, leave
ICMP, IGMP, TCP, UDP, DCCP, ESP, ICMPV6, SCTP, UDP_LITE = 1, 2, 6, 17, 33, 50, 58, 132, 136
DNS_PORT = 53
NOT_CAPTURED = int(FlowFlags.HEADER_NOT_CAPTURED)

ECHO_REPLY, UNREACHABLE, QUENCH, REDIRECT, ECHO, TIME_EXCEEDED, PARAMETER_PROBLEM = 0, 3, 4, 5, 8, 11, 12
ERRORS = (UNREACHABLE, QUENCH, REDIRECT, TIME_EXCEEDED, PARAMETER_PROBLEM)
TIMESTAMP, TIMESTAMP_REPLY, INFORMATION, INFORMATION_REPLY, MASK, MASK_REPLY = 13, 14, 15, 16, 17, 18
ECHO_V6, ECHO_REPLY_V6 = 128, 129
MEMBERSHIP_QUERY, MEMBERSHIP_REPORT, MEMBERSHIP_DONE = 130, 131, 132
LAST_ERROR_V6 = 4
ROUTER_ADVERTISEMENT, NEIGHBOR_ADVERTISEMENT, HOME_AGENT_REPLY = 134, 136, 145


@inlined
def _tcp(data: Any, at: int, end: int, length: int, row: Any) -> None:
    if at + 4 <= end:
        row[h.SRC_PORT] = be16(data, at)
        row[h.DST_PORT] = be16(data, at + 2)
    if length < 20:
        row[h.DAMAGE] = h.DAMAGED_TCP
        row[h.APP_BYTES] = 0
        return
    if at + 20 > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return
    header = (u8(data, at + 12) >> 4) * 4
    if header < 20 or header > length:
        row[h.DAMAGE] = h.DAMAGED_TCP
        row[h.APP_BYTES] = 0
        return
    row[h.TCP] = at
    row[h.PAYLOAD] = at + header
    row[h.APP_BYTES] = length - header


@inlined
def _udp(data: Any, at: int, end: int, length: int, row: Any) -> None:
    if at + 4 <= end:
        row[h.SRC_PORT] = be16(data, at)
        row[h.DST_PORT] = be16(data, at + 2)
    if length < 8:
        row[h.DAMAGE] = h.DAMAGED_UDP
        row[h.APP_BYTES] = 0
        return
    if at + 6 > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return
    claimed = be16(data, at + 4)  # 0 in a jumbogram, more than there is in a first fragment
    if claimed and (claimed < 8 or (claimed > length and not row[h.FRAGMENT])):
        row[h.DAMAGE] = h.DAMAGED_UDP
    row[h.PAYLOAD] = at + 8
    row[h.APP_BYTES] = length - 8
    if DNS_PORT in (row[h.SRC_PORT], row[h.DST_PORT]) and length >= 10 and at + 10 <= end:
        row[h.DISCRIMINATOR] = be16(data, at + 8)  # the transaction: each query and its answer are a flow, as in Argus


@inlined
def _icmp(data: Any, at: int, end: int, row: Any) -> None:
    if at + 4 > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return
    kind, code = u8(data, at), u8(data, at + 1)
    row[h.ICMP_TYPE] = (kind << 8) | code
    row[h.ORDER] = h.FORWARD
    if kind in (ECHO_REPLY, TIMESTAMP_REPLY, INFORMATION_REPLY, MASK_REPLY):
        row[h.ORDER] = h.REVERSE
        kind = ECHO if kind == ECHO_REPLY else kind - 1
    row[h.SRC_PORT] = (kind << 8) | code
    if kind in (ECHO, TIMESTAMP, INFORMATION, MASK):
        row[h.SRC_PORT] = kind << 8
        if kind == ECHO and at + 8 <= end:
            row[h.DST_PORT] = be16(data, at + 4)
            row[h.DISCRIMINATOR] = be16(data, at + 6)
    elif kind in ERRORS and at + 28 <= end:
        _quoted(data, at + 8, end, kind, code, row)


@inlined
def _quoted(data: Any, at: int, end: int, kind: int, code: int, row: Any) -> None:
    """Separate ICMP errors by what could not be reached, and count the datagram that they quote, as Argus does."""
    if u8(data, at) >> 4 != 4 or u8(data, at) & 15 < 5:
        return
    row[h.QUOTED] = at
    header = (u8(data, at) & 15) * 4
    row[h.QUOTED_LENGTH] = max(0, be16(data, at + 2) - header)
    ports = at + header
    if kind == UNREACHABLE and code == 3 and ports + 4 <= end:
        row[h.DST_PORT] = be16(data, ports + 2)
    elif kind == UNREACHABLE and code == 2:
        row[h.DST_PORT] = u8(data, at + 9)
    elif (kind == UNREACHABLE and code < 2) or kind == REDIRECT:
        row[h.DST_PORT] = (u8(data, at + 17) << 8) | u8(data, at + 16)
        row[h.DISCRIMINATOR] = be32(data, at + 16)


@inlined
def _icmpv6(data: Any, at: int, end: int, row: Any) -> None:
    if at + 4 > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return
    kind, code = u8(data, at), u8(data, at + 1)
    row[h.ICMP_TYPE] = (kind << 8) | code
    row[h.ORDER] = h.ENDS  # whoever is seen first asks, as in Argus
    if 0 < kind <= LAST_ERROR_V6 and at + 48 <= end and u8(data, at + 8) >> 4 == 6:
        row[h.QUOTED], row[h.QUOTED_LENGTH] = at + 8, row[h.APP_BYTES]
    if kind in (ECHO_V6, ECHO_REPLY_V6):
        kind = ECHO_V6
        if at + 8 <= end:
            row[h.DST_PORT] = be16(data, at + 4)
            row[h.DISCRIMINATOR] = be16(data, at + 6)
    elif kind in (MEMBERSHIP_REPORT, MEMBERSHIP_DONE):
        kind = MEMBERSHIP_QUERY
    elif kind in (ROUTER_ADVERTISEMENT, NEIGHBOR_ADVERTISEMENT, HOME_AGENT_REPLY):
        kind -= 1  # an answer has the key of its question, as in Argus
    row[h.SRC_PORT] = (kind << 8) | code


@inlined
def _igmp(data: Any, at: int, end: int, row: Any) -> None:
    """Make flows between a host and a group, as in Argus; a version 3 report names its groups inside."""
    row[h.ORDER] = h.FORWARD
    if at + 8 > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return
    group = be32(data, at + 4)
    if u8(data, at) in GROUP_MESSAGES and group:
        row[h.DST_LOW] = h.MAPPED_IPV4 | group


@inlined
def transport_header(data: Any, at: int, end: int, length: int, row: Any) -> None:
    """Fill ports, discriminator, application bytes and order for the protocol in `row`."""
    row[h.APP_BYTES] = length
    protocol = row[h.PROTOCOL]
    if protocol == TCP:
        _tcp(data, at, end, length, row)
    elif protocol == UDP:
        _udp(data, at, end, length, row)
    elif protocol == ICMP:
        _icmp(data, at, end, row)
    elif protocol == ICMPV6:
        _icmpv6(data, at, end, row)
    elif protocol == IGMP:
        _igmp(data, at, end, row)
    elif protocol == ESP:
        row[h.ORDER] = h.FORWARD  # each direction has its own SPI
        if at + 4 <= end:
            row[h.DISCRIMINATOR] = be32(data, at)
    elif protocol in (SCTP, DCCP, UDP_LITE) and at + 4 <= end:
        row[h.SRC_PORT] = be16(data, at)
        row[h.DST_PORT] = be16(data, at + 2)
