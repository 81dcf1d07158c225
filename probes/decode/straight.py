"""The short way through what most packets are: Ethernet, IPv4 without options, whole, with TCP or UDP in it.

It gives what the layers of decode give one after the other, or leaves the packet to them.
"""

from __future__ import annotations

from typing import Any

from probes.decode import headers as h
from probes.decode.link import ETHERNET_BIT
from probes.decode.transport import DNS_PORT, TCP, UDP
from probes.decode.tunnel import PORTS as TUNNEL_PORTS
from probes.load import be16, be32, be48, u8
from topics.compiled import inlined

NETWORK, TRANSPORT = 14, 34  # offsets of the headers
NO_OPTIONS = 0x45  # version 4, five words
TCP_HEADER, UDP_HEADER = 20, 8


@inlined
def _network(data: Any, at: int, row: Any) -> None:
    row[h.ENCAPSULATIONS] = ETHERNET_BIT
    row[h.DST_MAC] = be48(data, at)
    row[h.SRC_MAC] = be48(data, at + 6)
    row[h.ETHERTYPE] = h.IPV4
    at += NETWORK
    row[h.NETWORK] = at
    row[h.TOS] = u8(data, at + 1)
    row[h.IP_ID] = be16(data, at + 4)
    row[h.TTL] = u8(data, at + 8)
    row[h.SRC_LOW] = h.MAPPED_IPV4 | be32(data, at + 12)
    row[h.DST_LOW] = h.MAPPED_IPV4 | be32(data, at + 16)


@inlined
def _is_plain(data: Any, at: int, captured: int, length: int) -> Any:
    """Tell whether a whole IPv4 header without options follows that of Ethernet, and eight bytes or more behind it."""
    if captured < TRANSPORT + UDP_HEADER or be16(data, at + 12) != h.IPV4 or u8(data, at + NETWORK) != NO_OPTIONS:
        return False
    total = be16(data, at + NETWORK + 2)
    fragment = be16(data, at + NETWORK + 6) & 0x3FFF
    return (fragment == 0) & (total >= TRANSPORT - NETWORK + UDP_HEADER) & (total <= length - NETWORK)


@inlined
def straight(data: Any, offset: int, captured: int, length: int, row: Any) -> Any:
    """Fill a row of zeros with what a frame of Ethernet says; for an unusual one return False and fill nothing."""
    if not _is_plain(data, offset, captured, length):
        return False
    at = offset + TRANSPORT
    protocol, size = u8(data, offset + NETWORK + 9), be16(data, offset + NETWORK + 2) - (TRANSPORT - NETWORK)
    src, dst = be16(data, at), be16(data, at + 2)
    if protocol == TCP:
        if captured < TRANSPORT + TCP_HEADER or size < TCP_HEADER:
            return False
        header = (u8(data, at + 12) >> 4) * 4
        if header < TCP_HEADER or header > size:
            return False
        row[h.TCP] = at
    elif protocol == UDP:
        header, claimed = UDP_HEADER, be16(data, at + 4)
        if claimed < UDP_HEADER or claimed > size or src in TUNNEL_PORTS or dst in TUNNEL_PORTS:
            return False
        if (src == DNS_PORT or dst == DNS_PORT) and size >= 10 and captured >= TRANSPORT + 10:  # noqa: PLR1714 - no set
            row[h.DISCRIMINATOR] = be16(data, at + 8)
    else:
        return False
    row[h.PROTOCOL] = protocol
    row[h.SRC_PORT] = src
    row[h.DST_PORT] = dst
    row[h.PAYLOAD] = at + header
    row[h.APP_BYTES] = size - header
    _network(data, offset, row)
    return True
