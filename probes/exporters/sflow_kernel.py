"""Samples of sFlow 5 to rows (sflow_version_5.txt of sflow.org: XDR, so all is in words of four bytes)."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.decode import headers as h
from probes.decode.packet import decode
from probes.exporters import layout as at
from topics.compiled import inlined, kernel

DATAGRAM_COLUMNS = 4
(BEGIN, END, STREAM, ARRIVED) = range(DATAGRAM_COLUMNS)  # BEGIN and END of what follows the header
COUNTED = ("records", "counter_samples", "other_records", "malformed", "samples_not_read")
TOLD = len(COUNTED)
(TOLD_SAMPLES, TOLD_COUNTERS, TOLD_OTHERS, TOLD_MALFORMED, TOLD_NO_PACKET) = range(TOLD)

FLOW, COUNTER, EXPANDED_FLOW, EXPANDED_COUNTER = 1, 2, 3, 4
RAW_HEADER, IPV4_FIELDS, IPV6_FIELDS = 1, 3, 4
MOST_SAMPLES, MOST_RECORDS = 4096, 64  # in a datagram, in a sample
UNKNOWN_INTERFACE = 0x3FFFFFFF
MOST_RATE = 1 << 24
LONGEST = 1 << 20  # bytes of a packet
FORWARD = at.FORWARD


@inlined
def _word(data: Any, place: int) -> Any:
    return (
        np.int64(data[place]) << 24
        | np.int64(data[place + 1]) << 16
        | np.int64(data[place + 2]) << 8
        | np.int64(data[place + 3])
    )


@inlined
def _link(protocol: int) -> Any:
    """Return the link type of pcap for a protocol of sampled headers, -1 for one that is not read."""
    if protocol == 1:
        return 1  # Ethernet
    if protocol in (11, 12):
        return 101  # IPv4, IPv6
    if protocol == 7:
        return 9  # PPP
    return -1


@inlined
def _header(data: Any, place: int, captured: int, length: int, link: int, tunnels: int, facts: Any, row: Any) -> None:
    """Describe a packet by what was captured of it."""
    decode(data, place, captured, length, link, tunnels, facts)
    row[at.SRC_HIGH], row[at.SRC_LOW] = facts[h.SRC_HIGH], facts[h.SRC_LOW]
    row[at.DST_HIGH], row[at.DST_LOW] = facts[h.DST_HIGH], facts[h.DST_LOW]
    row[at.ETHERTYPE], row[at.PROTOCOL] = facts[h.ETHERTYPE], facts[h.PROTOCOL]
    row[at.SRC_MAC], row[at.DST_MAC] = facts[h.SRC_MAC], facts[h.DST_MAC]
    if facts[h.PROTOCOL] == 1 or facts[h.PROTOCOL] == 58:
        row[at.ICMP] = at.ICMP_KNOWN | (facts[h.ICMP_TYPE] & 0xFFFF)
    else:
        row[at.SRC_PORT], row[at.DST_PORT] = facts[h.SRC_PORT], facts[h.DST_PORT]
    if facts[h.TCP] and facts[h.TCP] + 13 < place + captured:
        row[FORWARD + at.TCP_FLAGS] = data[facts[h.TCP] + 13]
    row[FORWARD + at.TOS], row[FORWARD + at.VLAN] = facts[h.TOS], facts[h.VLAN]
    row[FORWARD + at.MPLS] = facts[h.MPLS]
    row[FORWARD + at.TTL_MIN] = row[FORWARD + at.TTL_MAX] = facts[h.TTL]
    row[FORWARD + at.APP_BYTES] = min(max(facts[h.APP_BYTES], 0), LONGEST)
    row[FORWARD + at.BYTES] = min(length, LONGEST)


@inlined
def _address(data: Any, place: int) -> Any:
    return _word(data, place) << 32 | _word(data, place + 4)


@inlined
def _fields(data: Any, place: int, six: bool, row: Any) -> None:
    """Describe a packet by what the agent says of its IP header."""
    if six:
        row[at.SRC_HIGH], row[at.SRC_LOW] = _address(data, place + 8), _address(data, place + 16)
        row[at.DST_HIGH], row[at.DST_LOW] = _address(data, place + 24), _address(data, place + 32)
    else:
        row[at.SRC_LOW] = at.MAPPED_IPV4 | _word(data, place + 8)
        row[at.DST_LOW] = at.MAPPED_IPV4 | _word(data, place + 12)
    row[at.ETHERTYPE], row[at.PROTOCOL] = (at.IPV6 if six else at.IPV4), _word(data, place + 4) & 0xFF
    ports = place + (40 if six else 16)
    row[at.SRC_PORT], row[at.DST_PORT] = _word(data, ports) & 0xFFFF, _word(data, ports + 4) & 0xFFFF
    row[FORWARD + at.TCP_FLAGS], row[FORWARD + at.TOS] = _word(data, ports + 8) & 0xFF, _word(data, ports + 12) & 0xFF
    row[FORWARD + at.BYTES] = min(_word(data, place), LONGEST)


@inlined
def _packet(data: Any, place: int, end: int, records: int, tunnels: int, facts: Any, row: Any) -> Any:
    """Find the packet among the records of a sample; return whether there is one, -1 where a length lies."""
    found = 0
    for _ in range(min(records, MOST_RECORDS)):
        if place + 8 > end:
            return -1
        kind, length = _word(data, place), _word(data, place + 4)
        body = place + 8
        if length > end - body:
            return -1
        if kind == RAW_HEADER and length >= 16:
            captured = _word(data, body + 12)
            link = _link(_word(data, body))
            if captured > length - 16:
                return -1
            if link >= 0 and captured:
                wire = max(_word(data, body + 4), captured)
                _header(data, body + 16, captured, wire, link, tunnels, facts, row)
                return 1
        elif not found and ((kind == IPV4_FIELDS and length >= 32) or (kind == IPV6_FIELDS and length >= 56)):
            _fields(data, body, kind == IPV6_FIELDS, row)
            found = 1
        place = body + ((length + 3) & ~3)
    return found


@inlined
def _sample(data: Any, place: int, end: int, expanded: bool, tunnels: int, facts: Any, row: Any) -> Any:
    """Read a flow sample; return as `_packet`."""
    head = 44 if expanded else 32
    if end - place < head:
        return -1
    begin = place + (12 if expanded else 8)
    rate = min(max(1, _word(data, begin)), MOST_RATE)
    if expanded:
        came = 0 if _word(data, begin + 12) else _word(data, begin + 16)
        left = 0 if _word(data, begin + 20) else _word(data, begin + 24)
    else:
        came, left = _word(data, begin + 12), _word(data, begin + 16)
        came = 0 if came >> 30 or came == UNKNOWN_INTERFACE else came
        left = 0 if left >> 30 or left == UNKNOWN_INTERFACE else left
    found = _packet(data, place + head, end, _word(data, place + head - 4), tunnels, facts, row)
    if found > 0:
        size = row[FORWARD + at.BYTES]
        row[at.SAMPLING], row[FORWARD + at.IN_INTERFACE], row[FORWARD + at.OUT_INTERFACE] = rate, came, left
        row[FORWARD + at.SIZE_MIN] = row[FORWARD + at.SIZE_MAX] = size
        row[FORWARD + at.PACKETS], row[FORWARD + at.BYTES] = rate, size * rate
        row[FORWARD + at.APP_BYTES] *= rate
    return found


@kernel
def samples(data: Any, datagrams: Any, tunnels: int, state: Any, facts: Any, rows: Any, told: Any) -> Any:
    """Fill rows from where `state` (datagram, place, samples of it, ordinal) says; returns how many.

    `told` counts by datagram. A length that lies ends its datagram.
    """
    written, number, place, seen = 0, state[0], state[1], state[2]
    while number < len(datagrams) and written < len(rows):
        datagram = datagrams[number]
        end = min(datagram[END], len(data))
        place = max(place, datagram[BEGIN])
        while place + 8 <= end and written < len(rows):
            kind, length = _word(data, place), _word(data, place + 4)
            body = place + 8
            seen += 1
            if length > end - body or seen > MOST_SAMPLES:
                told[number, TOLD_MALFORMED] += 1
                place = end
                break
            if kind in (FLOW, EXPANDED_FLOW):
                row = rows[written]
                row[:] = 0
                expanded = kind == EXPANDED_FLOW
                found = _sample(data, body, body + length, expanded, tunnels, facts, row)
                if found > 0:
                    row[at.EXPORTER], row[at.ARRIVED] = datagram[STREAM], datagram[ARRIVED]
                    row[at.ORDINAL], row[at.GATHERED] = state[3], 1
                    row[FORWARD] = row[FORWARD + 1] = datagram[ARRIVED]
                    state[3] += 1
                    written += 1
                    told[number, TOLD_SAMPLES] += 1
                else:
                    told[number, TOLD_NO_PACKET if found == 0 else TOLD_MALFORMED] += 1
            elif kind in (COUNTER, EXPANDED_COUNTER):
                told[number, TOLD_COUNTERS] += 1
            else:
                told[number, TOLD_OTHERS] += 1
            place = body + ((length + 3) & ~3)
        if place + 8 > end:
            number, place, seen = number + 1, 0, 0
    state[0], state[1], state[2] = number, place, seen
    return written
