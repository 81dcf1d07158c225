"""Sequence numbers outside TCP: RTP and RTCP (RFC 3550), told from other UDP by looks, and ESP (RFC 4303)."""

from __future__ import annotations

from typing import Any

from probes.decode import headers as h
from probes.decode.transport import ESP, UDP
from probes.load import be16, be32, u8
from topics.compiled import inlined
from topics.flags import FlowFlags

RTP, RTCP = int(FlowFlags.RTP), int(FlowFlags.RTCP)
RTP_HEADER, RTCP_HEADER = 12, 8
FIRST_PORT = 1024
IN_A_ROW = 3  # packets that count up, of one source, before a flow is called RTP
MAX_GAP = 3000  # MAX_DROPOUT of RFC 3550, A.1: more is a restart
SENDER_REPORT, APPLICATION_DEFINED = 200, 204


@inlined
def _lost(me: Any, sequence: int, modulus: int) -> None:
    """Count what is missing between the highest number so far and this one."""
    ahead = (sequence - me.hole_start) & (modulus - 1)
    if ahead < MAX_GAP:
        me.lost_packets += ahead
        me.hole_start = (sequence + 1) & (modulus - 1)
    elif ahead >= modulus - MAX_GAP:
        me.out_of_order_packets += 1
        me.lost_packets = max(0, me.lost_packets - 1)
    else:
        me.hole_start = (sequence + 1) & (modulus - 1)


@inlined
def _follow_rtp(data: Any, place: int, flow: Any, me: Any) -> None:
    """Recognise RTP by numbers that count up under one source and payload type; then count loss."""
    sequence = be16(data, place + 2)
    source = (be32(data, place + 8) << 7) | (u8(data, place + 1) & 0x7F)
    if me.sequence_known and me.hole_end == source:
        if flow.flow_flags & RTP:
            _lost(me, sequence, 1 << 16)
            return
        me.acked = me.acked + 1 if sequence == me.hole_start else 0
        if me.acked >= IN_A_ROW - 1:
            flow.flow_flags |= RTP
    else:
        me.acked = 0
    me.sequence_known, me.hole_end = 1, source
    me.hole_start = (sequence + 1) & 0xFFFF


@inlined
def follow_numbers(data: Any, end: int, row: Any, flow: Any, me: Any) -> None:
    """Take a packet of UDP or ESP; columns that TCP uses for its own sequence numbers serve here."""
    place = row[h.PAYLOAD]
    if row[h.PROTOCOL] == ESP:
        if place + 8 <= end:
            if me.sequence_known:
                _lost(me, be32(data, place + 4), 1 << 32)
            else:
                me.sequence_known, me.hole_start = 1, (be32(data, place + 4) + 1) & 0xFFFFFFFF
        return
    if row[h.PROTOCOL] != UDP or row[h.APP_BYTES] < RTCP_HEADER or place + RTCP_HEADER > end:
        return
    if row[h.SRC_PORT] < FIRST_PORT or row[h.DST_PORT] < FIRST_PORT or u8(data, place) >> 6 != 2:
        return
    kind = u8(data, place + 1)
    if SENDER_REPORT <= kind <= APPLICATION_DEFINED:
        if (be16(data, place + 2) + 1) * 4 <= row[h.APP_BYTES] and row[h.SRC_PORT] & row[h.DST_PORT] & 1:
            flow.flow_flags |= RTCP
    elif row[h.APP_BYTES] >= RTP_HEADER and place + RTP_HEADER <= end:
        _follow_rtp(data, place, flow, me)
