"""TCP: connection state, sequence numbers, windows, round trip of the handshake.

State bits follow Argus (topics/flags.py). Retransmissions and gaps come from sequence numbers (RFC 9293, serial
arithmetic), not from Argus's estimate of bytes in flight.
"""

from __future__ import annotations

from typing import Any

from probes.decode import headers as h
from probes.flows import layout as at
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

MASK = 0xFFFFFFFF
REORDERING = 3_000_000  # ns: what fills a gap sooner than this overtook on the way; later, it was sent again


@inlined
def _difference(a: int, b: int) -> Any:
    """Subtract in serial arithmetic: between -2^31 and 2^31 - 1."""
    return ((a - b + 0x80000000) & MASK) - 0x80000000


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
            flow[at.TCP_OPTIONS] |= OPTION_MSS
            me[at.MSS] = be16(data, place + 2)
        elif kind == 3 and size == 3:
            flow[at.TCP_OPTIONS] |= OPTION_SCALE
            me[at.WINDOW_SHIFT] = min(MAX_SHIFT, u8(data, place + 2))
        elif kind == 4:
            flow[at.TCP_OPTIONS] |= OPTION_SACK_OK
        elif kind == 5:
            flow[at.TCP_OPTIONS] |= OPTION_SACK
        elif kind in (6, 7):
            flow[at.TCP_OPTIONS] |= OPTION_ECHO << (kind - 6)
        elif kind == 8:
            flow[at.TCP_OPTIONS] |= OPTION_TIMESTAMP
        elif kind in (11, 12, 13):
            flow[at.TCP_OPTIONS] |= OPTION_CC << (kind - 11)
        place += size


@inlined
def starts_anew(data: Any, row: Any, flow: Any, me: Any) -> Any:
    """Tell whether this packet opens a new connection on the ports of one that is over."""
    flags = u8(data, row[h.TCP] + 13)
    if flags & (SYN | ACK | RST) != SYN or flow[at.PHASE] < CLOSING:
        return False
    repeated = me[at.SEQUENCE_KNOWN] and be32(data, row[h.TCP] + 4) == me[at.BASE_SEQUENCE]
    return not repeated  # a refused SYN that is tried again with its number still belongs to the first attempt


@inlined
def _count_retransmission(flow: Any, me: Any, side: int, seen_bytes: int) -> None:
    me[at.RETRANSMITTED_PACKETS] += 1
    me[at.RETRANSMITTED_BYTES] += seen_bytes
    me[at.LOST_PACKETS] += 1
    flow[at.EVENTS] |= SRC_RETRANSMITTED << side


@inlined
def _follow_sequence(row: Any, flow: Any, me: Any, side: int, now: int, sequence: int, size: int, is_new: bool) -> Any:
    """Follow one side's sequence numbers; return True unless the segment repeats what was sent."""
    following = (sequence + size) & MASK
    if not me[at.SEQUENCE_KNOWN]:
        me[at.SEQUENCE_KNOWN] = 1
        me[at.BASE_SEQUENCE] = (sequence - 1) & MASK if is_new and not me[at.TCP_FLAGS] & SYN else sequence
        me[at.LAST_SEQUENCE] = following
        return True
    ahead = _difference(sequence, me[at.LAST_SEQUENCE])
    if size == 0:
        return True
    if ahead >= 0:
        if ahead > 0:
            if me[at.HOLE_START] == me[at.HOLE_END]:
                me[at.HOLE_START] = me[at.LAST_SEQUENCE]
                me[at.HOLE_TIME] = now
            me[at.HOLE_END] = sequence
            me[at.GAP_BYTES] += ahead
        me[at.LAST_SEQUENCE] = following
        return True
    if size == 1 and ahead == -1:
        return True  # a keep-alive repeats the last byte on purpose (RFC 9293, 3.8.4)
    in_hole = (
        me[at.HOLE_START] != me[at.HOLE_END]
        and _difference(sequence, me[at.HOLE_START]) >= 0
        and _difference(following, me[at.HOLE_END]) <= 0
    )
    if in_hole:
        me[at.GAP_BYTES] -= size
        if sequence == me[at.HOLE_START]:
            me[at.HOLE_START] = following
        late = now - me[at.HOLE_TIME] > REORDERING
        step = (row[h.IP_ID] - me[at.LAST_IP_ID] + 0x8000 & 0xFFFF) - 0x8000
        if step < 0 or (step == 0 and not late):
            me[at.OUT_OF_ORDER_PACKETS] += 1
            flow[at.EVENTS] |= SRC_OUT_OF_ORDER << side
            return True
        _count_retransmission(flow, me, side, 0)
        return False
    if _difference(following, me[at.LAST_SEQUENCE]) > 0:
        me[at.LAST_SEQUENCE] = following
        _count_retransmission(flow, me, side, -ahead)
    else:
        _count_retransmission(flow, me, side, size)
    return False


@inlined
def _handshake(flow: Any, me: Any, peer: Any, side: int, time: int, flags: int, acked: int) -> None:
    """SYN and SYN-ACK, first or again."""
    if not flags & ACK:
        flow[at.TCP_STATE] |= STATE_SYN
        if flow[at.PHASE] == NEW:
            flow[at.PHASE] = SYN_SENT
            if flags & (ECE | CWR) == ECE | CWR:
                flow[at.TCP_OPTIONS] |= SRC_ECN
        elif me[at.SEQUENCE_KNOWN]:
            _count_retransmission(flow, me, side, 0)
            if (
                flow[at.PHASE] == CLOSED
            ):  # taken for a stray of an older connection and refused, it asks again (RFC 5961)
                flow[at.PHASE] = SYN_SENT
                peer[at.SEQUENCE_KNOWN] = 0
        return
    flow[at.TCP_STATE] |= STATE_SYN_ACK
    if flow[at.PHASE] <= SYN_SENT:
        flow[at.PHASE] = SYN_RECEIVED
        if peer[at.SEQUENCE_KNOWN] and peer[at.BASE_SEQUENCE] == (acked - 1) & MASK:
            flow[at.SYN_ACK_TIME] = max(0, time - peer[at.LAST_TIME])
        if flags & (ECE | CWR) == ECE:
            flow[at.TCP_OPTIONS] |= DST_ECN
    elif me[at.SEQUENCE_KNOWN]:
        _count_retransmission(flow, me, side, 0)


@inlined
def _connection(flow: Any, me: Any, peer: Any, side: int, time: int, flags: int, acked: int, size: int) -> None:
    """Advance the state of the connection by a segment with `size` bytes of data, taken at `time` (ns).

    The handshake ends, and is timed, with an acknowledgement by whom was answered and without data, as in Argus: data
    may have waited for the program that sent it.
    """
    if flags & RST:
        flow[at.TCP_STATE] |= SRC_RESET << side
        flow[at.PHASE] = CLOSED
        return
    if flags & SYN:
        _handshake(flow, me, peer, side, time, flags, acked)
        return
    if flags & FIN:
        flow[at.TCP_STATE] |= STATE_FIN
        me[at.FIN_SENT] = 1
        flow[at.PHASE] = max(flow[at.PHASE], CLOSING)
    elif flow[at.PHASE] < ESTABLISHED:
        answered = flow[at.PHASE] == SYN_RECEIVED and me[at.ACKED] and size == 0
        if answered and flags & ACK and acked == (peer[at.BASE_SEQUENCE] + 1) & MASK:
            flow[at.ACK_DATA_TIME] = max(0, time - peer[at.LAST_TIME])
        flow[at.TCP_STATE] |= STATE_ESTABLISHED
        flow[at.PHASE] = ESTABLISHED
    if flags & ACK and peer[at.FIN_SENT] and _difference(acked, peer[at.LAST_SEQUENCE]) >= 0:
        flow[at.TCP_STATE] |= STATE_FIN_ACK
        peer[at.FIN_ACKED] = 1
        if me[at.FIN_ACKED]:
            flow[at.TCP_STATE] |= STATE_CLOSED
            flow[at.PHASE] = CLOSED


@inlined
def _window(flow: Any, me: Any, side: int, flags: int, window: int) -> Any:
    """Keep the last open window; return False while this side has closed it."""
    if window == 0 and not flags & (FIN | RST):
        me[at.ZERO_WINDOW_PACKETS] += 1
        flow[at.EVENTS] |= SRC_WINDOW_SHUT << side
        return False
    if window and not flags & RST and (not flags & FIN or not me[at.WINDOW]):
        me[at.WINDOW] = window << me[at.WINDOW_SHIFT]
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
    me[at.TCP_FLAGS] |= flags
    _connection(flow, me, peer, side, time, flags, acked, row[h.APP_BYTES])
    active = _window(flow, me, side, flags, be16(data, start + 14))
    if flags & ECE and flags & ACK and not flags & SYN and flow[at.TCP_OPTIONS] & (SRC_ECN | DST_ECN):
        flow[at.EVENTS] |= SRC_CONGESTED << side
    if flags & RST:
        if is_new:
            me[at.BASE_SEQUENCE] = (sequence - 1) & MASK if sequence else (acked - 1) & MASK
        return active
    in_flight = me[at.ACKED] and _difference(me[at.LAST_SEQUENCE], peer[at.LAST_ACK]) > 0
    size = row[h.APP_BYTES] + (1 if flags & SYN else 0) + (1 if flags & FIN else 0)
    if flags & SYN and me[at.SEQUENCE_KNOWN]:
        return active
    fresh = _follow_sequence(row, flow, me, side, now, sequence, size, is_new)
    if flags & ACK:
        if not peer[at.ACKED] or _difference(acked, me[at.LAST_ACK]) > 0:
            me[at.LAST_ACK] = acked
        peer[at.ACKED] = 1
    if flags & SYN and not flags & ACK:
        return active
    if row[h.APP_BYTES] == 0:
        return False
    me[at.LAST_IP_ID] = row[h.IP_ID]
    return active and fresh and in_flight
