"""How flows begin, and leave the table again."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.decode import headers as h
from probes.decode.transport import ICMP, ICMPV6, TCP
from probes.flows import layout as at
from probes.flows import queue, table
from probes.flows.rows import clear
from probes.flows.tcp import ACK, RST, SYN
from probes.load import u8
from topics.compiled import inlined, kernel

CHECK_PERIOD = 10_000_000_000  # ns


@inlined
def _timeout(row: Any, settings: Any) -> Any:
    protocol = row[h.PROTOCOL]
    if protocol == TCP:
        return settings[at.TCP_TIMEOUT]
    if protocol in (ICMP, ICMPV6):
        return settings[at.ICMP_TIMEOUT]
    return settings[at.ARP_TIMEOUT] if row[h.ETHERTYPE] == h.ARP else settings[at.OTHER_TIMEOUT]


@inlined
def _note_tunnel(extra: Any, row: Any, forward: bool) -> None:
    """Keep the tunnel of the first packet, its ends in the order of the flow's."""
    src, dst = (h.OUTER_SRC_HIGH, h.OUTER_DST_HIGH) if forward else (h.OUTER_DST_HIGH, h.OUTER_SRC_HIGH)
    extra[at.TUNNEL_ID] = row[h.TUNNEL_ID]
    extra[at.OUTER_SRC_HIGH], extra[at.OUTER_SRC_LOW] = row[src], row[src + 1]
    extra[at.OUTER_DST_HIGH], extra[at.OUTER_DST_LOW] = row[dst], row[dst + 1]


@inlined
def _initiator(data: Any, row: Any, turned: int) -> Any:
    """Return the side that asked: who was seen first, unless the protocol says or a SYN-ACK was first (as in Argus)."""
    if row[h.ORDER] not in (h.CANONICAL, h.ENDS):
        return 0
    answers = row[h.TCP] and u8(data, row[h.TCP] + 13) & (SYN | ACK | RST) == SYN | ACK
    return 1 - turned if answers else turned


@inlined
def begin(
    data: Any,
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
    queued = flow.queued  # the row itself may stand in the queue still
    clear(flow, at.FLOW_ROW_BYTES)
    flow.queued = queued
    clear(sides[0], at.SIDE_ROW_BYTES)
    clear(sides[1], at.SIDE_ROW_BYTES)
    extra[at.HISTOGRAMS :] = 0
    flow.flow_start = now
    flow.timeout = _timeout(row, settings)
    flow.initiator = _initiator(data, row, turned)
    forward = flow.initiator == turned
    flow.src_mac = row[h.SRC_MAC] if forward else row[h.DST_MAC]
    flow.dst_mac = row[h.DST_MAC] if forward else row[h.SRC_MAC]
    flow.tunnel_kind = row[h.TUNNEL_KIND]
    if row[h.TUNNEL_KIND]:
        _note_tunnel(extra, row, forward)
    high = table.mix(table.mix(table.identity(key), seed), now)
    flow.id_high = np.int64(high)
    flow.id_low = np.int64(table.mix(high ^ np.uint64(key[at.A_LOW]), number))


@inlined
def _release(index: Any, keys: Any, counts: Any, free: Any, slot: int) -> None:
    """Give the row of a flow back."""
    table.remove(index, keys, slot)
    free[counts[queue.FREE]] = slot
    counts[queue.FREE] += 1


@inlined
def expire(index: Any, keys: Any, flows: Any, counts: Any, looked_at: Any, free: Any, now: int) -> None:
    """Take flows out that were idle for longer than their timeout; each flow is looked at every CHECK_PERIOD."""
    while not queue.is_empty(counts, queue.IDLE_TAKEN):
        entry = queue.first(looked_at, counts, queue.IDLE_TAKEN)
        if entry[queue.TIME] + CHECK_PERIOD > now:
            break
        counts[queue.IDLE_TAKEN] += 1
        queue.prepare_check(looked_at, counts, index, keys, flows)
        slot = entry[queue.ROW]
        flow = flows[slot]
        if flow.queued or flow.last_seen + flow.timeout >= now:
            queue.append(looked_at, counts, queue.IDLE_TAKEN, slot, now)
        else:
            _release(index, keys, counts, free, slot)


@kernel
def evict(count: int, index: Any, keys: Any, flows: Any, counts: Any, looked_at: Any, free: Any, counters: Any) -> None:
    """Take `count` flows out of a full table, those not seen for long first; the caller has drained the status queue.

    A flow that was seen since it was looked at last gets another turn: the clock algorithm, nearly least recently used.
    """
    evicted = 0
    for _ in range(2 * len(flows)):
        if evicted == count or queue.is_empty(counts, queue.IDLE_TAKEN):
            return
        entry = queue.first(looked_at, counts, queue.IDLE_TAKEN)
        slot, time = entry[queue.ROW], entry[queue.TIME]
        counts[queue.IDLE_TAKEN] += 1
        if flows[slot].last_seen > time:
            queue.append(looked_at, counts, queue.IDLE_TAKEN, slot, flows[slot].last_seen)
        else:
            _release(index, keys, counts, free, slot)
            counters[at.COUNT_EVICTED] += 1
            evicted += 1
