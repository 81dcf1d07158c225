"""Status records out of the flow table."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.decode.transport import ICMPV6
from probes.flows import layout as at
from probes.flows.queue import HEAP_USED
from probes.flows.tcp import CLOSED
from topics.compiled import inlined
from topics.flags import Cause
from topics.histograms import COUNT_BYTES, COUNTS, MOST, VECTOR_BYTES

START, STATUS, CLOSE = Cause.START, Cause.STATUS, Cause.CLOSE
ADDRESSES = 32  # bytes of the two outer addresses of a tunnel
MICROSECOND = 1_000.0  # ns
ONE = np.uint64(1)


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
def _sides(row: int, src: Any, dst: Any, views: Any, copies: Any) -> None:
    out64, out32, out16, out8 = views
    copies64, copies32, copies16, copies8 = copies  # a loop for each width: no branch in it, so no misprediction
    for column, place in copies64:
        out64[row, place] = src[column]
        out64[row, place + ONE] = dst[column]
    for column, place in copies32:
        out32[row, place] = np.uint32(src[column])
        out32[row, place + ONE] = np.uint32(dst[column])
    for column, place in copies16:
        out16[row, place] = np.uint16(src[column])
        out16[row, place + ONE] = np.uint16(dst[column])
    for column, place in copies8:
        out8[row, place] = np.uint8(src[column])
        out8[row, place + ONE] = np.uint8(dst[column])


@inlined
def _squares(record: Any, src: Any, dst: Any) -> None:
    record.src_interval_square_sum, record.src_idle_interval_square_sum = (
        src[at.INTERVAL_SQUARES],
        src[at.IDLE_INTERVAL_SQUARES],
    )
    record.dst_interval_square_sum, record.dst_idle_interval_square_sum = (
        dst[at.INTERVAL_SQUARES],
        dst[at.IDLE_INTERVAL_SQUARES],
    )


@inlined
def _duration(record: Any, sides: Any) -> None:
    first, last = sides[0, at.FIRST], sides[0, at.LAST]
    if sides[1, at.PACKETS] | sides[1, at.DUPLICATE_PACKETS]:
        seen = sides[0, at.PACKETS] | sides[0, at.DUPLICATE_PACKETS]
        first = min(first, sides[1, at.FIRST]) if seen else sides[1, at.FIRST]
        last = max(last, sides[1, at.LAST])
    duration = last - first
    record.duration_sum = duration
    record.duration_min = duration
    record.duration_max = duration
    record.duration_square_sum = (duration / MICROSECOND) * (duration / MICROSECOND)


@inlined
def _tunnel(record: Any, flow: Any, extra: Any, heap: Any, used: int) -> Any:
    """Name the tunnel of the flow; returns how much of the heap is used now."""
    record.tunnel_kind = flow[at.TUNNEL_KIND]
    record.tunnel_id, record.tunnel_addresses_offset, record.tunnel_addresses_length = 0, 0, 0
    if not flow[at.TUNNEL_KIND]:
        return used
    record.tunnel_id = extra[at.TUNNEL_ID] & 0xFFFFFFFF
    record.tunnel_addresses_offset, record.tunnel_addresses_length = used, ADDRESSES
    src, dst = (at.OUTER_SRC_HIGH, at.OUTER_DST_HIGH)
    _address(heap[used : used + 16], extra[src], extra[src + 1])
    _address(heap[used + 16 : used + ADDRESSES], extra[dst], extra[dst + 1])
    return used + ADDRESSES


@inlined
def _icmp_error(record: Any, flow: Any, extra: Any) -> None:
    record.icmp_error = flow[at.ICMP_ERROR]
    record.icmp_error_type, record.icmp_error_code = flow[at.ICMP_ERROR_TYPE], flow[at.ICMP_ERROR_CODE]
    record.icmp_error_time = 0
    if flow[at.ICMP_ERROR]:
        _address(record.icmp_error_router, extra[at.ROUTER_HIGH], extra[at.ROUTER_LOW])
        record.icmp_error_time, extra[at.ERROR_TIME] = extra[at.ERROR_TIME], 0
    else:
        _address(record.icmp_error_router, 0, 0)


@inlined
def _payload(record: Any, initiator: int, sides: Any, payloads: Any, heap: Any, used: int) -> Any:
    """Give away what was kept of the payload since the last report; returns how much of the heap is used now."""
    for side in range(2):
        sent, kept = sides[side, at.PAYLOAD_SENT], sides[side, at.PAYLOAD_KEPT]
        place = used if kept > sent else 0
        if side == initiator:
            record.src_payload_offset, record.src_payload_length = place, kept - sent
        else:
            record.dst_payload_offset, record.dst_payload_length = place, kept - sent
        for byte in range(sent, kept):
            heap[used + byte - sent] = payloads[side, byte]
        used += kept - sent
        sides[side, at.PAYLOAD_SENT] = kept
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
    views: Any,
    copies: Any,
    key: Any,
    flow: Any,
    sides: Any,
    squares: Any,
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
    record.records = 1
    record.src_prefix_length = 128
    record.dst_prefix_length = 128
    _key(record, key, flow[at.INITIATOR] == 0)
    _address(record.flow_id, flow[at.ID_HIGH], flow[at.ID_LOW])
    record.flow_start = flow[at.FLOW_START]
    record.status_sequence = flow[at.STATUS_SEQUENCE]
    if cause == STATUS:
        if flow[at.PHASE] == CLOSED:
            cause = CLOSE
        elif flow[at.STATUS_SEQUENCE] == 0:
            cause = START
    record.cause = cause
    record.tcp_state = flow[at.TCP_STATE] | flow[at.EVENTS]
    record.tcp_options = flow[at.TCP_OPTIONS]
    record.syn_ack_time = flow[at.SYN_ACK_TIME]
    record.ack_data_time = flow[at.ACK_DATA_TIME]
    record.flow_flags = flow[at.FLOW_FLAGS]
    _mac(record.src_mac, flow[at.SRC_MAC])
    _mac(record.dst_mac, flow[at.DST_MAC])
    src, dst = flow[at.INITIATOR], 1 - flow[at.INITIATOR]
    _sides(row, sides[src], sides[dst], views, copies)
    _squares(record, squares[src], squares[dst])
    _duration(record, sides)
    _icmp_error(record, flow, extra)
    used = _tunnel(record, flow, extra, heap, counts[HEAP_USED])
    used = _histograms(record, src, extra, heap, used)
    counts[HEAP_USED] = _payload(record, src, sides, payloads, heap, used)
    flow[at.STATUS_SEQUENCE] += 1
    flow[at.PENDING] = 0
    flow[at.EVENTS] = 0
    sides[:, : at.ZEROED] = 0
