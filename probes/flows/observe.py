"""The kernel that takes packets into flows and lets status records out, driven by the clock of the packets alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.decode import headers as h
from probes.decode.packet import decode
from probes.decode.transport import ESP, ICMP, ICMPV6, UDP
from probes.flows import layout as at
from probes.flows import table
from probes.flows.identity import add_to_key
from probes.flows.payload import keep_payload
from probes.flows.quoted import note_error
from probes.flows.real_time import follow_numbers
from probes.flows.report import ADDRESSES, report
from probes.flows.tcp import CLOSED, starts_anew, update_tcp
from topics.compiled import borrowed, inlined, kernel, prefetch
from topics.flags import Cause, FlowFlags

DONE, OUT_FULL, TABLE_FULL = range(3)
NO_REPORT = -1
ROOM = 4  # records that one packet may cause besides those of the queues

SECOND = 1_000_000_000
FRAGMENT_TIMEOUT = 5 * SECOND
CHECK_PERIOD = 10 * SECOND
AHEAD = 32  # packets decoded before the first of them is counted
SPARE = AHEAD  # row for what an ICMP error quotes
WORDS_A_LINE = 8  # int64 in a cache line

START, STATUS, CLOSE, TIMEOUT, REUSE = Cause.START, Cause.STATUS, Cause.CLOSE, Cause.TIMEOUT, Cause.REUSE
FRAGMENTS_FLAG, MULTIPLE_MACS = int(FlowFlags.FRAGMENTS), int(FlowFlags.MULTIPLE_MACS)
MALFORMED, NOT_CAPTURED = int(FlowFlags.MALFORMED), int(FlowFlags.HEADER_NOT_CAPTURED)
TCP_PROTOCOL = 6

# Fragments whose first one was seen: rows of (hash, ports, discriminator, order, time).
FRAGMENT_ROWS = 4096
FRAGMENT_HASH, FRAGMENT_PORTS, FRAGMENT_DISCRIMINATOR, FRAGMENT_ORDER, FRAGMENT_TIME = range(5)
FRAGMENT_COLUMNS = 5


@inlined
def _timeout(row: Any, settings: Any) -> Any:
    protocol = row[h.PROTOCOL]
    if protocol == TCP_PROTOCOL:
        return settings[at.TCP_TIMEOUT]
    if protocol in (ICMP, ICMPV6):
        return settings[at.ICMP_TIMEOUT]
    return settings[at.ARP_TIMEOUT] if row[h.ETHERTYPE] == h.ARP else settings[at.OTHER_TIMEOUT]


@inlined
def _fragment(row: Any, fragments: Any, now: int, counters: Any) -> None:
    """Give later fragments the ports of the first one, so that they count in its flow (RFC 791: source, target, id)."""
    hashed = table.mix(table.mix(row[h.SRC_LOW], row[h.DST_LOW]), row[h.SRC_HIGH] ^ row[h.DST_HIGH])
    hashed = table.mix(table.mix(hashed, (row[h.FRAGMENT_ID] << 8) | row[h.PROTOCOL]), row[h.TUNNEL_ID])
    place = fragments[np.int64(hashed & np.uint64(FRAGMENT_ROWS - 1))]
    word = np.int64(hashed)
    if row[h.FRAGMENT] == h.FIRST_FRAGMENT:
        place[FRAGMENT_HASH] = word
        place[FRAGMENT_PORTS] = (row[h.SRC_PORT] << 16) | row[h.DST_PORT]
        place[FRAGMENT_DISCRIMINATOR] = row[h.DISCRIMINATOR]
        place[FRAGMENT_ORDER] = row[h.ORDER]
        place[FRAGMENT_TIME] = now
    elif place[FRAGMENT_HASH] == word and now - place[FRAGMENT_TIME] <= FRAGMENT_TIMEOUT:
        row[h.SRC_PORT] = place[FRAGMENT_PORTS] >> 16
        row[h.DST_PORT] = place[FRAGMENT_PORTS] & 0xFFFF
        row[h.DISCRIMINATOR] = place[FRAGMENT_DISCRIMINATOR]
        row[h.ORDER] = place[FRAGMENT_ORDER]
    else:
        counters[at.COUNT_LONE_FRAGMENTS] += 1
        row[h.DISCRIMINATOR] ^= row[h.FRAGMENT_ID]
        row[h.ORDER] = h.FORWARD


@inlined
def _note_tunnel(extra: Any, row: Any, forward: bool) -> None:
    """Keep the tunnel of the first packet, its ends in the order of the flow's."""
    src, dst = (h.OUTER_SRC_HIGH, h.OUTER_DST_HIGH) if forward else (h.OUTER_DST_HIGH, h.OUTER_SRC_HIGH)
    extra[at.TUNNEL_ID] = row[h.TUNNEL_ID]
    extra[at.OUTER_SRC_HIGH], extra[at.OUTER_SRC_LOW] = row[src], row[src + 1]
    extra[at.OUTER_DST_HIGH], extra[at.OUTER_DST_LOW] = row[dst], row[dst + 1]


@inlined
def _begin(
    flow: Any,
    sides: Any,
    extra: Any,
    settings: Any,
    row: Any,
    now: int,
    turned: int,
    key: Any,
    seed: int,
    number: int,
) -> None:
    """Make a row of the table a new flow."""
    flow[: at.NEXT_STATUS] = 0  # what is behind it belongs to the queues
    sides[:, :] = 0
    flow[at.FLOW_START] = now
    flow[at.TIMEOUT] = _timeout(row, settings)
    flow[at.INITIATOR] = turned if row[h.ORDER] in (h.CANONICAL, h.ENDS) else 0
    forward = flow[at.INITIATOR] == turned
    flow[at.SRC_MAC] = row[h.SRC_MAC] if forward else row[h.DST_MAC]
    flow[at.DST_MAC] = row[h.DST_MAC] if forward else row[h.SRC_MAC]
    flow[at.TUNNEL_KIND] = row[h.TUNNEL_KIND]
    if row[h.TUNNEL_KIND]:
        _note_tunnel(extra, row, forward)
    high = table.mix(table.mix(np.uint64(key[at.HASH]), seed), now)
    flow[at.ID_HIGH] = np.int64(high)
    flow[at.ID_LOW] = np.int64(table.mix(high ^ np.uint64(key[at.A_LOW]), number))


@inlined
def _interval(me: Any, squares: Any, gap: int, active: bool) -> None:
    """Count one inter-packet time (ns) as active or idle."""
    base = at.INTERVAL_COUNT if active else at.IDLE_INTERVAL_COUNT
    if me[base] == 0 or gap < me[base + 2]:
        me[base + 2] = gap
    me[base + 3] = max(me[base + 3], gap)
    me[base] += 1
    me[base + 1] += gap
    squares[at.INTERVAL_SQUARES if active else at.IDLE_INTERVAL_SQUARES] += (gap / 1000.0) * (gap / 1000.0)


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
def _expire(index: Any, keys: Any, flows: Any, queues: Any, free: Any, now: int) -> None:
    """Take flows out that were idle for longer than their timeout; each flow is looked at every CHECK_PERIOD."""
    while queues[table.IDLE_HEAD] != table.NOBODY:
        slot = queues[table.IDLE_HEAD]
        flow = flows[slot]
        if flow[at.CHECKED] + CHECK_PERIOD > now:
            break
        table.pop(flows, queues, table.IDLE_HEAD, at.NEXT_IDLE)
        if flow[at.QUEUED] or flow[at.LAST_SEEN] + flow[at.TIMEOUT] >= now:
            flow[at.CHECKED] = now
            table.append(flows, queues, table.IDLE_HEAD, at.NEXT_IDLE, slot)
        else:
            release(index, keys, queues, free, slot)


@inlined
def release(index: Any, keys: Any, queues: Any, free: Any, slot: int) -> None:
    """Give the row of a flow back."""
    table.remove(index, keys, slot)
    free[queues[table.FREE]] = slot
    queues[table.FREE] += 1


@inlined
def _look_ahead(
    data: Any,
    packets: Any,
    start: int,
    settings: Any,
    rows: Any,
    ahead_keys: Any,
    index: Any,
    keys: Any,
    flows: Any,
    sides: Any,
) -> Any:
    """Decode the next packets and ask for the memory of their flows, so that its latency is spent once for all of them.

    Returns the number of the first packet that is not decoded.
    """
    end = min(len(packets), (start | (AHEAD - 1)) + 1)
    tunnels, additions = settings[at.TUNNELS], settings[at.KEY_ADDITIONS]
    for number in range(start, end):
        if number + AHEAD < len(packets):
            prefetch(data, packets[number + AHEAD].offset)
        packet = packets[number]
        row, key = rows[number & (AHEAD - 1)], ahead_keys[number & (AHEAD - 1)]
        decode(data, packet.offset, packet.captured, packet.length, packet.link_type, tunnels, row)
        if additions:
            add_to_key(row, additions)
        key[at.TURNED] = table.make_key(row, key)
        prefetch(index, np.int64(np.uint64(key[at.HASH]) & np.uint64(len(index) - 1)))
    for number in range(start, end):
        slot = table.likely(index, ahead_keys[number & (AHEAD - 1)])
        if slot != table.NOT_FOUND:
            prefetch(keys[slot], 0)
            _prefetch_range(flows[slot], at.FLOW_BUSY)
            turned = ahead_keys[number & (AHEAD - 1), at.TURNED]
            _prefetch_range(sides[slot, turned], at.SIDE_BUSY)
            if rows[number & (AHEAD - 1), h.TCP]:
                _prefetch_range(sides[slot, turned], at.PEER_BUSY)
                _prefetch_range(sides[slot, 1 - turned], at.PEER_BUSY)
    return end


@inlined
def _prefetch_range(row: Any, columns: Any) -> None:
    """Ask for the cache lines of a range of columns, first and last included."""
    for column in range(columns[0], columns[1], WORDS_A_LINE):
        prefetch(row, column)
    prefetch(row, columns[1])


@inlined
def _report_due(
    now: int,
    settings: Any,
    keys: Any,
    flows: Any,
    sides: Any,
    squares: Any,
    extras: Any,
    payloads: Any,
    queues: Any,
    copies: Any,
    out: Any,
    views: Any,
    heap: Any,
    written: int,
    limit: int,
) -> Any:
    """Let out the status records that are due; return (records in `out`, whether there was room for all).

    A flow that was reported at its close stands in the queue until its time, with what came after or nothing to say.
    """
    while queues[table.STATUS_HEAD] != table.NOBODY:
        slot = queues[table.STATUS_HEAD]
        flow = flows[slot]
        if flow[at.RECORD_BEGAN] + settings[at.STATUS_INTERVAL] > now:
            break
        if written >= limit or queues[table.HEAP_USED] + ROOM * _heap_need(settings) > len(heap):
            return written, False
        table.pop(flows, queues, table.STATUS_HEAD, at.NEXT_STATUS)
        flow[at.QUEUED] = 0
        if flow[at.PENDING]:
            report(
                written,
                out,
                views,
                copies,
                keys[slot],
                flow,
                sides[slot],
                squares[slot],
                extras[slot],
                payloads[slot],
                heap,
                queues,
                STATUS,
            )
            written += 1
    return written, written < limit and queues[table.HEAP_USED] + ROOM * _heap_need(settings) <= len(heap)


@inlined
def _heap_need(settings: Any) -> Any:
    """Bytes of the heap that a record may take."""
    return ADDRESSES + 2 * settings[at.PAYLOAD_BYTES]


@kernel
def observe(
    data: Any,
    packets: Any,
    start: int,
    settings: Any,
    seed: int,
    index: Any,
    keys: Any,
    flows: Any,
    sides: Any,
    squares: Any,
    extras: Any,
    payloads: Any,
    queues: Any,
    free: Any,
    fragments: Any,
    rows: Any,
    ahead_keys: Any,
    counters: Any,
    copies: Any,
    out: Any,
    views: Any,
    heap: Any,
    written: int,
) -> Any:
    """Take packets[start:] into the table; `out` holds `written` records already, `heap` what they refer to.

    Returns (packets taken, records in `out` now, DONE | OUT_FULL | TABLE_FULL). After OUT_FULL the caller empties
    `out` and `heap`, after TABLE_FULL it makes room, and both times it calls again from the packet that was not taken.
    """
    data, keys, flows, sides, squares = (
        borrowed(data),
        borrowed(keys),
        borrowed(flows),
        borrowed(sides),
        borrowed(squares),
    )
    extras, payloads, heap = borrowed(extras), borrowed(payloads), borrowed(heap)
    index, queues, free, fragments = borrowed(index), borrowed(queues), borrowed(free), borrowed(fragments)
    packets, out = borrowed(packets), borrowed(out)
    rows, ahead_keys, settings = borrowed(rows), borrowed(ahead_keys), borrowed(settings)
    counters = borrowed(counters)
    copies = (borrowed(copies[0]), borrowed(copies[1]), borrowed(copies[2]), borrowed(copies[3]))
    views = (borrowed(views[0]), borrowed(views[1]), borrowed(views[2]), borrowed(views[3]))
    limit = len(out) - ROOM
    ahead = start
    for number in range(start, len(packets)):
        if number == ahead:
            ahead = _look_ahead(data, packets, number, settings, rows, ahead_keys, index, keys, flows, sides)
        packet = packets[number]
        row, key = rows[number & (AHEAD - 1)], ahead_keys[number & (AHEAD - 1)]
        time = packet.time
        now = max(settings[at.CLOCK], time)
        settings[at.CLOCK] = now
        written, room = _report_due(
            now,
            settings,
            keys,
            flows,
            sides,
            squares,
            extras,
            payloads,
            queues,
            copies,
            out,
            views,
            heap,
            written,
            limit,
        )
        if not room:
            return number, written, OUT_FULL
        _expire(index, keys, flows, queues, free, now)
        if row[h.FRAGMENT]:
            _fragment(row, fragments, now, counters)
            key[at.TURNED] = table.make_key(row, key)
        turned = key[at.TURNED]
        slot = table.find(index, keys, key)
        is_new = slot == table.NOT_FOUND
        if is_new:
            if queues[table.FREE] == 0 and queues[table.USED] == len(flows):
                return number, written, TABLE_FULL
            if queues[table.FREE]:
                queues[table.FREE] -= 1
                slot = free[queues[table.FREE]]
            else:
                slot = queues[table.USED]
                queues[table.USED] += 1
            keys[slot] = key
            table.insert(index, key[at.HASH], slot)
            flows[slot, at.CHECKED] = now
            flows[slot, at.QUEUED] = 0
            table.append(flows, queues, table.IDLE_HEAD, at.NEXT_IDLE, slot)
        flow = flows[slot]
        cause = NO_REPORT
        if not is_new:
            gone = now - flow[at.LAST_SEEN] > flow[at.TIMEOUT]
            reused = row[h.TCP] and starts_anew(data, row, flow, sides[slot, turned])
            if gone or reused:
                is_new = True
                if flow[at.PENDING]:
                    cause = REUSE if reused else TIMEOUT
        for turn in range(2):  # the flow that ends here, then the one that this packet belongs to
            if turn == 1:
                if is_new:
                    _begin(
                        flow,
                        sides[slot],
                        extras[slot],
                        settings,
                        row,
                        time,
                        turned,
                        key,
                        seed,
                        counters[at.COUNT_FLOWS],
                    )
                    counters[at.COUNT_FLOWS] += 1
                cause = _count_packet(
                    data,
                    packet,
                    row,
                    time,
                    now,
                    turned,
                    is_new,
                    settings,
                    flow,
                    sides[slot],
                    squares[slot],
                    payloads[slot],
                )
            if cause != NO_REPORT:
                report(
                    written,
                    out,
                    views,
                    copies,
                    keys[slot],
                    flow,
                    sides[slot],
                    squares[slot],
                    extras[slot],
                    payloads[slot],
                    heap,
                    queues,
                    cause,
                )
                written += 1
        if flow[at.PENDING] and not flow[at.QUEUED]:
            flow[at.RECORD_BEGAN] = now
            flow[at.QUEUED] = 1
            table.append(flows, queues, table.STATUS_HEAD, at.NEXT_STATUS, slot)
        if row[h.QUOTED]:
            end = packet.offset + packet.captured
            additions = settings[at.KEY_ADDITIONS]
            note_error(data, end, row, additions, rows[SPARE], ahead_keys[SPARE], index, keys, flows, extras)
        if row[h.DAMAGE]:
            counters[at.BEFORE_MALFORMED + row[h.DAMAGE]] += 1
        if row[h.FLAGS] & NOT_CAPTURED:
            counters[at.COUNT_NOT_CAPTURED] += 1
        counters[at.COUNT_PACKETS] += 1
        counters[at.COUNT_BYTES] += row[h.WIRE_LENGTH]
    return len(packets), written, DONE


@inlined
def _count_packet(
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
        active = update_tcp(data, end, row, flow, me, sides[1 - turned], side, now, is_new)
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
    me[at.LAST_TIME] = max(me[at.LAST_TIME], time)
    if settings[at.PAYLOAD_BYTES]:
        keep_payload(data, end, row, me, payloads[turned])
    _mark(flow, row, side)
    flow[at.LAST_SEEN] = now
    flow[at.PENDING] += 1
    return cause


@inlined
def _mark(flow: Any, row: Any, side: int) -> None:
    """Note facts about the packet that hold for its flow."""
    flags = row[h.FLAGS]
    if row[h.FRAGMENT]:
        flags |= FRAGMENTS_FLAG
    if row[h.DAMAGE]:
        flags |= MALFORMED
    if row[h.SRC_MAC] != flow[at.SRC_MAC + side] or row[h.DST_MAC] != flow[at.DST_MAC - side]:
        flags |= MULTIPLE_MACS
    flow[at.FLOW_FLAGS] |= flags


@kernel
def advance(
    time: int,
    settings: Any,
    index: Any,
    keys: Any,
    flows: Any,
    sides: Any,
    squares: Any,
    extras: Any,
    payloads: Any,
    queues: Any,
    free: Any,
    copies: Any,
    out: Any,
    views: Any,
    heap: Any,
    written: int,
) -> Any:
    """Let the clock come to `time` (ns) without a packet; return (records in `out` now, DONE | OUT_FULL)."""
    now = max(settings[at.CLOCK], time)
    settings[at.CLOCK] = now
    written, room = _report_due(
        now,
        settings,
        keys,
        flows,
        sides,
        squares,
        extras,
        payloads,
        queues,
        copies,
        out,
        views,
        heap,
        written,
        len(out) - ROOM,
    )
    if not room:
        return written, OUT_FULL
    _expire(index, keys, flows, queues, free, now)
    return written, DONE


@kernel
def drain(
    cause: int,
    settings: Any,
    keys: Any,
    flows: Any,
    sides: Any,
    squares: Any,
    extras: Any,
    payloads: Any,
    queues: Any,
    copies: Any,
    out: Any,
    views: Any,
    heap: Any,
) -> Any:
    """Report flows from the head of the status queue whatever their age, as many as have room; return how many."""
    written = 0
    while written < len(out) and queues[table.STATUS_HEAD] != table.NOBODY:
        if queues[table.HEAP_USED] + _heap_need(settings) > len(heap):
            break
        slot = table.pop(flows, queues, table.STATUS_HEAD, at.NEXT_STATUS)
        flows[slot, at.QUEUED] = 0
        if flows[slot, at.PENDING]:
            report(
                written,
                out,
                views,
                copies,
                keys[slot],
                flows[slot],
                sides[slot],
                squares[slot],
                extras[slot],
                payloads[slot],
                heap,
                queues,
                cause,
            )
            written += 1
    return written


@kernel
def evict(count: int, index: Any, keys: Any, flows: Any, queues: Any, free: Any, counters: Any) -> None:
    """Take `count` flows out of a full table, those not seen for long first; the caller has drained the status queue.

    A flow that was seen since it was looked at last gets another turn: the clock algorithm, nearly least recently used.
    """
    evicted = 0
    for _ in range(2 * len(flows)):
        if evicted == count or queues[table.IDLE_HEAD] == table.NOBODY:
            return
        slot = table.pop(flows, queues, table.IDLE_HEAD, at.NEXT_IDLE)
        flow = flows[slot]
        if flow[at.LAST_SEEN] > flow[at.CHECKED]:
            flow[at.CHECKED] = flow[at.LAST_SEEN]
            table.append(flows, queues, table.IDLE_HEAD, at.NEXT_IDLE, slot)
        else:
            release(index, keys, queues, free, slot)
            counters[at.COUNT_EVICTED] += 1
            evicted += 1
