"""What a record of Argus says of TCP, RTP and ESP."""

from __future__ import annotations

from typing import Any

from topics.argus import layout as at
from topics.argus.encode.times import put_stamp
from topics.argus.encode.words import ESP, INT64, IS_RTCP, IS_RTP, MICRO, TCP
from topics.argus.initiator import ACCEPTED, LOOKED_AT, TURNED
from topics.compiled import inlined
from topics.flags import TcpState

ESTABLISHED = int(TcpState.ESTABLISHED)
RESENT = int(TcpState.SRC_RETRANSMITTED | TcpState.DST_RETRANSMITTED)  # clients look for both in a side of IPv6


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
    put_stamp(max(last, 0), out, p)
    out[p + 2] = RESENT if resent > 0 else 0
    out[p + 3], out[p + 4], out[p + 5] = base, sequence, ack
    out[p + 6], out[p + 7] = 0, seen if gap <= 0 else max(seen - gap - 1, 0)
    out[p + 8], out[p + 9], out[p + 10] = min(max(resent, 0), 0xFFFFFFFF), 0, 0
    out[p + 11] = (window >> shift) << 16 | (flags & 0xFF) << 8 | shift
    return p + 12


@inlined
def _tcp(record: Any, out: Any, p: Any) -> Any:
    out[p] = at.NETWORK << 24 | at.TCP_PERFORMANCE << 16 | 30
    state = INT64(record.tcp_state)
    out[p + 1], out[p + 2], out[p + 3] = state, ESTABLISHED if state else 0, record.tcp_options
    if state & LOOKED_AT == ACCEPTED:
        out[p + 1] = state | TURNED  # as clients mark it
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
def put_transport(record: Any, out: Any, p: Any) -> Any:
    """Write what is said of TCP, RTP, RTCP or ESP."""
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
