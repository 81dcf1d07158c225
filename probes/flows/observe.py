"""The kernel that takes packets into flows and lets status records out, driven by the clock of the packets alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.decode import headers as h
from probes.decode.packet import decode
from probes.decode.transport import ICMP, ICMPV6
from probes.flows import layout, table
from probes.flows import layout as at
from probes.flows.report import report
from probes.flows.tcp import CLOSED, starts_anew, update_tcp
from topics.compiled import borrowed, inlined, kernel, prefetch
from topics.flags import Cause, FlowFlags

DONE, OUT_FULL, TABLE_FULL = range(3)
ROOM = 4  # records that one packet may cause besides those of the queues

SECOND = 1_000_000_000
# Idle timeouts of Argus (argus.conf): TCP 60 s, 10 s once closed; ICMP and ARP 5 s; all others 30 s.
TCP_TIMEOUT, CLOSED_TIMEOUT, SHORT_TIMEOUT, OTHER_TIMEOUT = 60 * SECOND, 10 * SECOND, 5 * SECOND, 30 * SECOND
FRAGMENT_TIMEOUT = 5 * SECOND
CHECK_PERIOD = 10 * SECOND
AHEAD = 32  # packets decoded before the first of them is counted
WORDS_A_LINE = 8  # int64 in a cache line

STATUS, TIMEOUT, REUSE = Cause.STATUS, Cause.TIMEOUT, Cause.REUSE
FRAGMENTS_FLAG = int(FlowFlags.FRAGMENTS)
MALFORMED, NOT_CAPTURED = int(FlowFlags.MALFORMED), int(FlowFlags.HEADER_NOT_CAPTURED)
TCP_PROTOCOL = 6

# The clock and the status interval of a table: int64[2].
CLOCK, INTERVAL = range(2)

# Fragments whose first one was seen: rows of (hash, ports, discriminator, order, time).
FRAGMENT_ROWS = 4096
FRAGMENT_HASH, FRAGMENT_PORTS, FRAGMENT_DISCRIMINATOR, FRAGMENT_ORDER, FRAGMENT_TIME = range(5)
FRAGMENT_COLUMNS = 5


@inlined
def _timeout(row: Any) -> Any:
    protocol = row[h.PROTOCOL]
    if row[h.ETHERTYPE] == h.ARP or protocol in (ICMP, ICMPV6):
        return SHORT_TIMEOUT
    return TCP_TIMEOUT if protocol == TCP_PROTOCOL else OTHER_TIMEOUT


@inlined
def _fragment(row: Any, fragments: Any, now: int, counters: Any) -> None:
    """Give later fragments the ports of the first one, so that they count in its flow (RFC 791: source, target, id)."""
    hashed = table.mix(table.mix(row[h.SRC_LOW], row[h.DST_LOW]), row[h.SRC_HIGH] ^ row[h.DST_HIGH])
    hashed = table.mix(hashed, (row[h.FRAGMENT_ID] << 8) | row[h.PROTOCOL])
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
        row[h.DISCRIMINATOR] = row[h.FRAGMENT_ID]
        row[h.ORDER] = h.FORWARD


@inlined
def _begin(
    flow: Any, sides: Any, squares: Any, row: Any, now: int, turned: int, key: Any, seed: int, number: int
) -> None:
    """Make a row of the table a new flow."""
    flow[: at.NEXT_STATUS] = 0  # what is behind it belongs to the queues
    sides[:, :] = 0
    squares[:, :] = 0.0
    flow[at.FLOW_START] = now
    flow[at.TIMEOUT] = _timeout(row)
    flow[at.INITIATOR] = 0 if row[h.ORDER] != h.CANONICAL else turned
    forward = flow[at.INITIATOR] == turned
    flow[at.SRC_MAC] = row[h.SRC_MAC] if forward else row[h.DST_MAC]
    flow[at.DST_MAC] = row[h.DST_MAC] if forward else row[h.SRC_MAC]
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
    squares[at.ACTIVE_SQUARES if active else at.IDLE_SQUARES] += (gap / 1000.0) * (gap / 1000.0)


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
        if flow[at.PENDING] or flow[at.LAST_SEEN] + flow[at.TIMEOUT] >= now:
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
    data: Any, packets: Any, start: int, rows: Any, ahead_keys: Any, index: Any, keys: Any, flows: Any, sides: Any
) -> Any:
    """Decode the next packets and ask for the memory of their flows, so that its latency is spent once for all of them.

    Returns the number of the first packet that is not decoded.
    """
    end = min(len(packets), (start | (AHEAD - 1)) + 1)
    for number in range(start, end):
        if number + AHEAD < len(packets):
            prefetch(data, packets[number + AHEAD].offset)
        packet = packets[number]
        row, key = rows[number & (AHEAD - 1)], ahead_keys[number & (AHEAD - 1)]
        decode(data, packet.offset, packet.captured, packet.length, packet.link_type, row)
        key[at.TURNED] = table.make_key(row, key)
        prefetch(index, np.int64(np.uint64(key[at.HASH]) & np.uint64(len(index) - 1)))
    for number in range(start, end):
        slot = table.likely(index, ahead_keys[number & (AHEAD - 1)])
        if slot != table.NOT_FOUND:
            prefetch(keys[slot], 0)
            for line in range(0, len(layout.FLOW_COLUMNS), WORDS_A_LINE):
                prefetch(flows[slot], line)
            both = sides[slot].reshape(-1)
            for line in range(0, 2 * len(layout.SIDE_COLUMNS), WORDS_A_LINE):
                prefetch(both, line)
    return end


@kernel
def observe(
    data: Any,
    packets: Any,
    start: int,
    clock: Any,
    seed: int,
    index: Any,
    keys: Any,
    flows: Any,
    sides: Any,
    squares: Any,
    queues: Any,
    free: Any,
    fragments: Any,
    rows: Any,
    ahead_keys: Any,
    counters: Any,
    copies: Any,
    out: Any,
    views: Any,
    written: int,
) -> Any:
    """Take packets[start:] into the table; `out` holds `written` records already.

    Returns (packets taken, records in `out` now, DONE | OUT_FULL | TABLE_FULL). After OUT_FULL the caller empties
    `out`, after TABLE_FULL it makes room, and both times it calls again from the packet that was not taken.
    """
    data, keys, flows, sides, squares = (
        borrowed(data),
        borrowed(keys),
        borrowed(flows),
        borrowed(sides),
        borrowed(squares),
    )
    index, queues, free, fragments = borrowed(index), borrowed(queues), borrowed(free), borrowed(fragments)
    packets, out = borrowed(packets), borrowed(out)
    rows, ahead_keys, clock = borrowed(rows), borrowed(ahead_keys), borrowed(clock)
    counters = borrowed(counters)
    copies = (borrowed(copies[0]), borrowed(copies[1]), borrowed(copies[2]), borrowed(copies[3]))
    views = (borrowed(views[0]), borrowed(views[1]), borrowed(views[2]), borrowed(views[3]))
    limit = len(out) - ROOM
    interval = clock[INTERVAL]
    ahead = start
    for number in range(start, len(packets)):
        if number == ahead:
            ahead = _look_ahead(data, packets, number, rows, ahead_keys, index, keys, flows, sides)
        packet = packets[number]
        row, key = rows[number & (AHEAD - 1)], ahead_keys[number & (AHEAD - 1)]
        time = packet.time
        now = max(clock[CLOCK], time)
        clock[CLOCK] = now
        # status records that are due
        while queues[table.STATUS_HEAD] != table.NOBODY:
            if written >= limit:
                return number, written, OUT_FULL
            slot = queues[table.STATUS_HEAD]
            if flows[slot, at.RECORD_BEGAN] + interval > now:
                break
            table.pop(flows, queues, table.STATUS_HEAD, at.NEXT_STATUS)
            report(written, out, views, copies, keys[slot], flows[slot], sides[slot], squares[slot], STATUS)
            written += 1
        _expire(index, keys, flows, queues, free, now)
        if written >= limit:
            return number, written, OUT_FULL
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
            table.append(flows, queues, table.IDLE_HEAD, at.NEXT_IDLE, slot)
        flow = flows[slot]
        queued = 0
        if not is_new:
            gone = now - flow[at.LAST_SEEN] > flow[at.TIMEOUT]
            reused = row[h.TCP] and starts_anew(data, row, flow, sides[slot, 0 if flow[at.INITIATOR] == turned else 1])
            if gone or reused:
                is_new = True
                queued = flow[at.PENDING]
                if queued:
                    cause = REUSE if reused else TIMEOUT
                    report(written, out, views, copies, keys[slot], flow, sides[slot], squares[slot], cause)
                    written += 1
        if is_new:
            began = flow[at.RECORD_BEGAN]
            _begin(flow, sides[slot], squares[slot], row, time, turned, key, seed, counters[at.COUNT_FLOWS])
            counters[at.COUNT_FLOWS] += 1
            if queued:  # the row stands in the status queue already, with the time of the flow before
                flow[at.PENDING] = 1
                flow[at.RECORD_BEGAN] = began
        side = 0 if flow[at.INITIATOR] == turned else 1
        me = sides[slot, side]
        active = True
        if row[h.TCP]:
            end = packet.offset + packet.captured
            active = update_tcp(data, end, row, flow, me, sides[slot, 1 - side], side, now, is_new)
            if flow[at.PHASE] == CLOSED:
                flow[at.TIMEOUT] = CLOSED_TIMEOUT
            elif flow[at.TIMEOUT] != TCP_TIMEOUT:
                flow[at.TIMEOUT] = TCP_TIMEOUT
        _count(me, row, time)
        gap = time - me[at.LAST_TIME]
        if me[at.LAST_TIME] and 0 < gap < 2 * interval:  # Argus's bounds for an inter-packet time
            _interval(me, squares[slot, side], gap, active)
        me[at.LAST_TIME] = max(me[at.LAST_TIME], time)
        flow[at.FLOW_FLAGS] |= row[h.FLAGS]
        if row[h.FRAGMENT]:
            flow[at.FLOW_FLAGS] |= FRAGMENTS_FLAG
        if row[h.FLAGS] & MALFORMED:
            counters[at.COUNT_MALFORMED] += 1
        if row[h.FLAGS] & NOT_CAPTURED:
            counters[at.COUNT_NOT_CAPTURED] += 1
        flow[at.LAST_SEEN] = now
        if flow[at.PENDING] == 0:
            flow[at.RECORD_BEGAN] = now
            table.append(flows, queues, table.STATUS_HEAD, at.NEXT_STATUS, slot)
        flow[at.PENDING] += 1
        counters[at.COUNT_PACKETS] += 1
        counters[at.COUNT_BYTES] += row[h.WIRE_LENGTH]
    return len(packets), written, DONE


@kernel
def drain(
    cause: int,
    count: int,
    keys: Any,
    flows: Any,
    sides: Any,
    squares: Any,
    queues: Any,
    copies: Any,
    out: Any,
    views: Any,
) -> Any:
    """Report up to `count` flows from the head of the status queue whatever their age; return how many."""
    written = 0
    while written < min(count, len(out)) and queues[table.STATUS_HEAD] != table.NOBODY:
        slot = table.pop(flows, queues, table.STATUS_HEAD, at.NEXT_STATUS)
        report(written, out, views, copies, keys[slot], flows[slot], sides[slot], squares[slot], cause)
        written += 1
    return written


@kernel
def evict(count: int, index: Any, keys: Any, flows: Any, queues: Any, free: Any, counters: Any) -> None:
    """Take the `count` oldest flows out of a full table; the caller has drained the status queue."""
    for _ in range(count):
        if queues[table.IDLE_HEAD] == table.NOBODY:
            return
        slot = table.pop(flows, queues, table.IDLE_HEAD, at.NEXT_IDLE)
        release(index, keys, queues, free, slot)
        counters[at.COUNT_EVICTED] += 1
