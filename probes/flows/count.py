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
def _interval(me: Any, gap: int, active: bool) -> None:
    """Count one inter-packet time (ns) as active or idle."""
    microseconds = gap * 0.001
    if active:
        me.interval_min = min(me.interval_min, gap) if me.interval_count else gap
        me.interval_max = max(me.interval_max, gap)
        me.interval_count += 1
        me.interval_sum += gap
        me.interval_square_sum += microseconds * microseconds
    else:
        me.idle_interval_min = min(me.idle_interval_min, gap) if me.idle_interval_count else gap
        me.idle_interval_max = max(me.idle_interval_max, gap)
        me.idle_interval_count += 1
        me.idle_interval_sum += gap
        me.idle_interval_square_sum += microseconds * microseconds


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
    if me.packets == 0:
        me.first = time
        me.last = time
        me.size_min = length
        me.ttl_min = row[h.TTL]
    else:
        me.first = min(me.first, time)
        me.last = max(me.last, time)
        me.size_min = min(me.size_min, length)
        me.ttl_min = min(me.ttl_min, row[h.TTL])
    me.packets += 1
    me.bytes += length
    me.app_bytes += row[h.APP_BYTES]
    me.size_max = max(me.size_max, length)
    me.ttl = row[h.TTL]
    me.ttl_max = max(me.ttl_max, row[h.TTL])
    me.tos = row[h.TOS]
    me.ip_id = row[h.IP_ID]
    me.ip_options |= row[h.IP_OPTIONS]
    me.encapsulations |= row[h.ENCAPSULATIONS]
    if row[h.VLAN]:
        me.vlan = row[h.VLAN]
    if row[h.INNER_VLAN]:
        me.inner_vlan = row[h.INNER_VLAN]
    if row[h.MPLS]:
        me.mpls = row[h.MPLS]
    if row[h.FRAGMENT]:
        me.fragments += 1


@inlined
def _mark(flow: Any, row: Any, side: int) -> None:
    """Note facts about the packet that hold for its flow."""
    flags = row[h.FLAGS]
    if row[h.FRAGMENT]:
        flags |= FRAGMENTS
    if row[h.DAMAGE]:
        flags |= MALFORMED
    here, there = (flow.dst_mac, flow.src_mac) if side else (flow.src_mac, flow.dst_mac)
    if row[h.SRC_MAC] != here or row[h.DST_MAC] != there:
        flags |= MULTIPLE_MACS
    flow.flow_flags |= flags


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
    extra: Any,
    payloads: Any,
) -> Any:
    """Take a packet into its flow; return the cause for which the flow has to be reported at once, or NO_REPORT."""
    side = 0 if flow.initiator == turned else 1  # who asked, or who was asked
    me = sides[turned]
    end = packet.offset + packet.captured
    active = True
    cause = START if is_new and settings[at.START_RECORDS] else NO_REPORT
    if row[h.TCP]:
        was = flow.phase
        active = update_tcp(data, end, row, flow, me, sides[1 - turned], side, time, now, is_new)
        if flow.phase == CLOSED:
            flow.timeout = settings[at.CLOSED_TIMEOUT]
            if was != CLOSED and settings[at.EARLY_CLOSE]:
                cause = CLOSE
        else:
            flow.timeout = settings[at.TCP_TIMEOUT]
    elif row[h.PROTOCOL] in (UDP, ESP) and not row[h.FRAGMENT]:
        follow_numbers(data, end, row, flow, me)
    if row[h.QUOTED]:
        row[h.APP_BYTES] = row[h.QUOTED_LENGTH]
    _count(me, row, time)
    gap = time - me.last_time
    if me.last_time and 0 < gap < 2 * settings[at.STATUS_INTERVAL]:  # Argus's bounds for an inter-packet time
        _interval(me, gap, active)
        if settings[at.COUNTED] & at.COUNTED_INTERVALS:
            _count_interval(extra, at.HISTOGRAMS + turned * COUNTS, gap, active)
    me.last_time = max(me.last_time, time)
    if settings[at.COUNTED] & at.COUNTED_SIZES:
        _count_size(extra, at.HISTOGRAMS + turned * COUNTS, row[h.WIRE_LENGTH])
    if settings[at.PAYLOAD_BYTES]:
        keep_payload(data, end, row, me, payloads[turned])
    _mark(flow, row, side)
    flow.last_seen = now
    flow.pending = 1
    return cause


@inlined
def count_copy(row: Any, time: int, now: int, flow: Any, me: Any, turned: int, judging: Any) -> None:
    """Count a copy of a packet beside its flow, in fields of its own; the judge has just told how it differs."""
    state = judging[STATE]
    if me.packets == 0 and me.duplicate_packets == 0:  # the packet is in the last report: here copies say when
        me.first, me.last = time, time
        me.vlan, me.ttl = (state[WAS] & VLAN_BITS) >> VLAN_SHIFT, state[WAS] & TTL_BITS  # as of the packet
    me.duplicate_packets += 1
    me.duplicate_bytes += row[h.WIRE_LENGTH]
    me.duplicate_lag_sum += state[LAG]
    me.duplicate_lag_max = max(me.duplicate_lag_max, state[LAG])
    differences = state[DIFFERENCES]
    known = me.duplicate_differences
    if differences & TAG_DIFFERS or not known & TAG_DIFFERS:
        me.duplicate_vlan = row[h.VLAN]
    if differences & TTL_DIFFERS or not known & TTL_DIFFERS:
        me.duplicate_ttl = row[h.TTL]
    me.duplicate_differences = known | differences
    if row[h.TCP]:
        flow.events |= SRC_DUPLICATES << (0 if flow.initiator == turned else 1)
    flow.last_seen = now
    flow.pending = 1
