"""One packet into its flow: what every packet counts, and what its protocol makes of it."""

from __future__ import annotations

from typing import Any

from probes.decode import headers as h
from probes.decode.transport import ESP, UDP
from probes.duplicates.layout import (
    DIFFERENCES,
    DIFFERENCES_SHIFT,
    LAG,
    OTHER_TTL,
    OTHER_VLAN,
    STATE,
    TTL_BITS,
    VLAN_BITS,
    VLAN_SHIFT,
    WAS,
)
from probes.flows import layout as at
from probes.flows.payload import keep_payload
from probes.flows.real_time import follow_numbers
from probes.flows.tcp import CLOSED, update_tcp
from topics.compiled import bit_length, inlined
from topics.flags import Cause, FlowFlags, TcpState
from topics.histograms import ACTIVE, BINS, COUNTS, FIRST_POWER, HEADER_BYTES, IDLE, SHORTEST, SIZES

NO_REPORT = -1
START, CLOSE = Cause.START, Cause.CLOSE
FRAGMENTS, MULTIPLE_MACS = int(FlowFlags.FRAGMENTS), int(FlowFlags.MULTIPLE_MACS)
MALFORMED = int(FlowFlags.MALFORMED)
TAG_DIFFERS, TTL_DIFFERS = OTHER_VLAN >> DIFFERENCES_SHIFT, OTHER_TTL >> DIFFERENCES_SHIFT
SRC_DUPLICATES = int(TcpState.SRC_DUPLICATES)


@inlined
def _interval(me: Any, squares: Any, gap: int, active: bool) -> None:
    """Count one inter-packet time (ns) as active or idle."""
    base = at.INTERVAL_COUNT if active else at.IDLE_INTERVAL_COUNT
    if me[base] == 0 or gap < me[base + 2]:
        me[base + 2] = gap
    me[base + 3] = max(me[base + 3], gap)
    me[base] += 1
    me[base + 1] += gap
    microseconds = gap * 0.001
    squares[at.INTERVAL_SQUARES if active else at.IDLE_INTERVAL_SQUARES] += microseconds * microseconds


@inlined
def _count_size(counts: Any, first: int, length: int) -> None:
    power = bit_length(max(length - HEADER_BYTES, 1)) - 1
    counts[first + SIZES + min(max(power - FIRST_POWER, 0), BINS - 1)] += 1


@inlined
def _count_interval(counts: Any, first: int, gap: int, active: bool) -> None:
    edge, place = SHORTEST, 0
    while gap >= edge and place < BINS - 1:
        edge *= 10
        place += 1
    counts[first + (ACTIVE if active else IDLE) + place] += 1


@inlined
def _count(me: Any, row: Any, time: int) -> None:
    """Take what every packet has into the counters of its side."""
    length = row[h.WIRE_LENGTH]
    if me[at.PACKETS] == 0:
        me[at.FIRST] = time
        me[at.LAST] = time
        me[at.SIZE_MIN] = length
        me[at.TTL_MIN] = row[h.TTL]
    else:
        me[at.FIRST] = min(me[at.FIRST], time)
        me[at.LAST] = max(me[at.LAST], time)
        me[at.SIZE_MIN] = min(me[at.SIZE_MIN], length)
        me[at.TTL_MIN] = min(me[at.TTL_MIN], row[h.TTL])
    me[at.PACKETS] += 1
    me[at.BYTES] += length
    me[at.APP_BYTES] += row[h.APP_BYTES]
    me[at.SIZE_MAX] = max(me[at.SIZE_MAX], length)
    me[at.TTL] = row[h.TTL]
    me[at.TTL_MAX] = max(me[at.TTL_MAX], row[h.TTL])
    me[at.TOS] = row[h.TOS]
    me[at.IP_ID] = row[h.IP_ID]
    me[at.IP_OPTIONS] |= row[h.IP_OPTIONS]
    me[at.ENCAPSULATIONS] |= row[h.ENCAPSULATIONS]
    if row[h.VLAN]:
        me[at.VLAN] = row[h.VLAN]
    if row[h.INNER_VLAN]:
        me[at.INNER_VLAN] = row[h.INNER_VLAN]
    if row[h.MPLS]:
        me[at.MPLS] = row[h.MPLS]
    if row[h.FRAGMENT]:
        me[at.FRAGMENTS] += 1


@inlined
def _mark(flow: Any, row: Any, side: int) -> None:
    """Note facts about the packet that hold for its flow."""
    flags = row[h.FLAGS]
    if row[h.FRAGMENT]:
        flags |= FRAGMENTS
    if row[h.DAMAGE]:
        flags |= MALFORMED
    if row[h.SRC_MAC] != flow[at.SRC_MAC + side] or row[h.DST_MAC] != flow[at.DST_MAC - side]:
        flags |= MULTIPLE_MACS
    flow[at.FLOW_FLAGS] |= flags


@inlined
def count_packet(
    data: Any,
    packet: Any,
    row: Any,
    time: int,
    now: int,
    turned: int,
    is_new: bool,
    settings: Any,
    flow: Any,
    sides: Any,
    squares: Any,
    extra: Any,
    payloads: Any,
) -> Any:
    """Take a packet into its flow; return the cause for which the flow has to be reported at once, or NO_REPORT."""
    side = 0 if flow[at.INITIATOR] == turned else 1  # who asked, or who was asked
    me = sides[turned]
    end = packet.offset + packet.captured
    active = True
    cause = START if is_new and settings[at.START_RECORDS] else NO_REPORT
    if row[h.TCP]:
        was = flow[at.PHASE]
        active = update_tcp(data, end, row, flow, me, sides[1 - turned], side, time, now, is_new)
        if flow[at.PHASE] == CLOSED:
            flow[at.TIMEOUT] = settings[at.CLOSED_TIMEOUT]
            if was != CLOSED and settings[at.EARLY_CLOSE]:
                cause = CLOSE
        else:
            flow[at.TIMEOUT] = settings[at.TCP_TIMEOUT]
    elif row[h.PROTOCOL] in (UDP, ESP) and not row[h.FRAGMENT]:
        follow_numbers(data, end, row, flow, me)
    if row[h.QUOTED]:
        row[h.APP_BYTES] = row[h.QUOTED_LENGTH]
    _count(me, row, time)
    gap = time - me[at.LAST_TIME]
    if me[at.LAST_TIME] and 0 < gap < 2 * settings[at.STATUS_INTERVAL]:  # Argus's bounds for an inter-packet time
        _interval(me, squares[turned], gap, active)
        if settings[at.COUNTED] & at.COUNTED_INTERVALS:
            _count_interval(extra, at.HISTOGRAMS + turned * COUNTS, gap, active)
    me[at.LAST_TIME] = max(me[at.LAST_TIME], time)
    if settings[at.COUNTED] & at.COUNTED_SIZES:
        _count_size(extra, at.HISTOGRAMS + turned * COUNTS, row[h.WIRE_LENGTH])
    if settings[at.PAYLOAD_BYTES]:
        keep_payload(data, end, row, me, payloads[turned])
    _mark(flow, row, side)
    flow[at.LAST_SEEN] = now
    flow[at.PENDING] += 1
    return cause


@inlined
def count_copy(row: Any, time: int, now: int, flow: Any, me: Any, turned: int, judging: Any) -> None:
    """Count a copy of a packet beside its flow, in fields of its own; the judge has just told how it differs."""
    state = judging[STATE]
    if me[at.PACKETS] == 0 and me[at.DUPLICATE_PACKETS] == 0:  # the packet is in the last report: here copies say when
        me[at.FIRST], me[at.LAST] = time, time
        me[at.VLAN], me[at.TTL] = (state[WAS] & VLAN_BITS) >> VLAN_SHIFT, state[WAS] & TTL_BITS  # as of the packet
    me[at.DUPLICATE_PACKETS] += 1
    me[at.DUPLICATE_BYTES] += row[h.WIRE_LENGTH]
    me[at.DUPLICATE_LAG_SUM] += state[LAG]
    me[at.DUPLICATE_LAG_MAX] = max(me[at.DUPLICATE_LAG_MAX], state[LAG])
    differences = state[DIFFERENCES]
    known = me[at.DUPLICATE_DIFFERENCES]
    if differences & TAG_DIFFERS or not known & TAG_DIFFERS:
        me[at.DUPLICATE_VLAN] = row[h.VLAN]
    if differences & TTL_DIFFERS or not known & TTL_DIFFERS:
        me[at.DUPLICATE_TTL] = row[h.TTL]
    me[at.DUPLICATE_DIFFERENCES] = known | differences
    if row[h.TCP]:
        flow[at.EVENTS] |= SRC_DUPLICATES << (0 if flow[at.INITIATOR] == turned else 1)
    flow[at.LAST_SEEN] = now
    flow[at.PENDING] += 1
