"""What a packet keeps on its way from hop to hop, as a number, and how it came, as another."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.decode import headers as h
from probes.decode.transport import UDP
from probes.load import be16, be64, u8
from topics.compiled import bounds_are_checked, folded_product, inlined, load_word

IPV4_HEADER, IPV6_HEADER, ARP_HEADER = 20, 40, 28
MOST_BYTES = 32  # behind the IP header, and that of UDP, where no TCP header is
ONE = np.uint64(1)
FIRST, SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
FACTORS = tuple(np.uint64(pow(int(SECOND), power, 1 << 64)) for power in range(3, 23, 2))  # odd, and all different
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
HOP_LIMIT = np.uint64(0x00FFFFFFFFFFFFFF)  # all but the last byte of the first word of IPv6


@inlined
def _word(data: Any, at: int) -> Any:
    """Eight bytes, least significant first; the caller has checked that they are there."""
    if bounds_are_checked:
        return _swapped(be64(data, at))
    return load_word(data, np.uint64(at))


@inlined
def _swapped(value: int) -> Any:
    word = np.uint64(0)
    for byte in range(8):
        word |= ((np.uint64(value) >> np.uint64(8 * byte)) & np.uint64(0xFF)) << np.uint64(56 - 8 * byte)
    return word


@inlined
def _mixed(first: Any, second: Any, factor: int) -> Any:
    """Return two words of a packet as one; those are added up, so that none waits for another."""
    return folded_product(np.uint64(first) ^ FACTORS[factor], np.uint64(second) ^ FACTORS[factor + 1])


@inlined
def fingerprint(data: Any, end: int, row: Any) -> Any:
    """Return a hash of what no hop changes (int64), 0 when the packet is neither IP nor ARP in full.

    That is the IP header without TTL and checksum, and behind it the TCP header with its options and checksum, or the
    first bytes of anything else. TCP payload is left to the checksum: where a capture cuts does not matter.
    """
    at, kind = row[h.NETWORK], row[h.ETHERTYPE]
    size = IPV4_HEADER if kind == h.IPV4 else IPV6_HEADER if kind == h.IPV6 else ARP_HEADER
    if at + size > end or not (kind == h.IPV4 or kind == h.IPV6 or kind == h.ARP):  # noqa: PLR1714 - no set in a kernel
        return 0
    if kind == h.ARP:
        start, stop = at, at + ARP_HEADER
    else:
        start = row[h.PAYLOAD]
        stop = start + min(row[h.APP_BYTES], MOST_BYTES)
        if row[h.TCP]:
            start, stop = row[h.TCP], start
        elif row[h.PROTOCOL] == UDP and row[h.FRAGMENT] != h.LATER_FRAGMENT:
            start -= 8
    stop = min(end, stop)  # lengths differ from packet to packet: from here on there is no branch
    header = _word(data, at) & (HOP_LIMIT if kind == h.IPV6 else ALL)
    start, last = max(start, at), max(stop - 8, at)  # of fewer bytes, those of the addresses before them are taken too
    hashed = np.uint64(row[h.PROTOCOL]) + _mixed(row[h.SRC_LOW], row[h.DST_LOW], 0)
    hashed += _mixed(row[h.SRC_HIGH], row[h.DST_HIGH], 2)
    hashed += _mixed(header, _word(data, min(start, last)), 4)
    hashed += _mixed(_word(data, min(start + 8, last)), _word(data, min(start + 16, last)), 6)
    hashed += _mixed(_word(data, min(start + 24, last)), _word(data, last), 8)
    return np.int64(folded_product(hashed ^ FIRST, SECOND) | ONE)


@inlined
def signature(row: Any) -> Any:
    """Return how the packet came: TTL, VLAN, inner VLAN, MPLS label, tunnel and MAC addresses (layout.*_BITS)."""
    macs = (np.uint64(row[h.SRC_MAC]) * FIRST) ^ (np.uint64(row[h.DST_MAC]) * SECOND)
    came = row[h.TTL] | ((row[h.VLAN] & 0xFFF) << 8) | ((row[h.INNER_VLAN] & 0xFF) << 20)
    if row[h.MPLS]:
        came |= (((row[h.MPLS] >> 12) & 0x7F) | 0x80) << 28
    if row[h.TUNNEL_KIND]:
        came |= (((row[h.TUNNEL_KIND] + row[h.TUNNEL_ID] + row[h.OUTER_SRC_LOW]) & 0x7F) | 0x80) << 36
    return np.int64(macs >> np.uint64(44) << np.uint64(44)) | came


@inlined
def is_sampled(data: Any, end: int, row: Any, every: int) -> Any:
    """Tell whether a packet is one of `every`, a power of two up to 256: its copies are then too."""
    word = row[h.IP_ID] ^ row[h.APP_BYTES]
    if row[h.TCP]:
        word ^= u8(data, row[h.TCP] + 17)  # half of the checksum
    elif row[h.NETWORK] + 28 <= end:
        word ^= be16(data, row[h.NETWORK] + 26) ^ u8(data, row[h.NETWORK] + 23)
    return (word ^ (word >> 8)) & (every - 1) == 0
