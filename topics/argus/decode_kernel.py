"""Argus records to records of ours, in one pass over 32-bit words. Every length is checked before it is followed.

Layouts are those that argus 3.0.8 and 5.0.3 were seen to write; docs/argus-files.md says what has no field here.
"""

# ruff: noqa: ANN401 - arrays and integers that only Numba types

from __future__ import annotations

from typing import Any

import numpy as np

from topics.argus import layout as at
from topics.argus.layout import word_of
from topics.compiled import inlined, kernel
from topics.flags import Cause, Encapsulation, FlowFlags, TunnelKind

# State of a call: what the kernel tells besides how far it came.
ROWS, HEAP_USED, WHY, PLACE, FLOWS, OTHERS, UNKNOWN, MANAGEMENT_RECORDS, EVENT_RECORDS, NOTED, SOURCES, STATE = range(
    12
)
END, FULL, NEW_SOURCE, MANY_NOTED, NO_LENGTH, BAD_VERSION, BAD_PART = range(7)

TCP, UDP, ICMP, IGMP, ESP, ICMPV6, DNS = 6, 17, 1, 2, 50, 58, 53
IPV4, IPV6, ARP, RARP, WLAN = 0x0800, 0x86DD, 0x0806, 0x8035, 0x0019
MAPPED = 0xFFFF0000  # ::ffff before an IPv4 address, as it stands in memory
# As Any: mypy knows of scalars what Numba does not hold to.
INT64: Any = np.int64
FLOAT64: Any = np.float64
UINT8: Any = np.uint8
U: Any = np.uint64
SRC_ADDRESS, DST_ADDRESS, ROUTER, FLOW_ID = (
    word_of(name) for name in ("src_address", "dst_address", "icmp_error_router", "flow_id")
)
NANO, MICRO = 1_000_000_000, 1000
MOST = (1 << 62) - 1  # a counter that lies still adds up
LABEL_ROOM = 128  # bytes of text for what is no text in a record of Argus: countries and origin AS
FIRST, LEAST_SEQUENCE = Cause.START, 1
IS_FRAGMENT, IS_ADJUSTED, IS_RTP, IS_RTCP, SEVERAL_MACS = (
    int(flag)
    for flag in (
        FlowFlags.FRAGMENTS,
        FlowFlags.TIME_ADJUSTED,
        FlowFlags.RTP,
        FlowFlags.RTCP,
        FlowFlags.MULTIPLE_MACS,
    )
)
IN_GRE, IN_VXLAN, IN_GENEVE = int(TunnelKind.GRE), int(TunnelKind.VXLAN), int(TunnelKind.GENEVE)
IS_LLC, ISIS_POINTS = int(Encapsulation.LLC), 0xFEFE
CAUSES = np.full(16, Cause.STATUS, np.uint8)
CAUSES[at.START], CAUSES[at.STOP], CAUSES[at.TIMEOUT] = Cause.START, Cause.CLOSE, Cause.TIMEOUT
CAUSES[at.FLUSH], CAUSES[at.SHUTDOWN], CAUSES[at.CLOSED] = Cause.SHUTDOWN, Cause.SHUTDOWN, Cause.CLOSE
CAUSES[at.ERROR] = Cause.EVICTED


@inlined
def _ipv4(out32: Any, row: Any, place: Any, raw: Any) -> None:
    out32[row, place + 2] = MAPPED
    out32[row, place + 3] = raw


@inlined
def _bytes(target: Any, octets: Any, first: Any, count: Any) -> None:
    for byte in range(count):
        target[byte] = octets[first + byte]


@inlined
def _number(octets: Any, first: Any, width: Any) -> Any:
    value = INT64(0)
    for byte in range(width):
        value = value << 8 | INT64(octets[first + byte])
    return value & MOST


@inlined
def _prefix(bits: Any, whole: Any) -> Any:
    """Return how many leading bits of 128 a mask keeps; of IPv4 addresses the mapping comes before them."""
    return UINT8(128 - whole + min(bits, whole))


@inlined
def _ipv4_key(words: Any, raw: Any, p: Any, qualifier: Any, turned: Any, record: Any, row: Any, out32: Any) -> None:
    src, dst = (p + 1, p) if turned else (p, p + 1)
    _ipv4(out32, row, SRC_ADDRESS, raw[src])
    _ipv4(out32, row, DST_ADDRESS, raw[dst])
    third, fourth = INT64(words[p + 2]), INT64(words[p + 3])
    record.ethertype, protocol = IPV4, third >> 24
    record.protocol = protocol
    if qualifier & at.FRAGMENT:
        record.discriminator = fourth & 0xFFFF
        record.flow_flags |= IS_FRAGMENT
        return
    if protocol == ICMP:
        record.src_port = third & 0xFFFF
        record.dst_port = (fourth >> 24 & 0xFF) | (fourth >> 8 & 0xFF00)  # left in the order of the probe's processor
        record.discriminator = (fourth >> 8 & 0xFF) | (fourth << 8 & 0xFF00)
        return
    if protocol == ESP:
        record.discriminator = fourth
        return
    sport, dport = third & 0xFFFF, fourth >> 16
    record.src_port, record.dst_port = (dport, sport) if turned else (sport, dport)
    if qualifier & at.MASKS_VALID:
        first, second = fourth >> 8 & 0xFF, fourth & 0xFF
        record.src_prefix_length = _prefix(second if turned else first, 32)
        record.dst_prefix_length = _prefix(first if turned else second, 32)
    elif protocol == UDP and (DNS in (sport, dport)):
        record.discriminator = fourth & 0xFFFF


@inlined
def _ipv6_key(
    words: Any, raw: Any, p: Any, length: Any, qualifier: Any, turned: Any, record: Any, row: Any, out32: Any
) -> None:
    src, dst = (p + 4, p) if turned else (p, p + 4)
    for word in range(4):
        out32[row, SRC_ADDRESS + word] = raw[src + word]
        out32[row, DST_ADDRESS + word] = raw[dst + word]
    protocol, ports = INT64(words[p + 8]) >> 24, INT64(words[p + 9])
    record.ethertype, record.protocol = IPV6, protocol
    if protocol == ESP:
        record.discriminator = ports
        return
    first, second = ports >> 16, ports & 0xFFFF
    if protocol == ICMPV6:
        record.src_port, record.dst_port = first, second
        return
    record.src_port, record.dst_port = (second, first) if turned else (first, second)
    if qualifier & at.FRAGMENT:
        record.flow_flags |= IS_FRAGMENT
        record.discriminator, record.src_port, record.dst_port = second, 0, 0
    if qualifier & at.MASKS_VALID and length > 11:
        masks = INT64(words[p + 10])  # each left in the order of the client's processor
        first, second = masks >> 24, masks >> 8 & 0xFF
        record.src_prefix_length = _prefix(second if turned else first, 128)
        record.dst_prefix_length = _prefix(first if turned else second, 128)


@inlined
def _key(words: Any, raw: Any, octets: Any, p: Any, length: Any, record: Any, row: Any, out32: Any) -> None:
    head = INT64(words[p])
    kind, sub, qualifier = head >> 8 & 0x1F, head >> 16 & 0xFF, head >> 8 & 0xFF
    turned = sub & at.REVERSED != 0
    if kind == at.KEY_IPV4 and length >= 5:
        _ipv4_key(words, raw, p + 1, qualifier, turned, record, row, out32)
    elif kind == at.KEY_IPV6 and length >= 11:
        _ipv6_key(words, raw, p + 1, length, qualifier, turned, record, row, out32)
    elif kind == at.KEY_ARP and length >= 5:
        record.ethertype = ARP
        _ipv4(out32, row, SRC_ADDRESS, raw[p + 3])
        _ipv4(out32, row, DST_ADDRESS, raw[p + 4])
    elif kind == at.KEY_RARP and length >= 4:
        record.ethertype = RARP
        _ipv4(out32, row, DST_ADDRESS, raw[p + 3])
    elif kind == at.KEY_ETHERNET and length >= 5:
        tail = INT64(words[p + 4])
        ethertype, points = tail >> 16, tail & 0xFFFF
        record.ethertype = points or ethertype
        _bytes(record.dst_address[10:], octets, 4 * p + (10 if turned else 4), 6)
        _bytes(record.src_address[10:], octets, 4 * p + (4 if turned else 10), 6)
    elif kind == at.KEY_WLAN and length >= 5:
        record.ethertype = WLAN
        _bytes(record.dst_address[10:], octets, 4 * p + 4, 6)
        _bytes(record.src_address[10:], octets, 4 * p + 10, 6)
    elif kind == at.KEY_ISIS and length >= 5:
        record.ethertype = ISIS_POINTS
        record.src_encapsulations |= IS_LLC
        _bytes(record.src_address[10:], octets, 4 * p + 8, 6)
        _bytes(record.dst_address[10:], octets, 4 * p + 14, 6)


@inlined
def _stamp(words: Any, p: Any, unit: Any) -> Any:
    return INT64(words[p]) * NANO + INT64(words[p + 1]) * unit


@inlined
def _times(words: Any, p: Any, length: Any, stamps: Any) -> None:
    """Fill in first and last, then first and last of each side, 0 where that is not told."""
    head = INT64(words[p])
    kind, which = head >> 16 & 7, head >> 19 & 15
    unit = 1 if head >> 8 & 0xFF == at.NANOSECONDS else MICRO
    stamps[:] = 0
    if length < 3:
        return
    first = last = _stamp(words, p + 1, unit)
    if kind == 5 or which:
        place, side = p + 1, 0
        offset = kind == 5
        given = 0
        for bit in range(4):
            if not which >> bit & 1:
                continue
            if not given:
                stamp = first
                place += 2
            elif offset:
                if place >= p + length:
                    break
                stamp = max(first + INT64(np.int32(words[place])) * unit, 0)
                place += 1
            else:
                if place + 1 >= p + length:
                    break
                stamp = _stamp(words, place, unit)
                place += 2
            stamps[2 + bit] = stamp
            given += 1
        for side in range(2):
            begin, end = stamps[2 + 2 * side], stamps[3 + 2 * side]
            stamps[2 + 2 * side] = begin or end
            stamps[3 + 2 * side] = max(end, begin)
        for stamp in range(2, 6):
            if stamps[stamp]:
                first, last = min(first, stamps[stamp]), max(last, stamps[stamp])
    elif kind != 1 and length >= 5:
        last = _stamp(words, p + 3, unit)
    stamps[0], stamps[1] = min(first, last), max(first, last)


@inlined
def _metric(octets: Any, p: Any, length: Any, head: Any, record: Any) -> None:
    qualifier = head >> 8 & 0xFF
    side, width = (qualifier - 1) >> 2, 1 << ((qualifier - 1) & 3)
    values = 3 if head >> 16 & 0xFF == 4 else 2
    place = 4 * p + 4
    if qualifier == 0 or side > 2 or values * width * (2 if side == 0 else 1) > 4 * (length - 1):
        return
    if side != at.OF_DESTINATION:
        record.src_packets = _number(octets, place, width)
        record.src_bytes = _number(octets, place + width, width)
        if values == 3:
            record.src_app_bytes = _number(octets, place + 2 * width, width)
        place += values * width
    if side != at.OF_SOURCE:
        record.dst_packets = _number(octets, place, width)
        record.dst_bytes = _number(octets, place + width, width)
        if values == 3:
            record.dst_app_bytes = _number(octets, place + 2 * width, width)


@inlined
def _sizes(octets: Any, p: Any, length: Any, head: Any, record: Any) -> None:
    qualifier = head >> 8 & 0xFF
    side, width = (qualifier - 1) >> 2, 1 << ((qualifier - 1) & 3)
    place = 4 * p + 4
    if qualifier == 0 or side > 2 or width > 4 or 2 * width * (2 if side == 0 else 1) > 4 * (length - 1):
        return
    if side != at.OF_DESTINATION:
        record.src_size_min = np.uint32(_number(octets, place, width))
        record.src_size_max = np.uint32(_number(octets, place + width, width))
        place += 2 * width
    if side != at.OF_SOURCE:
        record.dst_size_min = np.uint32(_number(octets, place, width))
        record.dst_size_max = np.uint32(_number(octets, place + width, width))


@inlined
def _gap(base: Any, sequence: Any, octets: Any, acknowledged: Any, window: Any, resent: Any) -> Any:
    """Return the bytes that were skipped, as Argus's clients conclude them."""
    if resent or sequence == 0 or base == acknowledged:
        return 0
    seen = (sequence - base) & 0xFFFFFFFF
    if seen in (octets, octets - window) or seen <= octets:
        return 0
    return seen - octets - 1


@inlined
def _tcp(words: Any, p: Any, length: Any, sub: Any, record: Any) -> None:
    if sub == at.TCP_STATUS and length >= 3:
        record.tcp_state |= words[p + 1]
        record.src_tcp_flags = words[p + 2] >> 24
        record.dst_tcp_flags = words[p + 2] >> 16 & 0xFF
    elif sub == at.TCP_INIT and length >= 5:
        record.tcp_state |= words[p + 1]
        record.src_base_sequence = words[p + 2]
        record.tcp_options |= words[p + 3]
        last = INT64(words[p + 4])
        record.src_tcp_flags, shift = last >> 8 & 0xFF, min(last & 0xFF, 14)
        record.src_window, record.src_window_shift = (last >> 16) << shift, shift
        if length >= 6:
            record.src_mss = words[p + 5] >> 16
    elif sub == at.TCP_PERFORMANCE and length >= 30:
        size = at.TCP_SIDE_5 if length >= 32 else at.TCP_SIDE_3
        record.tcp_state |= words[p + 1]
        record.tcp_options |= words[p + 3]
        record.syn_ack_time = INT64(words[p + 4]) * MICRO
        record.ack_data_time = INT64(words[p + 5]) * MICRO
        q = p + 6
        last = INT64(words[q + 11])
        shift = min(last & 0xFF, 14)
        base, sequence, resent = INT64(words[q + 3]), INT64(words[q + 4]), INT64(words[q + 8])
        record.src_base_sequence, record.src_last_sequence = base, sequence
        record.src_last_ack, record.src_retransmitted_packets, record.src_lost_packets = words[q + 5], resent, resent
        record.src_gap_bytes = _gap(
            base, sequence, INT64(words[q + 7]), INT64(words[q + 9]), INT64(words[q + 10]), resent
        )
        record.src_window, record.src_window_shift = (last >> 16) << shift, shift
        record.src_tcp_flags = last >> 8 & 0xFF
        q += size
        last = INT64(words[q + 11])
        shift = min(last & 0xFF, 14)
        base, sequence, resent = INT64(words[q + 3]), INT64(words[q + 4]), INT64(words[q + 8])
        record.dst_base_sequence, record.dst_last_sequence = base, sequence
        record.dst_last_ack, record.dst_retransmitted_packets, record.dst_lost_packets = words[q + 5], resent, resent
        record.dst_gap_bytes = _gap(
            base, sequence, INT64(words[q + 7]), INT64(words[q + 9]), INT64(words[q + 10]), resent
        )
        record.dst_window, record.dst_window_shift = (last >> 16) << shift, shift
        record.dst_tcp_flags = last >> 8 & 0xFF
        if size == at.TCP_SIDE_5:
            record.src_mss, record.dst_mss = words[p + 6 + 12] >> 16, words[q + 12] >> 16


@inlined
def _network(words: Any, p: Any, length: Any, head: Any, record: Any) -> None:
    sub = head >> 16 & 0xFF
    if sub in (at.TCP_INIT, at.TCP_STATUS, at.TCP_PERFORMANCE):
        _tcp(words, p, length, sub, record)
    elif sub == at.RTP:
        record.flow_flags |= IS_RTP
        if length >= 9:
            record.src_lost_packets = words[p + 8] >> 16
            record.dst_lost_packets = words[p + 8] & 0xFFFF
    elif sub == at.RTCP:
        record.flow_flags |= IS_RTCP
    elif sub == at.ESP_STATE and length >= 5:
        record.src_lost_packets = words[p + 4]


@inlined
def _moments(words: Any, floats: Any, p: Any, unit: Any, moments: Any) -> None:
    """Fill in count, sum (ns), sum of squares (us^2), shortest and longest (ns) from what Argus keeps of some times."""
    count = FLOAT64(np.int32(words[p]))
    least, mean = FLOAT64(floats[p + 1]), FLOAT64(floats[p + 2])
    deviation, most = FLOAT64(floats[p + 3]), FLOAT64(floats[p + 4])
    deviation = deviation if deviation == deviation else 0.0  # noqa: PLR0124 - argus 5 writes NaN
    moments[:] = 0.0
    sane = count > 0 and 0 <= mean < 1e15 and 0 <= least < 1e15 and 0 <= most < 1e15 and abs(deviation) < 1e15
    if sane:
        moments[0], moments[1] = count, count * mean * unit
        moments[2] = count * (mean * mean + deviation * deviation) * (unit / MICRO) * (unit / MICRO)
        moments[3], moments[4] = least * unit, most * unit


@inlined
def _round(value: Any) -> Any:
    return INT64(min(value, 4e18) + 0.5)


@inlined
def _jitter(words: Any, floats: Any, p: Any, length: Any, head: Any, record: Any, moments: Any) -> None:
    size = 7 if moments[5] else 5
    unit = 1.0 if moments[5] else 1000.0  # argus 5 counts nanoseconds
    which, place = head >> 8 & 15, p + 1
    for bit in range(4):
        if not which >> bit & 1:
            continue
        if place + size > p + length:
            return
        _moments(words, floats, place, unit, moments)
        count, total, squares = _round(moments[0]), _round(moments[1]), moments[2]
        least, most = _round(moments[3]), _round(moments[4])
        if bit == 0:
            record.src_interval_count, record.src_interval_sum = count, total
            record.src_interval_square_sum = squares
            record.src_interval_min, record.src_interval_max = least, most
        elif bit == 1:
            record.src_idle_interval_count, record.src_idle_interval_sum = count, total
            record.src_idle_interval_square_sum = squares
            record.src_idle_interval_min, record.src_idle_interval_max = least, most
        elif bit == 2:
            record.dst_interval_count, record.dst_interval_sum = count, total
            record.dst_interval_square_sum = squares
            record.dst_interval_min, record.dst_interval_max = least, most
        else:
            record.dst_idle_interval_count, record.dst_idle_interval_sum = count, total
            record.dst_idle_interval_square_sum = squares
            record.dst_idle_interval_min, record.dst_idle_interval_max = least, most
        place += size


@inlined
def _options(seen: Any) -> Any:
    found = 0
    for theirs, ours in at.IP_OPTIONS:
        if seen & theirs:
            found |= ours
    return found


@inlined
def _ip_attributes(words: Any, p: Any, length: Any, head: Any, record: Any) -> None:
    which, place = head >> 8 & 0xFF, p + 1
    if which & 0x30:
        record.flow_flags |= IS_FRAGMENT
    if which & 1 and place < p + length:
        word = INT64(words[place])
        ttl = word >> 24
        record.src_ttl, record.src_ttl_min, record.src_ttl_max = ttl, ttl, ttl
        record.src_tos, record.src_ip_id = word >> 16 & 0xFF, word & 0xFFFF
        place += 1
        if which & 4 and place < p + length:
            record.src_ip_options = _options(INT64(words[place]))
            place += 1
    if which & 2 and place < p + length:
        word = INT64(words[place])
        ttl = word >> 24
        record.dst_ttl, record.dst_ttl_min, record.dst_ttl_max = ttl, ttl, ttl
        record.dst_tos, record.dst_ip_id = word >> 16 & 0xFF, word & 0xFFFF
        place += 1
        if which & 8 and place < p + length:
            record.dst_ip_options = _options(INT64(words[place]))


@inlined
def _payload(octets: Any, words: Any, p: Any, length: Any, sub: Any, record: Any, heap: Any, used: Any) -> Any:
    """Keep what was captured of the payload of a side; returns how much of the heap is in use."""
    if length < 3:
        return used
    count = min(INT64(words[p + 1]) & 0xFFFF, INT64(words[p + 1]) >> 16, 4 * (length - 2))
    if not count:
        return used
    if sub & 0x30 == 0x20:
        record.dst_payload_offset, record.dst_payload_length = used, count
    else:
        record.src_payload_offset, record.src_payload_length = used, count
    _bytes(heap[used:], octets, 4 * p + 8, count)
    return used + count


@inlined
def _aggregation(words: Any, turned_floats: Any, p: Any, length: Any, record: Any, moments: Any) -> None:
    """Take what clients keep of merged records; they leave floats in the order of their processor."""
    if length < 6 + 5:
        return
    record.records = max(INT64(words[p + 1]), 1)
    _moments(words, turned_floats, p + 6, 1e9, moments)
    if moments[0]:
        record.duration_sum, record.duration_square_sum = _round(moments[1]), moments[2]
        record.duration_min, record.duration_max = _round(moments[3]), _round(moments[4])


@inlined
def _label_text(octets: Any, first: Any, count: Any, heap: Any, begin: Any, used: Any) -> Any:
    """Add the ASCII of a text to the label that begins at `begin`, behind a colon where there is some."""
    start = used
    if used > begin:
        heap[used] = 58
        used += 1
    written = used
    for byte in range(count):
        letter = octets[first + byte]
        if letter == 0:
            break
        if 32 < letter < 127:
            heap[used] = letter
            used += 1
    return start if used == written else used


@inlined
def _label_key(first: Any, second: Any, third: Any, heap: Any, begin: Any, used: Any) -> Any:
    if used > begin:
        heap[used] = 58
        used += 1
    heap[used], heap[used + 1], heap[used + 2] = first, second, third
    heap[used + 3] = 61
    return used + 4


@inlined
def _decimal(number: Any, heap: Any, used: Any) -> Any:
    power = 1
    while number // power >= 10:
        power *= 10
    while power:
        heap[used] = 48 + number // power % 10
        used += 1
        power //= 10
    return used


@inlined
def _country(octets: Any, first: Any, letter: Any, heap: Any, begin: Any, used: Any) -> Any:
    one, two = octets[first], octets[first + 1]
    if not (65 <= one <= 90 and 65 <= two <= 90):
        return used
    used = _label_key(letter, 99, 111, heap, begin, used)
    heap[used], heap[used + 1] = one, two
    return used + 2


@inlined
def _labels(words: Any, octets: Any, label: Any, country: Any, origins: Any, record: Any, heap: Any, used: Any) -> Any:
    """Join what a record says by words into the one text of ours; returns how much of the heap is in use."""
    begin = used
    if label:
        length = INT64(words[label]) & 0xFF
        used = _label_text(octets, 4 * label + 4, 4 * (length - 1), heap, begin, used)
    if country and INT64(words[country]) & 0xFF >= 2:
        used = _country(octets, 4 * country + 4, 115, heap, begin, used)
        used = _country(octets, 4 * country + 6, 100, heap, begin, used)
    if origins:
        length = INT64(words[origins]) & 0xFF
        for number in range(min(3, length - 1)):
            origin = INT64(words[origins + 1 + number])
            if origin:
                letter = 115 if number == 0 else (100 if number == 1 else 105)
                used = _label_key(letter, 97, 115, heap, begin, used)
                used = _decimal(origin, heap, used)
    if used > begin:
        record.labels_offset, record.labels_length = begin, used - begin
    return used


@inlined
def _tunnel(words: Any, octets: Any, p: Any, length: Any, kind: Any, record: Any, heap: Any, used: Any) -> Any:
    """Name the tunnel that argus 5 tells apart; returns how much of the heap is in use."""
    if kind == at.VXLAN and length >= 3:
        record.tunnel_kind, record.tunnel_id = IN_VXLAN, words[p + 1]
        inner = p + 3
    elif kind == at.GENEVE and length >= 3:
        record.tunnel_kind, record.tunnel_id = IN_GENEVE, words[p + 2] & 0xFFFFFF
        inner = p + 3
    elif kind == at.GRE:
        record.tunnel_kind = IN_GRE
        inner = p + 2
    else:
        return used
    if record.tunnel_addresses_length:
        return used
    if inner + 4 > p + length or words[inner] >> 24 != at.KEY or words[inner] >> 8 & 0x1F != at.KEY_IPV4:
        return used
    record.tunnel_addresses_offset, record.tunnel_addresses_length = used, 32
    for side in range(2):
        for byte in range(16):
            heap[used + byte] = 0 if byte < 10 else 255
        _bytes(heap[used + 12 :], octets, 4 * (inner + 1 + side), 4)
        used += 16
    return used


@inlined
def _source(words: Any, raw: Any, p: Any, length: Any, sources: Any, count: Any, last: Any, wanted: Any) -> Any:
    """Return the number of the source a record comes from, -1 for one that is not in the table: `wanted` tells it."""
    wanted[:] = 0
    if p:
        head = INT64(words[p])
        sub, qualifier = head >> 16 & 0xFF, head >> 8 & 0xFF
        kind = qualifier & ~at.WITH_INTERFACE
        size = 4 if kind in (at.ID_IPV6, at.ID_UUID) else 1
        if sub & 1 and qualifier and length >= 1 + size:
            wanted[0] = kind
            for word in range(size):
                wanted[1 + word] = raw[p + 1 + word]
            if qualifier & at.WITH_INTERFACE and length >= 2 + size:
                wanted[5] = raw[p + 1 + size]
    for step in range(count):
        number = last + step if last + step < count else last + step - count
        same = True
        for word in range(at.SOURCE_WORDS):
            same &= sources[number, word] == wanted[word]
        if same:
            return number
    return -1


@inlined
def _sequence(words: Any, p: Any, length: Any) -> Any:
    """Return the number of a record among all of its probe, 0 where there is none."""
    if not p:
        return 0
    return INT64(words[p + length - 1]) if INT64(words[p]) >> 16 & 2 and length >= 2 else 0


@inlined
def _mix(word: Any) -> Any:
    """Spread the bits of a word (the finaliser of SplitMix64)."""
    word = (word ^ (word >> U(30))) * U(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> U(27))) * U(0x94D049BB133111EB)
    return word ^ (word >> U(31))


@inlined
def _identify(record: Any, row: Any, out32: Any, sequence: Any) -> None:
    """Make the id of a flow from all that tells its record from any other."""
    high = _mix(U(record.observer) + U(0x9E3779B97F4A7C15))
    low = _mix(high ^ U(record.flow_start))
    for word in range(4):
        high = _mix(high ^ (U(out32[row, SRC_ADDRESS + word]) << U(32) | U(out32[row, DST_ADDRESS + word])))
    ports = U(record.src_port) << U(16) | U(record.dst_port)
    high = _mix(high ^ (ports << U(24) | U(record.ethertype) << U(8) | U(record.protocol)))
    low = _mix(low ^ high ^ (U(record.discriminator) << U(32) | U(sequence)))
    high = _mix(high + low)
    out32[row, FLOW_ID], out32[row, FLOW_ID + 1] = high & U(0xFFFFFFFF), high >> U(32)
    out32[row, FLOW_ID + 2], out32[row, FLOW_ID + 3] = low & U(0xFFFFFFFF), low >> U(32)


@inlined
def _finish(record: Any, stamps: Any, merged: Any) -> None:
    """Give the times to the sides that sent something, and the duration to a record that was never merged."""
    first, last = stamps[0], stamps[1]
    record.flow_start = first
    sent, answered = record.src_packets > 0, record.dst_packets > 0
    if record.src_packets == 1 and record.dst_packets == 1 and not stamps[2]:
        stamps[2], stamps[3], stamps[4], stamps[5] = first, first, last, last
    if sent or not answered:
        record.src_first = stamps[2] or first
        record.src_last = stamps[3] or last
    if answered:
        record.dst_first = stamps[4] or first
        record.dst_last = stamps[5] or last
    if not merged:
        duration = last - first
        record.duration_sum, record.duration_min, record.duration_max = duration, duration, duration
        record.duration_square_sum = (duration / 1000.0) * (duration / 1000.0)


@kernel
def decode(
    words: Any,
    raw: Any,
    floats: Any,
    turned_floats: Any,
    octets: Any,
    start: Any,
    out: Any,
    out32: Any,
    heap: Any,
    sources: Any,
    observers: Any,
    noted: Any,
    state: Any,
) -> Any:
    """Decode records from word `start` on; return the word of the first one that was not taken.

    `words`, `raw`, `floats`, `turned_floats` and `octets` are the same bytes: as words of the network and of memory, as
    floats likewise, and plain.
    `out` has zeroed rows, `out32` is the same as words. `noted` takes the place and the kind of management and event
    records. `state[WHY]` says why it ended; where that is NEW_SOURCE, row state[SOURCES] of `sources` is that one.
    """
    end = len(words)
    rows, used, notes = state[ROWS], state[HEAP_USED], 0
    stamps = np.zeros(6, np.int64)
    moments = np.zeros(6, np.float64)
    wanted = np.zeros(at.SOURCE_WORDS, np.uint32)
    last = 0
    p = start
    why = END
    while p < end:
        head = INT64(words[p])
        kind, version, length = head >> 28, head >> 24 & 15, head & 0xFFFF
        if version not in at.VERSIONS:
            why = BAD_VERSION
            break
        if length == 0:
            why = NO_LENGTH
            break
        if p + length > end:
            break
        if kind in (at.MANAGEMENT, at.EVENT):
            if notes == len(noted):
                why = MANY_NOTED
                break
            noted[notes] = p
            notes += 1
            state[MANAGEMENT_RECORDS if kind == at.MANAGEMENT else EVENT_RECORDS] += 1
            p += length
            continue
        if kind not in (at.FLOW, at.FROM_NETFLOW, at.AGGREGATE_FLOW):
            state[OTHERS] += 1
            p += length
            continue
        if rows == len(out) or used + 4 * length + LABEL_ROOM > len(heap):
            why = FULL
            break
        q, stop = p + 1, p + length
        transport = transport_length = label = country = origins = 0
        merged = False
        record = out[rows]
        record.records = 1
        record.src_prefix_length = 128
        record.dst_prefix_length = 128
        stamps[:] = 0
        moments[5] = 1.0 if version == 5 else 0.0
        before = used
        while q < stop:
            part = INT64(words[q])
            what, sub, size = part >> 24, part >> 16 & 0xFF, part & 0xFF
            if what & 0x80:
                size = 1
            elif what == at.DATA and sub & 0x80:
                size = part & 0xFFFF
            if size == 0:
                break
            if q + size > stop:
                why = BAD_PART
                break
            if what == at.KEY:
                _key(words, raw, octets, q, size, record, rows, out32)
            elif what == at.TIME:
                _times(words, q, size, stamps)
            elif what == at.METRIC:
                _metric(octets, q, size, part, record)
            elif what == at.TRANSPORT:
                transport, transport_length = q, size
            elif what == at.NETWORK:
                _network(words, q, size, part, record)
            elif what == at.IP_ATTRIBUTES:
                _ip_attributes(words, q, size, part, record)
            elif what == at.MAC:
                if size >= 4:
                    _bytes(record.dst_mac, octets, 4 * q + 4, 6)
                    _bytes(record.src_mac, octets, 4 * q + 10, 6)
                    if part >> 8 & 3:
                        record.flow_flags |= SEVERAL_MACS
            elif what == at.JITTER:
                _jitter(words, floats, q, size, part, record, moments)
            elif what == at.SIZES:
                _sizes(octets, q, size, part, record)
            elif what == at.ENCAPSULATIONS:
                if size >= 3:
                    record.src_encapsulations |= words[q + 1]
                    record.dst_encapsulations |= words[q + 2]
            elif what == at.DATA:
                used = _payload(octets, words, q, size, sub, record, heap, used)
            elif what == at.VLAN:
                if size >= 2:
                    record.src_vlan, record.dst_vlan = words[q + 1] >> 16, words[q + 1] & 0xFFFF
            elif what == at.MPLS:
                if size >= 2:
                    record.src_mpls = words[q + 1]
                if size >= 3:
                    record.dst_mpls = words[q + 2]
            elif what == at.ICMP_ERROR:
                if size >= 3:
                    record.icmp_error |= part >> 8 & 7
                    record.icmp_error_type = words[q + 1] >> 24
                    record.icmp_error_code = words[q + 1] >> 16 & 0xFF
                    _ipv4(out32, rows, ROUTER, raw[q + 2])
            elif what == at.AGGREGATION:
                _aggregation(words, turned_floats, q, size, record, moments)
                merged = record.duration_max > 0 or record.records > 1
            elif what == at.LABEL:
                label = q
            elif what == at.COUNTRY:
                country = q
            elif what == at.ORIGINS:
                origins = q
            elif what == at.TIME_ADJUST:
                record.flow_flags |= IS_ADJUSTED
            elif what in (at.GRE, at.VXLAN, at.GENEVE):
                used = _tunnel(words, octets, q, size, what, record, heap, used)
            elif what:
                state[UNKNOWN] += 1
            q += size
        if why == BAD_PART:
            state[PLACE] = q
            break
        source = _source(words, raw, transport, transport_length, sources, state[SOURCES], last, wanted)
        if source < 0:
            sources[state[SOURCES]] = wanted
            out32[rows] = 0
            used = before
            why = NEW_SOURCE
            break
        last = source
        if label or country or origins:
            used = _labels(words, octets, label, country, origins, record, heap, used)
        record.observer = observers[source]
        number = _sequence(words, transport, transport_length)
        cause = CAUSES[head >> 20 & 15]
        record.cause = cause
        record.status_sequence = 0 if cause == FIRST else max(number, LEAST_SEQUENCE)
        _finish(record, stamps, merged)
        _identify(record, rows, out32, number)
        rows += 1
        state[FLOWS] += 1
        p += length
    state[ROWS], state[HEAP_USED], state[WHY], state[NOTED] = rows, used, why, notes
    return p
