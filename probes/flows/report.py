"""Status records out of the flow table."""

from __future__ import annotations

from typing import Any

from probes.decode.transport import ICMPV6
from probes.flows import layout as at
from probes.flows.payload import copy
from probes.flows.queue import HEAP_USED
from probes.flows.rows import clear, give
from probes.flows.tcp import CLOSED
from topics.compiled import inlined
from topics.flags import Cause
from topics.histograms import COUNT_BYTES, COUNTS, MOST, VECTOR_BYTES
from topics.record import FLOW_DTYPE

START, STATUS, CLOSE = Cause.START, Cause.STATUS, Cause.CLOSE
ADDRESSES = 32  # bytes of the two outer addresses of a tunnel
MICROSECOND = 1_000.0  # ns
RECORD_BYTES = FLOW_DTYPE.itemsize


@inlined
def _address(field: Any, high: int, low: int) -> None:
    for byte in range(8):
        field[byte] = (high >> (56 - 8 * byte)) & 0xFF
        field[8 + byte] = (low >> (56 - 8 * byte)) & 0xFF


@inlined
def _mac(field: Any, address: int) -> None:
    for byte in range(6):
        field[byte] = (address >> (40 - 8 * byte)) & 0xFF


@inlined
def _key(record: Any, key: Any, forward: bool) -> None:
    packed = key[at.PROTOCOL_PORTS]
    record.ethertype = (packed >> 40) & 0xFFFF
    record.protocol = (packed >> 32) & 0xFF
    record.discriminator = key[at.DISCRIMINATOR] & 0xFFFFFFFF
    a_port, b_port = (packed >> 16) & 0xFFFF, packed & 0xFFFF
    if forward:
        _address(record.src_address, key[at.A_HIGH], key[at.A_LOW])
        _address(record.dst_address, key[at.B_HIGH], key[at.B_LOW])
        record.src_port, record.dst_port = a_port, b_port
    else:
        _address(record.src_address, key[at.B_HIGH], key[at.B_LOW])
        _address(record.dst_address, key[at.A_HIGH], key[at.A_LOW])
        record.src_port, record.dst_port = (a_port, b_port) if record.protocol == ICMPV6 else (b_port, a_port)


@inlined
def _duration(record: Any, sides: Any) -> None:
    first, last = sides[0].first, sides[0].last
    if sides[1].packets | sides[1].duplicate_packets:
        seen = sides[0].packets | sides[0].duplicate_packets
        first = min(first, sides[1].first) if seen else sides[1].first
        last = max(last, sides[1].last)
    duration = last - first
    record.duration_sum = duration
    record.duration_min = duration
    record.duration_max = duration
    record.duration_square_sum = (duration / MICROSECOND) * (duration / MICROSECOND)


@inlined
def _tunnel(record: Any, flow: Any, extra: Any, heap: Any, used: int) -> Any:
    """Name the tunnel of the flow; returns how much of the heap is used now."""
    record.tunnel_kind = flow.tunnel_kind
    record.tunnel_id, record.tunnel_addresses_offset, record.tunnel_addresses_length = 0, 0, 0
    if not flow.tunnel_kind:
        return used
    record.tunnel_id = extra[at.TUNNEL_ID] & 0xFFFFFFFF
    record.tunnel_addresses_offset, record.tunnel_addresses_length = used, ADDRESSES
    src, dst = (at.OUTER_SRC_HIGH, at.OUTER_DST_HIGH)
    _address(heap[used : used + 16], extra[src], extra[src + 1])
    _address(heap[used + 16 : used + ADDRESSES], extra[dst], extra[dst + 1])
    return used + ADDRESSES


@inlined
def _icmp_error(record: Any, flow: Any, extra: Any) -> None:
    record.icmp_error = flow.icmp_error
    record.icmp_error_type, record.icmp_error_code = flow.icmp_error_type, flow.icmp_error_code
    record.icmp_error_time = 0
    if flow.icmp_error:
        _address(record.icmp_error_router, extra[at.ROUTER_HIGH], extra[at.ROUTER_LOW])
        record.icmp_error_time, extra[at.ERROR_TIME] = extra[at.ERROR_TIME], 0
    else:
        _address(record.icmp_error_router, 0, 0)


@inlined
def _payload(record: Any, initiator: int, sides: Any, payloads: Any, heap: Any, used: int) -> Any:
    """Give away what was kept of the payload since the last report; returns how much of the heap is used now."""
    for side in range(2):
        sent, kept = sides[side].payload_sent, sides[side].payload_kept
        place = used if kept > sent else 0
        if side == initiator:
            record.src_payload_offset, record.src_payload_length = place, kept - sent
        else:
            record.dst_payload_offset, record.dst_payload_length = place, kept - sent
        copy(payloads[side], sent, heap, used, kept - sent)
        used += kept - sent
        sides[side].payload_sent = kept
    return used


@inlined
def _vector(counts: Any, heap: Any, used: int) -> Any:
    """Give away the counts of a side, uint32 of VECTOR_BYTES; returns how many bytes of the heap they take."""
    counted = 0
    for count in counts:
        counted |= count
    if not counted:
        return 0
    for place in range(COUNTS):
        count = min(counts[place], MOST)
        for byte in range(COUNT_BYTES):
            heap[used + COUNT_BYTES * place + byte] = (count >> 8 * byte) & 0xFF
    counts[:] = 0
    return VECTOR_BYTES


@inlined
def _histograms(record: Any, initiator: int, extra: Any, heap: Any, used: int) -> Any:
    """Give away what was counted of sizes and times; returns how much of the heap is used now."""
    record.src_histograms_offset, record.src_histograms_length = 0, 0
    record.dst_histograms_offset, record.dst_histograms_length = 0, 0
    if len(extra) == at.HISTOGRAMS:
        return used
    for side in range(2):
        first = at.HISTOGRAMS + side * COUNTS
        length = _vector(extra[first : first + COUNTS], heap, used)
        if side == initiator:
            record.src_histograms_offset, record.src_histograms_length = used if length else 0, length
        else:
            record.dst_histograms_offset, record.dst_histograms_length = used if length else 0, length
        used += length
    return used


@inlined
def report(
    row: int,
    out: Any,
    key: Any,
    flow: Any,
    sides: Any,
    extra: Any,
    payloads: Any,
    heap: Any,
    counts: Any,
    cause: int,
) -> None:
    """Write what the flow did since its last report into record `row`, and begin the next.

    Fields of variable length go to `heap`, of which counts[HEAP_USED] bytes are in use.
    """
    record = out[row]
    clear(record, RECORD_BYTES)
    record.records = 1
    record.src_prefix_length = 128
    record.dst_prefix_length = 128
    _key(record, key, flow.initiator == 0)
    _address(record.flow_id, flow.id_high, flow.id_low)
    record.flow_start = flow.flow_start
    record.status_sequence = flow.status_sequence
    if cause == STATUS:
        if flow.phase == CLOSED:
            cause = CLOSE
        elif flow.status_sequence == 0:
            cause = START
    record.cause = cause
    record.tcp_state = flow.tcp_state | flow.events
    record.tcp_options = flow.tcp_options
    record.syn_ack_time = flow.syn_ack_time
    record.ack_data_time = flow.ack_data_time
    record.flow_flags = flow.flow_flags
    _mac(record.src_mac, flow.src_mac)
    _mac(record.dst_mac, flow.dst_mac)
    src, dst = flow.initiator, 1 - flow.initiator
    give(sides[src], sides[dst], record)
    _duration(record, sides)
    _icmp_error(record, flow, extra)
    used = _tunnel(record, flow, extra, heap, counts[HEAP_USED])
    used = _histograms(record, src, extra, heap, used)
    counts[HEAP_USED] = _payload(record, src, sides, payloads, heap, used)
    flow.status_sequence += 1
    flow.pending = 0
    flow.events = 0
    clear(sides[0], at.ZEROED)
    clear(sides[1], at.ZEROED)
