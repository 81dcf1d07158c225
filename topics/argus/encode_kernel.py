"""Records of ours to records of Argus, version 3, as 32-bit words: what argus 3.0.8 and its clients write themselves.

What has no place in that format is left out; docs/argus-files.md lists it by field.
"""

# ruff: noqa: ANN401 - arrays and integers that only Numba types

from __future__ import annotations

from typing import Any

import numpy as np

from topics.argus import layout as at
from topics.argus.layout import word_of
from topics.compiled import inlined, kernel
from topics.flags import Cause, Encapsulation, FlowFlags, TcpState

FIXED_WORDS = 192  # more than all parts of a record together, but for payload and label
MOST_PAYLOAD, MOST_LABEL = 4096, 1000  # bytes of a record that are kept
# As Any: mypy knows of scalars what Numba does not hold to.
INT64: Any = np.int64
U: Any = np.uint64
SRC_ADDRESS, DST_ADDRESS, ROUTER = (word_of(name) for name in ("src_address", "dst_address", "icmp_error_router"))
TCP, UDP, ICMP, ESP, ICMPV6, DNS = 6, 17, 1, 50, 58, 53
IPV4, IPV6, ARP, MIXED = 0x0800, 0x86DD, 0x0806, 0
NANO, MICRO, LLC_LIMIT = 1_000_000_000, 1000, 1536
LONGEST_OFFSET = (1 << 31) - 1  # microseconds
IS_LLC, IS_FRAGMENT = int(Encapsulation.LLC), int(FlowFlags.FRAGMENTS)
IS_RTP, IS_RTCP, SEVERAL_MACS = int(FlowFlags.RTP), int(FlowFlags.RTCP), int(FlowFlags.MULTIPLE_MACS)
ESTABLISHED = int(TcpState.ESTABLISHED)
RESENT = int(TcpState.SRC_RETRANSMITTED | TcpState.DST_RETRANSMITTED)  # clients look for both in a side of IPv6
KNOWN_ENCAPSULATIONS = 0x1FFFFFFF  # all but the one that is ours
CAUSES = np.zeros(8, np.uint8)
CAUSES[Cause.START], CAUSES[Cause.STATUS], CAUSES[Cause.CLOSE] = at.START, at.STATUS, at.STOP
CAUSES[Cause.TIMEOUT], CAUSES[Cause.REUSE], CAUSES[Cause.SHUTDOWN] = at.TIMEOUT, at.STOP, at.SHUTDOWN
CAUSES[Cause.EVICTED] = at.FLUSH
U8, U16, U32, U64 = 1, 2, 3, 4


@inlined
def _turned(word: Any) -> Any:
    value = INT64(word)
    return (value & 0xFF) << 24 | (value >> 8 & 0xFF) << 16 | (value >> 16 & 0xFF) << 8 | value >> 24 & 0xFF


@inlined
def _six(octets: Any, out: Any, word: Any, half: Any) -> None:
    """Write six bytes from a word on, or from its second half on."""
    one = INT64(octets[0]) << 8 | INT64(octets[1])
    two = INT64(octets[2]) << 8 | INT64(octets[3])
    three = INT64(octets[4]) << 8 | INT64(octets[5])
    if half:
        out[word] = (INT64(out[word]) & 0xFFFF0000) | one
        out[word + 1] = two << 16 | three
    else:
        out[word] = one << 16 | two
        out[word + 1] = three << 16 | (INT64(out[word + 1]) & 0xFFFF)


@inlined
def _mask(length: Any, whole: Any) -> Any:
    return max(INT64(length) - (128 - whole), 0)


@inlined
def _ipv4_key(record: Any, row: Any, words: Any, out: Any, p: Any) -> Any:
    masked = record.src_prefix_length != 128 or record.dst_prefix_length != 128
    protocol, qualifier = INT64(record.protocol), at.KEY_IPV4
    sport, dport, spare = INT64(record.src_port), INT64(record.dst_port), INT64(record.discriminator)
    low = dport << 16
    if protocol == ICMP:
        low = (dport & 0xFF) << 24 | (dport & 0xFF00) << 8 | (spare & 0xFF) << 8 | (spare >> 8 & 0xFF)
    elif protocol == ESP:
        low = spare & 0xFFFFFFFF
    elif spare and not sport and not dport and record.flow_flags & IS_FRAGMENT:
        qualifier |= at.FRAGMENT
        low = spare & 0xFFFF
    elif masked:
        qualifier |= at.MASKS_VALID
        low |= _mask(record.src_prefix_length, 32) << 8 | _mask(record.dst_prefix_length, 32)
    elif protocol == UDP and (DNS in (sport, dport)):
        low |= spare & 0xFFFF
    out[p] = at.KEY << 24 | at.FIVE_TUPLE << 16 | qualifier << 8 | 5
    out[p + 1], out[p + 2] = _turned(words[row, SRC_ADDRESS + 3]), _turned(words[row, DST_ADDRESS + 3])
    out[p + 3], out[p + 4] = protocol << 24 | sport, low
    return p + 5


@inlined
def _ipv6_key(record: Any, row: Any, words: Any, out: Any, p: Any) -> Any:
    masked = record.src_prefix_length != 128 or record.dst_prefix_length != 128
    for word in range(4):
        out[p + 1 + word] = _turned(words[row, SRC_ADDRESS + word])
        out[p + 5 + word] = _turned(words[row, DST_ADDRESS + word])
    out[p + 9] = INT64(record.protocol) << 24
    out[p + 10] = INT64(record.src_port) << 16 | INT64(record.dst_port)
    if record.protocol == ESP:
        out[p + 10] = record.discriminator
    qualifier, size = at.KEY_IPV6, 11
    if masked and record.protocol != ICMPV6:
        qualifier |= at.MASKS_VALID
        out[p + 11] = INT64(record.src_prefix_length) << 24 | INT64(record.dst_prefix_length) << 8
        size = 12
    out[p] = at.KEY << 24 | at.FIVE_TUPLE << 16 | qualifier << 8 | size
    return p + size


@inlined
def _link_key(record: Any, out: Any, p: Any) -> Any:
    kind = INT64(record.ethertype)
    encapsulated = (record.src_encapsulations | record.dst_encapsulations) & IS_LLC != 0
    is_llc = encapsulated and (kind < LLC_LIMIT or kind >> 9 == (kind & 0xFF) >> 1)
    out[p] = at.KEY << 24 | at.FIVE_TUPLE << 16 | at.KEY_ETHERNET << 8 | 5
    out[p + 2] = 0
    _six(record.dst_address[10:], out, p + 1, 0)
    _six(record.src_address[10:], out, p + 2, 1)
    out[p + 4] = kind if is_llc else kind << 16
    return p + 5


@inlined
def _key(record: Any, row: Any, words: Any, out: Any, p: Any) -> Any:
    kind = record.ethertype
    if kind in (IPV4, MIXED):
        return _ipv4_key(record, row, words, out, p)
    if kind == IPV6:
        return _ipv6_key(record, row, words, out, p)
    if kind == ARP:
        out[p] = at.KEY << 24 | at.ARP_KEY << 16 | at.KEY_ARP << 8 | 6
        out[p + 1], out[p + 2] = 1 << 16 | IPV4, 6 << 24 | 4 << 16 | 1
        out[p + 3], out[p + 4] = _turned(words[row, SRC_ADDRESS + 3]), _turned(words[row, DST_ADDRESS + 3])
        out[p + 5] = INT64(record.src_mac[0]) << 24 | INT64(record.src_mac[1]) << 16
        out[p + 5] |= INT64(record.src_mac[2]) << 8 | INT64(record.src_mac[3])
        return p + 6
    return _link_key(record, out, p)


@inlined
def _stamp(time: Any, out: Any, p: Any) -> None:
    out[p], out[p + 1] = time // NANO, time % NANO // MICRO


@inlined
def _times(record: Any, out: Any, p: Any) -> Any:
    """Write when the first and the last packet was, of each direction where these are not the same."""
    src, src_end = max(record.src_first, 0), max(record.src_last, 0)
    dst, dst_end = max(record.dst_first, 0), max(record.dst_last, 0)
    if src and dst and (src != dst or src_end != dst_end):
        base = src // MICRO
        ends = (src_end // MICRO - base, dst // MICRO - base, dst_end // MICRO - base)
        if max(ends[0], ends[1], ends[2]) < LONGEST_OFFSET and min(ends[0], ends[1], ends[2]) > -LONGEST_OFFSET:
            out[p] = at.TIME << 24 | 0x7D << 16 | at.MICROSECONDS << 8 | 6
            _stamp(src, out, p + 1)
            for end in range(3):
                out[p + 3 + end] = ends[end] & 0xFFFFFFFF
            return p + 6
    first = min(src, dst) if src and dst else max(src, dst)
    last = max(src_end, dst_end, first)
    out[p] = at.TIME << 24 | 2 << 16 | at.MICROSECONDS << 8 | 5
    _stamp(first, out, p + 1)
    _stamp(last, out, p + 3)
    return p + 5


@inlined
def _metric(record: Any, out: Any, p: Any) -> Any:
    src = (record.src_packets, record.src_bytes, record.src_app_bytes)
    dst = (record.dst_packets, record.dst_bytes, record.dst_app_bytes)
    side = 0 if dst[0] | dst[1] | dst[2] else 4  # the forms that argus writes: one for the source alone, none in bytes
    values = 3 if src[2] | dst[2] else 2
    most = max(src[0], src[1], src[2], dst[0], dst[1], dst[2])
    width = U8 if most < 1 << 8 and not side else (U16 if most < 1 << 16 else (U32 if most < 1 << 32 else U64))
    size = 1 << (width - 1)
    used, word = 0, U(0)
    q = p + 1
    for number in range(1 if side else 2):
        for place in range(values):
            value = U(src[place] if number == 0 else dst[place])
            if size == 8:
                out[q], out[q + 1] = value >> U(32), value & U(0xFFFFFFFF)
                q += 2
                continue
            word = word << U(8 * size) | value
            used += size
            if used == 4:
                out[q] = word & U(0xFFFFFFFF)
                q, used, word = q + 1, 0, U(0)
    if used:
        out[q] = word << U(8 * (4 - used)) & U(0xFFFFFFFF)
        q += 1
    out[p] = at.METRIC << 24 | (4 if values == 3 else 1) << 16 | (width + side) << 8 | (q - p)
    return q


@inlined
def _tcp_side(
    last: Any,
    base: Any,
    sequence: Any,
    ack: Any,
    resent: Any,
    gap: Any,
    window: Any,
    shift: Any,
    flags: Any,
    out: Any,
    p: Any,
) -> Any:
    """Write one direction; its byte count is such that Argus's clients conclude the gap that is known."""
    seen = (sequence - base) & 0xFFFFFFFF
    shift = min(shift, 14)
    while window >> shift > 0xFFFF:
        shift += 1
    _stamp(max(last, 0), out, p)
    out[p + 2] = RESENT if resent > 0 else 0
    out[p + 3], out[p + 4], out[p + 5] = base, sequence, ack
    out[p + 6], out[p + 7] = 0, seen if gap <= 0 else max(seen - gap - 1, 0)
    out[p + 8], out[p + 9], out[p + 10] = min(max(resent, 0), 0xFFFFFFFF), 0, 0
    out[p + 11] = (window >> shift) << 16 | (flags & 0xFF) << 8 | shift
    return p + 12


@inlined
def _tcp(record: Any, out: Any, p: Any) -> Any:
    out[p] = at.NETWORK << 24 | at.TCP_PERFORMANCE << 16 | 30
    out[p + 1], out[p + 2], out[p + 3] = record.tcp_state, ESTABLISHED if record.tcp_state else 0, record.tcp_options
    out[p + 4] = min(max(record.syn_ack_time // MICRO, 0), 0xFFFFFFFF)
    out[p + 5] = min(max(record.ack_data_time // MICRO, 0), 0xFFFFFFFF)
    q = _tcp_side(
        record.src_last,
        INT64(record.src_base_sequence),
        INT64(record.src_last_sequence),
        INT64(record.src_last_ack),
        record.src_retransmitted_packets,
        record.src_gap_bytes,
        INT64(record.src_window),
        INT64(record.src_window_shift),
        INT64(record.src_tcp_flags),
        out,
        p + 6,
    )
    return _tcp_side(
        record.dst_last,
        INT64(record.dst_base_sequence),
        INT64(record.dst_last_sequence),
        INT64(record.dst_last_ack),
        record.dst_retransmitted_packets,
        record.dst_gap_bytes,
        INT64(record.dst_window),
        INT64(record.dst_window_shift),
        INT64(record.dst_tcp_flags),
        out,
        q,
    )


@inlined
def _network(record: Any, out: Any, p: Any) -> Any:
    if record.protocol == TCP:
        return _tcp(record, out, p)
    src, dst = max(record.src_lost_packets, 0), max(record.dst_lost_packets, 0)
    size = 1
    if record.flow_flags & IS_RTP:
        kind, size = at.RTP, 10
    elif record.flow_flags & IS_RTCP:
        kind, size = at.RTCP, 6
    elif record.protocol == ESP:
        kind, size = at.ESP_STATE, 5
    else:
        kind = 0
    for word in range(1, size):
        out[p + word] = 0
    if kind == at.RTP:
        out[p + 8] = min(src, 0xFFFF) << 16 | min(dst, 0xFFFF)
    elif kind == at.ESP_STATE:
        out[p + 2], out[p + 4] = record.discriminator, min(src, 0xFFFFFFFF)
    out[p] = at.NETWORK << 24 | kind << 16 | size
    return p + size


@inlined
def _jitter_of(count: Any, total: Any, squares: Any, least: Any, most: Any, out: Any, floats: Any, p: Any) -> Any:
    mean = total / count / 1000.0
    out[p] = min(count, 0x7FFFFFFF)
    floats[p + 1], floats[p + 2] = least / 1000.0, mean
    floats[p + 3], floats[p + 4] = np.sqrt(max(squares / count - mean * mean, 0.0)), most / 1000.0
    return p + 5


@inlined
def _jitter(record: Any, out: Any, floats: Any, p: Any) -> Any:
    which, q = 0, p + 1
    if record.src_interval_count > 0:
        which |= 1
        q = _jitter_of(
            record.src_interval_count,
            record.src_interval_sum,
            record.src_interval_square_sum,
            record.src_interval_min,
            record.src_interval_max,
            out,
            floats,
            q,
        )
    if record.src_idle_interval_count > 0:
        which |= 2
        q = _jitter_of(
            record.src_idle_interval_count,
            record.src_idle_interval_sum,
            record.src_idle_interval_square_sum,
            record.src_idle_interval_min,
            record.src_idle_interval_max,
            out,
            floats,
            q,
        )
    if record.dst_interval_count > 0:
        which |= 4
        q = _jitter_of(
            record.dst_interval_count,
            record.dst_interval_sum,
            record.dst_interval_square_sum,
            record.dst_interval_min,
            record.dst_interval_max,
            out,
            floats,
            q,
        )
    if record.dst_idle_interval_count > 0:
        which |= 8
        q = _jitter_of(
            record.dst_idle_interval_count,
            record.dst_idle_interval_sum,
            record.dst_idle_interval_square_sum,
            record.dst_idle_interval_min,
            record.dst_idle_interval_max,
            out,
            floats,
            q,
        )
    if not which:
        return p
    out[p] = at.JITTER << 24 | which << 8 | (q - p)
    return q


@inlined
def _options(seen: Any) -> Any:
    found = 0
    for theirs, ours in at.IP_OPTIONS:
        if seen & ours:
            found |= theirs
    return found


@inlined
def _ip_attributes(record: Any, out: Any, p: Any) -> Any:
    which, q = 0, p + 1
    if record.src_packets > 0 or record.src_ttl:
        which |= 1
        out[q] = INT64(record.src_ttl) << 24 | INT64(record.src_tos) << 16 | INT64(record.src_ip_id)
        q += 1
        seen = _options(INT64(record.src_ip_options))
        if seen:
            which |= 4
            out[q] = seen
            q += 1
    if record.dst_packets > 0 or record.dst_ttl:
        which |= 2
        out[q] = INT64(record.dst_ttl) << 24 | INT64(record.dst_tos) << 16 | INT64(record.dst_ip_id)
        q += 1
        seen = _options(INT64(record.dst_ip_options))
        if seen:
            which |= 8
            out[q] = seen
            q += 1
    if record.flow_flags & IS_FRAGMENT:
        which |= 0x30 if which & 3 == 3 else (0x10 if which & 1 else 0x20)
    if not which & 3:
        return p
    out[p] = at.IP_ATTRIBUTES << 24 | which << 8 | (q - p)
    return q


@inlined
def _sizes(record: Any, out: Any, p: Any) -> Any:
    src, dst = record.src_size_max > 0, record.dst_size_max > 0
    if not src and not dst:
        return p
    q = p + 1
    if src:
        out[q] = min(INT64(record.src_size_min), 0xFFFF) << 16 | min(INT64(record.src_size_max), 0xFFFF)
        q += 1
    if dst:
        out[q] = min(INT64(record.dst_size_min), 0xFFFF) << 16 | min(INT64(record.dst_size_max), 0xFFFF)
        q += 1
    out[p] = at.SIZES << 24 | (2 if src and dst else (6 if src else 10)) << 8 | (q - p)
    return q


@inlined
def _any(octets: Any) -> Any:
    found = 0
    for byte in range(len(octets)):
        found |= INT64(octets[byte])
    return found != 0


@inlined
def _link(record: Any, out: Any, p: Any) -> Any:
    """Write what the frames had before the network header."""
    if _any(record.src_mac) or _any(record.dst_mac):
        several = 3 if record.flow_flags & SEVERAL_MACS else 0
        out[p] = at.MAC << 24 | several << 8 | 5
        out[p + 2] = 0
        _six(record.dst_mac, out, p + 1, 0)
        _six(record.src_mac, out, p + 2, 1)
        out[p + 4] = INT64(record.ethertype) << 16
        p += 5
    if record.src_vlan or record.dst_vlan:
        which = (1 if record.src_vlan else 0) | (2 if record.dst_vlan else 0)
        out[p] = at.VLAN << 24 | which << 8 | 2
        out[p + 1] = INT64(record.src_vlan) << 16 | INT64(record.dst_vlan)
        p += 2
    if record.dst_mpls:
        out[p] = at.MPLS << 24 | 3 << 16 | 0x11 << 8 | 3
        out[p + 1], out[p + 2] = record.src_mpls, record.dst_mpls
        p += 3
    elif record.src_mpls:
        out[p] = at.MPLS << 24 | 1 << 16 | 0x10 << 8 | 2
        out[p + 1] = record.src_mpls
        p += 2
    src, dst = INT64(record.src_encapsulations), INT64(record.dst_encapsulations)
    if (src | dst) & KNOWN_ENCAPSULATIONS:
        out[p] = at.ENCAPSULATIONS << 24 | 3
        out[p + 1], out[p + 2] = src & KNOWN_ENCAPSULATIONS, dst & KNOWN_ENCAPSULATIONS
        p += 3
    return p


@inlined
def _icmp_error(record: Any, row: Any, words: Any, out: Any, p: Any) -> Any:
    if not record.icmp_error:
        return p
    for word in range(8):
        out[p + word] = 0
    out[p] = at.ICMP_ERROR << 24 | INT64(record.icmp_error) << 8 | 8
    out[p + 1] = INT64(record.icmp_error_type) << 24 | INT64(record.icmp_error_code) << 16
    out[p + 2] = _turned(words[row, ROUTER + 3])
    return p + 8


@inlined
def _text(heap: Any, first: Any, count: Any, out: Any, p: Any) -> Any:
    """Write bytes, padded with zeros to a word; returns the word behind them."""
    word, used = 0, 0
    for byte in range(count):
        word = word << 8 | INT64(heap[first + byte])
        used += 1
        if used == 4:
            out[p] = word
            p, word, used = p + 1, 0, 0
    if used:
        out[p] = word << 8 * (4 - used)
        p += 1
    return p


@inlined
def _payload(heap: Any, first: Any, count: Any, sub: Any, out: Any, p: Any) -> Any:
    if not count:
        return p
    count = min(count, MOST_PAYLOAD)
    q = _text(heap, first, count, out, p + 2)
    out[p] = at.DATA << 24 | sub << 16 | (q - p)
    out[p + 1] = count << 16 | count
    return q


@inlined
def _label(heap: Any, first: Any, count: Any, out: Any, p: Any) -> Any:
    if not count:
        return p
    count = min(count, MOST_LABEL)
    q = _text(heap, first, count, out, p + 1)
    if count % 4 == 0:  # its end is a zero
        out[q] = 0
        q += 1
    out[p] = at.LABEL << 24 | (q - p)
    return q


@inlined
def _aggregation(record: Any, out: Any, floats: Any, p: Any) -> Any:
    """Write what clients keep of merged records, their durations (4); floats in the order of the processor."""
    if record.records <= 1:
        return p
    for word in range(1, 20):
        out[p + word] = 0
    out[p] = at.AGGREGATION << 24 | 4 << 16 | 1 << 8 | 20
    out[p + 1] = out[p + 6] = min(record.records, 0x7FFFFFFF)
    mean = record.duration_sum / record.records
    square = max(record.duration_square_sum * 1e6 / record.records - mean * mean, 0.0)
    floats[p + 7], floats[p + 8] = record.duration_min / 1e9, mean / 1e9
    floats[p + 9], floats[p + 10] = np.sqrt(square) / 1e9, record.duration_max / 1e9
    for word in range(p + 7, p + 11):
        out[word] = _turned(out[word])
    return p + 20


@inlined
def _source(record: Any, observers: Any, kinds: Any, values: Any, sequence: Any, out: Any, p: Any) -> Any:
    number = 0
    for each in range(len(observers)):
        if observers[each] == record.observer:
            number = each
            break
    known = len(observers) > 0
    out[p] = at.TRANSPORT << 24 | 3 << 16 | (INT64(kinds[number]) if known else 0) << 8 | 3
    out[p + 1] = INT64(values[number]) if known else 0
    out[p + 2] = sequence & 0xFFFFFFFF
    return p + 3


@kernel
def encode(
    records: Any,
    words: Any,
    heap: Any,
    start: Any,
    observers: Any,
    kinds: Any,
    values: Any,
    sequence: Any,
    out: Any,
    floats: Any,
    ends: Any,
) -> Any:
    """Encode records from row `start` on into `out`, with numbers from `sequence` on; return rows and words written.

    `words` are the records as 32-bit words, `floats` is `out` as floats; `ends[row]` becomes the word behind a record.
    `observers`, `kinds` and `values` tell the source id of each observer.
    """
    p, row = 0, start
    while row < len(records):
        record = records[row]
        text = min(record.src_payload_length, MOST_PAYLOAD) + min(record.dst_payload_length, MOST_PAYLOAD)
        if p + FIXED_WORDS + (text + min(record.labels_length, MOST_LABEL)) // 4 > len(out):
            break
        q = _source(record, observers, kinds, values, sequence + row - start, out, p + 1)
        q = _key(record, row, words, out, q)
        q = _times(record, out, q)
        q = _metric(record, out, q)
        q = _network(record, out, q)
        if record.ethertype in (IPV4, IPV6, MIXED):
            q = _ip_attributes(record, out, q)
        q = _sizes(record, out, q)
        q = _jitter(record, out, floats, q)
        q = _link(record, out, q)
        q = _icmp_error(record, row, words, out, q)
        q = _aggregation(record, out, floats, q)
        q = _payload(heap, record.src_payload_offset, record.src_payload_length, 0x90, out, q)
        q = _payload(heap, record.dst_payload_offset, record.dst_payload_length, 0xA0, out, q)
        q = _label(heap, record.labels_offset, record.labels_length, out, q)
        # Clients take the state of the first record of a flow from its cause.
        cause = at.START if record.status_sequence == 0 else INT64(CAUSES[record.cause & 7])
        out[p] = at.FLOW << 28 | 3 << 24 | cause << 20 | (q - p)
        p = ends[row] = q
        row += 1
    return row, p
