"""Two records become one, and a record turns round: kernels over rows of records seen as integers of several widths."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from processors.merge import rules
from topics.compiled import borrowed, inlined

ICMP, ICMPV6 = 1, 58
IPV4, IPV6 = 0x0800, 0x86DD

SRC_PACKETS, DST_PACKETS = (rules.place(f"{side}_packets", rules.WORDS) for side in ("src", "dst"))
SRC_FIRST, DST_FIRST = (rules.place(f"{side}_first", rules.WORDS) for side in ("src", "dst"))
SRC_LAST, DST_LAST = (rules.place(f"{side}_last", rules.WORDS) for side in ("src", "dst"))
TCP_STATE, TCP_OPTIONS = (rules.place(name, rules.INTS) for name in ("tcp_state", "tcp_options"))
ETHERTYPE = rules.place("ethertype", rules.SHORTS)
SRC_PORT, DST_PORT = (rules.place(f"{side}_port", rules.SHORTS) for side in ("src", "dst"))
PROTOCOL = rules.place("protocol")

INTEGER_SUMS, FLOAT_SUMS, COUNTED = rules.INTEGER_SUMS, rules.FLOAT_SUMS, rules.COUNTED
WORD_RULES, INT_RULES = rules.WORD_RULES, rules.INT_RULES
SHORT_RULES, OCTET_RULES = rules.SHORT_RULES, rules.OCTET_RULES
ADDRESSES_FIRST_SET, PREFIXES, MACS = rules.ADDRESSES_FIRST_SET, rules.PREFIXES, rules.MACS
WORD_EXCHANGES, OCTET_EXCHANGES = rules.WORD_EXCHANGES, rules.OCTET_EXCHANGES
STATE_SIDE_BITS, OPTIONS_SIDE_BITS = rules.STATE_SIDE_BITS, rules.OPTIONS_SIDE_BITS
WINDOWS, LARGEST_SCALE = rules.WINDOWS, rules.LARGEST_SCALE
MAC_SIZE = 6

Words = np.ndarray[Any, np.dtype[np.int64]]
RECORD_WORDS = rules.RECORD_WORDS


class Views(NamedTuple):
    """The same records as rows of integers of each width, and of floats."""

    words: Any
    floats: Any
    ints: Any
    shorts: Any
    octets: Any


def views(rows: Words) -> Views:
    """Return the views of records given as int64 rows, shape (n, RECORD_WORDS)."""
    return Views(rows, *(rows.view(kind) for kind in (np.float64, np.uint32, np.uint16, np.uint8)))


@inlined
def borrowed_views(record: Any) -> Any:
    """Return views that are not reference-counted, for use inside a kernel."""
    return Views(
        borrowed(record.words),
        borrowed(record.floats),
        borrowed(record.ints),
        borrowed(record.shorts),
        borrowed(record.octets),
    )


@inlined
def _merge_lanes(flow: Any, slot: Any, record: Any, row: Any, lanes: Any) -> None:
    for lane in lanes.either:
        flow[slot, lane] |= record[row, lane]
    for lane in lanes.largest:
        kept, new = flow[slot, lane], record[row, lane]
        flow[slot, lane] = max(kept, new)
    for lane in lanes.smallest:
        kept, new = flow[slot, lane], record[row, lane]
        flow[slot, lane] = min(kept, new)
    for lane in lanes.smallest_set:
        kept, new = flow[slot, lane], record[row, lane]
        flow[slot, lane] = new if new != 0 and (kept == 0 or new < kept) else kept
    for lane in lanes.first_set:
        kept, new = flow[slot, lane], record[row, lane]
        flow[slot, lane] = kept if kept != 0 else new
    for lane in lanes.same:
        kept, new = flow[slot, lane], record[row, lane]
        flow[slot, lane] = kept if kept == new else 0
    for lane in lanes.last:
        flow[slot, lane] = record[row, lane]


@inlined
def _merge_side(flow: Any, slot: Any, record: Any, row: Any, same: Any, last: Any, had: Any, has: Any) -> None:
    """Fields of one side; `had` and `has` tell whether flow and record have packets of it."""
    if not has:
        return
    for lane in same:
        kept, new = flow[slot, lane], record[row, lane]
        flow[slot, lane] = new if not had or kept == new else 0
    for lane in last:
        flow[slot, lane] = record[row, lane]


@inlined
def _merge_sides(flow: Any, slot: Any, record: Any, row: Any, lanes: Any, had: Any, has: Any) -> None:
    _merge_side(flow, slot, record, row, lanes.same_src, lanes.last_src, had[0], has[0])
    _merge_side(flow, slot, record, row, lanes.same_dst, lanes.last_dst, had[1], has[1])


@inlined
def scaled(window: Any, shift: Any, other: Any) -> Any:
    """Scale a window that has no scale of its own by the one that another record knows."""
    scale: Any = min(np.int64(other), LARGEST_SCALE) if shift == 0 else np.int64(0)
    return np.int64(window) << scale


@inlined
def _merge_windows(flow: Any, slot: Any, record: Any, row: Any) -> None:
    """Merge the windows, before their scales are."""
    for side in range(2):
        window, scale = WINDOWS[side]
        kept, new = flow.octets[slot, scale], record.octets[row, scale]
        if record.ints[row, window] != 0:
            flow.ints[slot, window] = scaled(record.ints[row, window], new, kept)
        else:
            flow.ints[slot, window] = scaled(flow.ints[slot, window], kept, new)


@inlined
def _merge_macs(flow: Any, slot: Any, record: Any, row: Any) -> None:
    for place, packets in MACS:
        if record.words[row, packets] == 0:
            continue
        had = flow.words[slot, packets] != 0
        equal = True
        for octet in range(place, place + MAC_SIZE):
            equal &= flow.octets[slot, octet] == record.octets[row, octet]
        if not equal:
            for octet in range(place, place + MAC_SIZE):
                flow.octets[slot, octet] = 0 if had else record.octets[row, octet]


@inlined
def common_bits(flow: Any, slot: Any, record: Any, row: Any, address: Any) -> Any:
    """Leading bits that two addresses share, 0 to 128."""
    for octet in range(8 * address, 8 * address + 16):
        differing = flow.octets[slot, octet] ^ record.octets[row, octet]
        if differing != 0:
            bits = 8 * (octet - 8 * address)
            while differing < 0x80:
                differing <<= 1
                bits += 1
            return bits
    return 128


@inlined
def mask_address(octets: Any, row: Any, address: Any, bits: Any) -> None:
    """Zero what follows the leading `bits` of the address that begins at word `address`."""
    for octet in range(16):
        kept = min(8, max(0, bits - 8 * octet))
        octets[row, 8 * address + octet] &= np.uint8((0xFF00 >> kept) & 0xFF)


@inlined
def _merge_prefixes(flow: Any, slot: Any, record: Any, row: Any) -> None:
    """Shorten addresses to what they share; those that are not IP, or not of one kind, share nothing unless equal."""
    for address, length in PREFIXES:
        bits: Any = min(np.int64(flow.octets[slot, length]), np.int64(record.octets[row, length]))
        high = flow.words[slot, address] == record.words[row, address]
        if not high or flow.words[slot, address + 1] != record.words[row, address + 1]:
            is_ip = flow.shorts[slot, ETHERTYPE] == IPV4 or flow.shorts[slot, ETHERTYPE] == IPV6
            bits = min(bits, common_bits(flow, slot, record, row, address)) if is_ip else 0
            mask_address(flow.octets, slot, address, bits)
        flow.octets[slot, length] = bits


@inlined
def merge_record(flow: Any, slot: Any, record: Any, row: Any) -> None:
    """Merge record `row` into the flow in `slot` by the rule of each field; heap fields are for `merge_heap`."""
    had = (flow.words[slot, SRC_PACKETS] != 0, flow.words[slot, DST_PACKETS] != 0)
    has = (record.words[row, SRC_PACKETS] != 0, record.words[row, DST_PACKETS] != 0)
    _merge_sides(flow.ints, slot, record.ints, row, INT_RULES, had, has)
    _merge_sides(flow.shorts, slot, record.shorts, row, SHORT_RULES, had, has)
    _merge_sides(flow.octets, slot, record.octets, row, OCTET_RULES, had, has)
    _merge_macs(flow, slot, record, row)
    _merge_windows(flow, slot, record, row)
    for place, count in COUNTED:
        if record.words[row, count] != 0:
            kept, new = flow.words[slot, place], record.words[row, place]
            flow.words[slot, place] = new if new < kept or flow.words[slot, count] == 0 else kept
    _merge_lanes(flow.words, slot, record.words, row, WORD_RULES)
    _merge_lanes(flow.ints, slot, record.ints, row, INT_RULES)
    _merge_lanes(flow.shorts, slot, record.shorts, row, SHORT_RULES)
    _merge_lanes(flow.octets, slot, record.octets, row, OCTET_RULES)
    for word in ADDRESSES_FIRST_SET:
        if flow.words[slot, word] == 0 and flow.words[slot, word + 1] == 0:
            flow.words[slot, word] = record.words[row, word]
            flow.words[slot, word + 1] = record.words[row, word + 1]
    _merge_prefixes(flow, slot, record, row)
    for start, stop in INTEGER_SUMS:
        for word in range(start, stop):
            flow.words[slot, word] += record.words[row, word]
    for start, stop in FLOAT_SUMS:
        for word in range(start, stop):
            flow.floats[slot, word] += record.floats[row, word]


@inlined
def icmp_counterpart(protocol: Any, kind: Any) -> Any:
    """Return the ICMP type that answers `kind`, or that it answers (RFC 792, 950, 1256); -1 if there is none.

    Flows of ICMPv6 name the question whoever was seen first, as Argus's do: it is the same from both ends.
    """
    if protocol == ICMP:
        if kind in (0, 8):
            return 8 - kind
        if kind in (9, 10):
            return 19 - kind
        if 13 <= kind <= 18:
            return ((kind - 13) ^ 1) + 13
    return np.int64(kind) if protocol == ICMPV6 else -1


@inlined
def _exchange(rows: Any, row: Any, pairs: Any) -> None:
    for index in range(len(pairs)):
        first, second = pairs[index, 0], pairs[index, 1]
        kept = rows[row, first]
        rows[row, first] = rows[row, second]
        rows[row, second] = kept


@inlined
def _exchange_bits(bits: Any, side: Any) -> Any:
    return (bits & ~(side | side << 1)) | (bits & side) << 1 | (bits >> 1 & side)


@inlined
def reverse_record(record: Any, row: Any) -> None:
    """Turn a record round: source becomes destination. Doing it twice gives the record back.

    The ports of ICMP are type, code and identifier: they stay, but a request becomes its answer and the reverse.
    """
    _exchange(record.words, row, WORD_EXCHANGES)
    _exchange(record.octets, row, OCTET_EXCHANGES)
    record.ints[row, TCP_STATE] = _exchange_bits(np.int64(record.ints[row, TCP_STATE]), STATE_SIDE_BITS)
    record.ints[row, TCP_OPTIONS] = _exchange_bits(np.int64(record.ints[row, TCP_OPTIONS]), OPTIONS_SIDE_BITS)
    protocol = record.octets[row, PROTOCOL]
    if protocol in (ICMP, ICMPV6):
        kind_and_code, identifier = record.shorts[row, DST_PORT], record.shorts[row, SRC_PORT]
        other = icmp_counterpart(protocol, kind_and_code >> 8)
        if other >= 0:
            kind_and_code = np.uint16(other << 8 | kind_and_code & 0xFF)
        record.shorts[row, SRC_PORT] = kind_and_code
        record.shorts[row, DST_PORT] = identifier


@inlined
def first_packet(record: Any, row: Any) -> Any:
    """Time of the first packet of a record, ns; 0 when it has none."""
    src, dst = record.words[row, SRC_FIRST], record.words[row, DST_FIRST]
    return dst if src == 0 or (dst != 0 and dst < src) else src


@inlined
def last_packet(record: Any, row: Any) -> Any:
    """Time of the last packet of a record, ns; 0 when it has none."""
    return max(record.words[row, SRC_LAST], record.words[row, DST_LAST])


@inlined
def copy_record(target: Any, slot: Any, source: Any, row: Any) -> None:
    """Copy a whole record between arrays of words."""
    for word in range(RECORD_WORDS):
        target[slot, word] = source[row, word]
