"""The kernel that takes packets into flows and lets status records out, driven by the clock of the packets alone."""

from __future__ import annotations

from typing import Any

from probes.capture.feed import FILLED, read_on
from probes.decode import headers as h
from probes.duplicates.judge import judge
from probes.duplicates.layout import PRINTS
from probes.flows import layout as at
from probes.flows import queue, table
from probes.flows.ahead import AHEAD, look_ahead
from probes.flows.count import NO_REPORT, count_copy, count_packet
from probes.flows.due import ROOM, heap_need, next_due, report_due
from probes.flows.fragments import join_fragment
from probes.flows.lifetime import begin, expire
from probes.flows.marks import lent, mark
from probes.flows.quoted import note_error
from probes.flows.report import report
from probes.flows.tcp import starts_anew
from topics.compiled import borrowed, inlined, kernel
from topics.flags import Cause, FlowFlags

DONE, OUT_FULL, TABLE_FULL = range(3)
SPARE = AHEAD  # row for what an ICMP error quotes
TIMEOUT, REUSE = Cause.TIMEOUT, Cause.REUSE
NOT_CAPTURED = int(FlowFlags.HEADER_NOT_CAPTURED)


@inlined
def _observe(
    data: Any,
    packets: Any,
    start: int,
    settings: Any,
    seed: int,
    index: Any,
    keys: Any,
    flows: Any,
    sides: Any,
    extras: Any,
    payloads: Any,
    counts: Any,
    waiting: Any,
    looked_at: Any,
    free: Any,
    fragments: Any,
    rows: Any,
    ahead_keys: Any,
    counters: Any,
    judging: Any,
    out: Any,
    heap: Any,
    marks: Any,
    written: int,
) -> Any:
    """Take packets[start:] of one window; return as `observe` does."""
    limit = len(out) - ROOM
    heap_limit = len(heap) - ROOM * heap_need(settings)
    ahead = start
    due = settings[at.CLOCK]  # when there may be something to report or to take out
    for number in range(start, len(packets)):
        if number == ahead:
            seen = counters[at.COUNT_PACKETS]
            ahead = look_ahead(
                data, packets, number, settings, rows, ahead_keys, index, keys, flows, sides, seen, judging
            )
        packet = packets[number]
        row, key = rows[number & (AHEAD - 1)], ahead_keys[number & (AHEAD - 1)]
        time = packet.time
        now = max(settings[at.CLOCK], time)
        settings[at.CLOCK] = now
        if now >= due:
            written, room = report_due(
                now,
                settings,
                keys,
                flows,
                sides,
                extras,
                payloads,
                counts,
                waiting,
                out,
                heap,
                written,
                limit,
            )
            if not room:
                return number, written, OUT_FULL
            expire(index, keys, flows, counts, looked_at, free, now)
            due = next_due(now, settings, counts, waiting, looked_at)
        elif written >= limit or counts[queue.HEAP_USED] > heap_limit:
            return number, written, OUT_FULL
        if row[h.FRAGMENT]:
            join_fragment(row, fragments, now, counters)
            key[at.TURNED], key[at.LIKELY] = table.make_key(row, key, settings), table.NOT_FOUND
        turned, slot = key[at.TURNED], key[at.LIKELY]
        if slot == table.NOT_FOUND or not table.is_of(keys[slot], key):
            slot = table.find(index, keys, key)
        is_new = slot == table.NOT_FOUND
        if is_new:
            if counts[queue.FREE] == 0 and counts[queue.USED] == len(flows):
                return number, written, TABLE_FULL
            if counts[queue.FREE]:
                counts[queue.FREE] -= 1
                slot = free[counts[queue.FREE]]
            else:
                slot = counts[queue.USED]
                counts[queue.USED] += 1
            for word in range(at.KEY_WORDS):
                keys[slot, word] = key[word]
            table.insert(index, key[at.HASH], slot)
            flows[slot].queued = 0
            queue.append(looked_at, counts, queue.IDLE_TAKEN, slot, now)
        flow = flows[slot]
        cause = NO_REPORT
        if not is_new:
            gone = now - flow.last_seen > flow.timeout
            reused = row[h.TCP] and starts_anew(data, row, flow, sides[slot, turned])
            if gone or reused:
                is_new = True
                if flow.pending:
                    cause = REUSE if reused else TIMEOUT
        found = judging[PRINTS][number & (AHEAD - 1)]
        copied = found != 0 and judge(
            data, row, time, counters[at.COUNT_PACKETS], found, is_new, flow, sides[slot, turned], judging
        )
        for turn in range(2):  # the flow that ends here, then the one that this packet belongs to
            if turn == 1:
                if is_new:
                    begin(
                        data,
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
                if copied:
                    count_copy(row, time, now, flow, sides[slot, turned], turned, judging)
                    break
                cause = count_packet(
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
                    extras[slot],
                    payloads[slot],
                )
            if cause != NO_REPORT:
                report(
                    written,
                    out,
                    keys[slot],
                    flow,
                    sides[slot],
                    extras[slot],
                    payloads[slot],
                    heap,
                    counts,
                    cause,
                )
                written += 1
        if flow.pending and not flow.queued:
            flow.queued = 1
            queue.append(waiting, counts, queue.STATUS_TAKEN, slot, now)
        if copied:
            counters[at.COUNT_COPIES] += 1
        elif row[h.QUOTED]:
            end = packet.offset + packet.captured
            note_error(
                data, end, row, time, settings, rows[SPARE], ahead_keys[SPARE], index, keys, flows, sides, extras
            )
        mark(marks, number, row[h.PROTOCOL], row[h.SRC_PORT], row[h.DST_PORT], row[h.ETHERTYPE], flow)
        if row[h.DAMAGE]:
            counters[at.BEFORE_MALFORMED + row[h.DAMAGE]] += 1
        if row[h.FLAGS] & NOT_CAPTURED:
            counters[at.COUNT_NOT_CAPTURED] += 1
        counters[at.COUNT_PACKETS] += 1
        counters[at.COUNT_BYTES] += row[h.WIRE_LENGTH]
    return len(packets), written, DONE


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
    extras: Any,
    payloads: Any,
    counts: Any,
    waiting: Any,
    looked_at: Any,
    free: Any,
    fragments: Any,
    rows: Any,
    ahead_keys: Any,
    counters: Any,
    judging: Any,
    out: Any,
    heap: Any,
    marks: Any,
    feed: Any,
    written: int,
) -> Any:
    """Take packets[start:] into the table; `out` holds `written` records already, `heap` what they refer to.

    Packets that `marks` want are marked, with the id of their flow. Behind them come those that `feed` has; the packets
    taken are then of those that it found last.

    Returns (packets taken, records in `out` now, DONE | OUT_FULL | TABLE_FULL). After OUT_FULL the caller empties
    `out` and `heap`, after TABLE_FULL it makes room, and both times it calls again from the packet that was not taken.
    """
    data, keys, flows, sides = borrowed(data), borrowed(keys), borrowed(flows), borrowed(sides)
    extras, payloads, heap = borrowed(extras), borrowed(payloads), borrowed(heap)
    index, free, fragments = borrowed(index), borrowed(free), borrowed(fragments)
    counts, waiting, looked_at = borrowed(counts), borrowed(waiting), borrowed(looked_at)
    packets, out = borrowed(packets), borrowed(out)
    rows, ahead_keys, settings = borrowed(rows), borrowed(ahead_keys), borrowed(settings)
    counters, marks = borrowed(counters), lent(marks)
    judging = (
        borrowed(judging[0]),
        borrowed(judging[1]),
        borrowed(judging[2]),
        borrowed(judging[3]),
        borrowed(judging[4]),
        borrowed(judging[5]),
        borrowed(judging[6]),
    )
    feed, window, found = borrowed(feed[0]), borrowed(feed[1]), borrowed(feed[2])
    while True:
        taken, written, why = _observe(
            data,
            packets,
            start,
            settings,
            seed,
            index,
            keys,
            flows,
            sides,
            extras,
            payloads,
            counts,
            waiting,
            looked_at,
            free,
            fragments,
            rows,
            ahead_keys,
            counters,
            judging,
            out,
            heap,
            marks,
            written,
        )
        if why != DONE:
            return taken, written, why
        more = read_on(feed, window, found, settings[at.CLOCK] - settings[at.STATUS_INTERVAL])
        if more == 0:
            return taken, written, DONE
        data, packets, start = window[: feed[FILLED]], found[:more], 0


@kernel
def advance(
    time: int,
    settings: Any,
    index: Any,
    keys: Any,
    flows: Any,
    sides: Any,
    extras: Any,
    payloads: Any,
    counts: Any,
    waiting: Any,
    looked_at: Any,
    free: Any,
    out: Any,
    heap: Any,
    written: int,
) -> Any:
    """Let the clock come to `time` (ns) without a packet; return (records in `out` now, DONE | OUT_FULL)."""
    now = max(settings[at.CLOCK], time)
    settings[at.CLOCK] = now
    written, room = report_due(
        now,
        settings,
        keys,
        flows,
        sides,
        extras,
        payloads,
        counts,
        waiting,
        out,
        heap,
        written,
        len(out) - ROOM,
    )
    if not room:
        return written, OUT_FULL
    expire(index, keys, flows, counts, looked_at, free, now)
    return written, DONE
