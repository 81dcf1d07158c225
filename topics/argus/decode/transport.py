"""What a record of Argus says of TCP, RTP and ESP."""

from __future__ import annotations

from typing import Any

from topics.argus import layout as at
from topics.argus.decode.words import INT64, IS_RTCP, IS_RTP, MICRO
from topics.compiled import inlined


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
def take_transport(words: Any, p: Any, length: Any, head: Any, record: Any) -> None:
    """Take what is said of TCP, RTP, RTCP or ESP."""
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
