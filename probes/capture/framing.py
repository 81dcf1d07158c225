"""Kernels that find the packets in pcap and pcapng bytes.

Sources: draft-ietf-opsawg-pcap (classic) and draft-ietf-opsawg-pcapng. Each kernel stops at the first thing that is
incomplete or wrong and says so; no byte outside the given range is read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from probes.load import be16, be32, le16, le32, u8
from topics.compiled import inlined, kernel, prefetch

MORE = 0  # ran out of bytes inside a packet or block
FULL = 1  # ran out of room for packets
BAD_CAPTURED_LENGTH = 2
BAD_BLOCK_LENGTH = 3
BAD_BYTE_ORDER = 4
BAD_BLOCK = 5
BAD_INTERFACE = 6
TOO_MANY_INTERFACES = 7

REASONS = {
    BAD_CAPTURED_LENGTH: "packet with an impossible captured length",
    BAD_BLOCK_LENGTH: "block with an impossible length",
    BAD_BYTE_ORDER: "section with an unknown byte order mark",
    BAD_BLOCK: "block too short for its kind",
    BAD_INTERFACE: "packet of an interface that was not described",
    TOO_MANY_INTERFACES: "more interfaces than a section may have here",
}

MAX_CAPTURED = 1 << 20  # no link layer has frames of a mebibyte; what claims so is damage
MAX_BLOCK = 1 << 26
MAX_INTERFACES = 4096

PCAP_HEADER = 16
SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
ENHANCED_PACKET = 6
OPTION_TSRESOL = 9
OPTION_TSOFFSET = 14

SWAPPED, INTERFACES, LAST_TIME = 0, 1, 2  # section state, int64
LINK_TYPE, SNAPLEN, RESOLUTION, TIME_OFFSET = 0, 1, 2, 3  # interface state, int64[MAX_INTERFACES, 4]

NS = 1_000_000_000


class PcapFormat(NamedTuple):
    """What the header of a classic pcap says: 1 for the other byte order, ns of a tick below the second, link type."""

    swapped: int
    fraction: int
    link_type: int


MAX_TIME = 1 << 62


@inlined
def _u16(data: Any, at: int, swapped: int) -> Any:
    return be16(data, at) if swapped else le16(data, at)


@inlined
def _u32(data: Any, at: int, swapped: int) -> Any:
    return be32(data, at) if swapped else le32(data, at)


@inlined
def find_packets(data: Any, start: int, swapped: int, fraction: int, link_type: int, out: Any) -> Any:
    """Find packets of a classic pcap from `start`; `fraction` is the ns of one tick below the second.

    Returns (packets found, position after the last of them, MORE | FULL | a reason).
    """
    at, end, count, before = start, len(data), 0, 0
    while True:
        if at + PCAP_HEADER > end:
            return count, at, MORE
        if count == len(out):
            return count, at, FULL
        captured = _u32(data, at + 8, swapped)
        if captured > MAX_CAPTURED:
            return count, at, BAD_CAPTURED_LENGTH
        if at + PCAP_HEADER + captured > end:
            return count, at, MORE
        packet = out[count]
        packet.time = _u32(data, at, swapped) * NS + _u32(data, at + 4, swapped) * fraction
        packet.offset = at + PCAP_HEADER
        packet.captured = captured
        packet.length = max(captured, _u32(data, at + 12, swapped))
        packet.link_type = link_type
        count += 1
        at += PCAP_HEADER + captured
        prefetch(data, at + PCAP_HEADER + captured)  # the header after the next, should that packet be as long as this
        prefetch(data, at + PCAP_HEADER + before)  # or as the one before
        before = captured


@kernel
def frame_pcap(data: Any, start: int, swapped: int, fraction: int, link_type: int, out: Any) -> Any:
    """Find packets of a classic pcap for Python."""
    return find_packets(data, start, swapped, fraction, link_type, out)


@inlined
def _nanoseconds(ticks: int, resolution: int, offset: int) -> int:
    exponent = resolution & 0x7F
    if resolution & 0x80:
        if exponent > 30:
            ticks >>= min(63, exponent - 30)
            exponent = 30
        time = (ticks >> exponent) * NS + (((ticks & ((1 << exponent) - 1)) * NS) >> exponent)
    elif exponent <= 9:
        scale = 10 ** (9 - exponent)
        time = ticks * scale if ticks < MAX_TIME // scale else MAX_TIME
    else:
        time = ticks // 10 ** min(18, exponent - 9)
    return min(max(time + offset * NS, 0), MAX_TIME)


@inlined
def _describe_interface(data: Any, at: int, end: int, swapped: int, interface: Any) -> None:
    interface[LINK_TYPE] = _u16(data, at, swapped)
    interface[SNAPLEN] = _u32(data, at + 4, swapped)
    interface[RESOLUTION] = 6
    interface[TIME_OFFSET] = 0
    at += 8
    while at + 4 <= end:
        code, length = _u16(data, at, swapped), _u16(data, at + 2, swapped)
        if code == 0 or at + 4 + length > end:
            return
        if code == OPTION_TSRESOL and length >= 1:
            interface[RESOLUTION] = u8(data, at + 4)
        if code == OPTION_TSOFFSET and length >= 8:
            first, second = _u32(data, at + 4, swapped), _u32(data, at + 8, swapped)
            seconds = (first << 32) | second if swapped else (second << 32) | first
            interface[TIME_OFFSET] = min(max(seconds, -(1 << 33)), 1 << 33)
        at += 4 + ((length + 3) & ~3)


@kernel
def frame_pcapng(data: Any, start: int, section: Any, interfaces: Any, out: Any) -> Any:
    """Find packets of a pcapng from `start`; `section` (int64[3]) and `interfaces` (int64[n, 4]) carry over calls.

    Returns (packets found, position after the last block read, MORE | FULL | a reason).
    """
    at, end, count = start, len(data), 0
    while True:
        if at + 12 > end:
            return count, at, MORE
        if count == len(out):
            return count, at, FULL
        kind = _u32(data, at, section[SWAPPED])
        if kind == SECTION_HEADER:
            magic = _u32(data, at + 8, 0)
            if magic not in (0x1A2B3C4D, 0x4D3C2B1A):
                return count, at, BAD_BYTE_ORDER
            section[SWAPPED] = 1 if magic == 0x4D3C2B1A else 0
            section[INTERFACES] = 0
        swapped = section[SWAPPED]
        length = _u32(data, at + 4, swapped)
        if length < 12 or length > MAX_BLOCK or length % 4 != 0:
            return count, at, BAD_BLOCK_LENGTH
        if at + length > end:
            return count, at, MORE
        if _u32(data, at + length - 4, swapped) != length:
            return count, at, BAD_BLOCK_LENGTH
        body, body_end = at + 8, at + length - 4
        if kind == INTERFACE_DESCRIPTION:
            if body + 8 > body_end:
                return count, at, BAD_BLOCK
            if section[INTERFACES] == len(interfaces):
                return count, at, TOO_MANY_INTERFACES
            _describe_interface(data, body, body_end, swapped, interfaces[section[INTERFACES]])
            section[INTERFACES] += 1
        elif kind in (ENHANCED_PACKET, OBSOLETE_PACKET, SIMPLE_PACKET):
            header = 4 if kind == SIMPLE_PACKET else 20
            if body + header > body_end:
                return count, at, BAD_BLOCK
            number = 0
            if kind == ENHANCED_PACKET:
                number = _u32(data, body, swapped)
            elif kind == OBSOLETE_PACKET:
                number = _u16(data, body, swapped)
            if number >= section[INTERFACES]:
                return count, at, BAD_INTERFACE
            interface = interfaces[number]
            if kind == SIMPLE_PACKET:
                wire = _u32(data, body, swapped)
                captured = min(wire, body_end - body - header)
                if interface[SNAPLEN] > 0:
                    captured = min(captured, interface[SNAPLEN])
            else:
                captured, wire = _u32(data, body + 12, swapped), _u32(data, body + 16, swapped)
                ticks = (_u32(data, body + 4, swapped) << 32) | _u32(data, body + 8, swapped)
                section[LAST_TIME] = _nanoseconds(max(0, ticks), interface[RESOLUTION], interface[TIME_OFFSET])
            if captured > MAX_CAPTURED or body + header + captured > body_end:
                return count, at, BAD_CAPTURED_LENGTH
            packet = out[count]
            packet.time = section[LAST_TIME]  # a simple packet has none of its own
            packet.offset = body + header
            packet.captured = captured
            packet.length = max(captured, wire)
            packet.link_type = interface[LINK_TYPE]
            count += 1
        at += length
