"""TCP: connection state, sequence numbers, windows, round trip of the handshake.

State bits follow Argus (topics/flags.py). Retransmissions and gaps come from sequence numbers (RFC 9293, serial
arithmetic), not from Argus's estimate of bytes in flight.
"""

from __future__ import annotations

from typing import Any

from probes.decode import headers as h
from probes.load import be16, be32, u8
from topics.compiled import inlined

FIN, SYN, RST, ACK, ECE, CWR = 0x01, 0x02, 0x04, 0x10, 0x40, 0x80

NEW, SYN_SENT, SYN_RECEIVED, ESTABLISHED, CLOSING, CLOSED = range(6)

STATE_SYN, STATE_SYN_ACK, STATE_ESTABLISHED, STATE_FIN, STATE_FIN_ACK, STATE_CLOSED = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20
SRC_RETRANSMITTED, SRC_WINDOW_SHUT, SRC_RESET, SRC_CONGESTED, SRC_OUT_OF_ORDER = 0x100, 0x400, 0x1000, 0x4000, 0x10000
OPTION_MSS, OPTION_SCALE, OPTION_SACK_OK, OPTION_SACK = 0x100000, 0x200000, 0x400000, 0x800000
OPTION_ECHO, OPTION_TIMESTAMP, OPTION_CC = 0x1000000, 0x4000000, 0x8000000
SRC_ECN, DST_ECN = 0x40000000, 0x80000000
MAX_SHIFT = 14  # RFC 7323

MASK, SIGN = 0xFFFFFFFF, 0x80000000
REORDERING = 3_000_000  # ns: what fills a gap sooner than this overtook on the way; later, it was sent again


@inlined
def _difference(a: int, b: int) -> Any:
    """Subtract in serial arithmetic: between -2^31 and 2^31 - 1."""
    return ((SIGN + a - b) & MASK) - SIGN  # signed from the first step on, as the words of a row are not


@inlined
def _options(data: Any, start: int, end: int, flow: Any, me: Any) -> None:
    place = start
    while place < end:
        kind = u8(data, place)
        if kind == 0:
            return
        if kind == 1:
            place += 1
            continue
        if place + 1 >= end:
            return
        size = u8(data, place + 1)
        if size < 2 or place + size > end:
            return
        if kind == 2 and size == 4:
            flow.tcp_options |= OPTION_MSS
            me.mss = be16(data, place + 2)
        elif kind == 3 and size == 3:
            flow.tcp_options |= OPTION_SCALE
            me.window_shift = min(MAX_SHIFT, u8(data, place + 2))
        elif kind == 4:
            flow.tcp_options |= OPTION_SACK_OK
        elif kind == 5:
            flow.tcp_options |= OPTION_SACK
        elif kind in (6, 7):
            flow.tcp_options |= OPTION_ECHO << (kind - 6)
        elif kind == 8:
            flow.tcp_options |= OPTION_TIMESTAMP
        elif kind in (11, 12, 13):
            flow.tcp_options |= OPTION_CC << (kind - 11)
        place += size


@inlined
def starts_anew(data: Any, row: Any, flow: Any, me: Any) -> Any:
    """Tell whether this packet opens a new connection on the ports of one that is over."""
    flags = u8(data, row[h.TCP] + 13)
    if flags & (SYN | ACK | RST) != SYN or flow.phase < CLOSING:
        return False
    repeated = me.sequence_known and be32(data, row[h.TCP] + 4) == me.base_sequence
    return not repeated  # a refused SYN that is tried again with its number still belongs to the first attempt


@inlined
def _count_retransmission(flow: Any, me: Any, side: int, seen_bytes: int) -> None:
    me.retransmitted_packets += 1
    me.retransmitted_bytes += seen_bytes
    me.lost_packets += 1
    flow.events |= SRC_RETRANSMITTED << side


@inlined
def _follow_sequence(row: Any, flow: Any, me: Any, side: int, now: int, sequence: int, size: int, is_new: bool) -> Any:
    """Follow one side's sequence numbers; return True unless the segment repeats what was sent."""
    following = (sequence + size) & MASK
    if not me.sequence_known:
        me.sequence_known = 1
        me.base_sequence = (sequence - 1) & MASK if is_new and not me.tcp_flags & SYN else sequence
        me.last_sequence = following
        return True
    ahead = _difference(sequence, me.last_sequence)
    if size == 0:
        return True
    if ahead >= 0:
        if ahead > 0:
            if me.hole_start == me.hole_end:
                me.hole_start = me.last_sequence
                me.hole_time = now
            me.hole_end = sequence
            me.gap_bytes += ahead
        me.last_sequence = following
        return True
    if size == 1 and ahead == -1:
        return True  # a keep-alive repeats the last byte on purpose (RFC 9293, 3.8.4)
    in_hole = (
        me.hole_start != me.hole_end
        and _difference(sequence, me.hole_start) >= 0
        and _difference(following, me.hole_end) <= 0
    )
    if in_hole:
        me.gap_bytes -= size
        if sequence == me.hole_start:
            me.hole_start = following
        late = now - me.hole_time > REORDERING
        step = (row[h.IP_ID] - me.last_ip_id + 0x8000 & 0xFFFF) - 0x8000
        if step < 0 or (step == 0 and not late):
            me.out_of_order_packets += 1
            flow.events |= SRC_OUT_OF_ORDER << side
            return True
        _count_retransmission(flow, me, side, 0)
        return False
    if _difference(following, me.last_sequence) > 0:
        me.last_sequence = following
        _count_retransmission(flow, me, side, -ahead)
    else:
        _count_retransmission(flow, me, side, size)
    return False


@inlined
def _handshake(flow: Any, me: Any, peer: Any, side: int, time: int, flags: int, acked: int) -> None:
    """SYN and SYN-ACK, first or again."""
    if not flags & ACK:
        flow.tcp_state |= STATE_SYN
        if flow.phase == NEW:
            flow.phase = SYN_SENT
            if flags & (ECE | CWR) == ECE | CWR:
                flow.tcp_options |= SRC_ECN
        elif me.sequence_known:
            _count_retransmission(flow, me, side, 0)
            if flow.phase == CLOSED:  # taken for a stray of an older connection and refused, it asks again (RFC 5961)
                flow.phase = SYN_SENT
                peer.sequence_known = 0
        return
    flow.tcp_state |= STATE_SYN_ACK
    if flow.phase <= SYN_SENT:
        flow.phase = SYN_RECEIVED
        if peer.sequence_known and peer.base_sequence == (acked - 1) & MASK:
            flow.syn_ack_time = max(0, time - peer.last_time)
        if flags & (ECE | CWR) == ECE:
            flow.tcp_options |= DST_ECN
    elif me.sequence_known:
        _count_retransmission(flow, me, side, 0)


@inlined
def _connection(flow: Any, me: Any, peer: Any, side: int, time: int, flags: int, acked: int, size: int) -> None:
    """Advance the state of the connection by a segment with `size` bytes of data, taken at `time` (ns).

    The handshake ends, and is timed, with an acknowledgement by whom was answered and without data, as in Argus: data
    may have waited for the program that sent it.
    """
    if flags & RST:
        flow.tcp_state |= SRC_RESET << side
        flow.phase = CLOSED
        return
    if flags & SYN:
        _handshake(flow, me, peer, side, time, flags, acked)
        return
    if flags & FIN:
        flow.tcp_state |= STATE_FIN
        me.fin_sent = 1
        flow.phase = max(flow.phase, CLOSING)
    elif flow.phase < ESTABLISHED:
        answered = flow.phase == SYN_RECEIVED and me.acked and size == 0
        if answered and flags & ACK and acked == (peer.base_sequence + 1) & MASK:
            flow.ack_data_time = max(0, time - peer.last_time)
        flow.tcp_state |= STATE_ESTABLISHED
        flow.phase = ESTABLISHED
    if flags & ACK and peer.fin_sent and _difference(acked, peer.last_sequence) >= 0:
        flow.tcp_state |= STATE_FIN_ACK
        peer.fin_acked = 1
        if me.fin_acked:
            flow.tcp_state |= STATE_CLOSED
            flow.phase = CLOSED


@inlined
def _window(flow: Any, me: Any, side: int, flags: int, window: int) -> Any:
    """Keep the last open window; return False while this side has closed it."""
    if window == 0 and not flags & (FIN | RST):
        me.zero_window_packets += 1
        flow.events |= SRC_WINDOW_SHUT << side
        return False
    if window and not flags & RST and (not flags & FIN or not me.window):
        me.window = window << me.window_shift
    return True


@inlined
def update_tcp(
    data: Any, end: int, row: Any, flow: Any, me: Any, peer: Any, side: int, time: int, now: int, is_new: bool
) -> Any:
    """Take one segment into the flow; return whether data was in flight (Argus calls the interval before it active).

    `time` is the packet's own (ns); `now` never goes back, as packets of a joined capture may.
    """
    start = row[h.TCP]
    flags = u8(data, start + 13)
    sequence, acked = be32(data, start + 4), be32(data, start + 8)
    options_end = min(end, start + (u8(data, start + 12) >> 4) * 4)
    if options_end > start + 20:
        _options(data, start + 20, options_end, flow, me)
    me.tcp_flags |= flags
    _connection(flow, me, peer, side, time, flags, acked, row[h.APP_BYTES])
    active = _window(flow, me, side, flags, be16(data, start + 14))
    if flags & ECE and flags & ACK and not flags & SYN and flow.tcp_options & (SRC_ECN | DST_ECN):
        flow.events |= SRC_CONGESTED << side
    if flags & RST:
        if is_new:
            me.base_sequence = (sequence - 1) & MASK if sequence else (acked - 1) & MASK
        elif not (me.sequence_known or me.base_sequence):
            me.base_sequence = sequence
        return active
    in_flight = me.acked and _difference(me.last_sequence, peer.last_ack) > 0
    size = row[h.APP_BYTES] + (1 if flags & SYN else 0) + (1 if flags & FIN else 0)
    if flags & SYN and me.sequence_known:
        return active
    fresh = _follow_sequence(row, flow, me, side, now, sequence, size, is_new)
    if flags & ACK:
        if not peer.acked or _difference(acked, me.last_ack) > 0:
            me.last_ack = acked
        peer.acked = 1
    if flags & SYN and not flags & ACK:
        return active
    if row[h.APP_BYTES] == 0:
        return False
    me.last_ip_id = row[h.IP_ID]
    return active and fresh and in_flight
