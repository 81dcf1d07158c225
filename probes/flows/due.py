"""Status records that are due, or all that are left, out of the queue of flows with something to say."""

from __future__ import annotations

from typing import Any

from probes.flows import layout as at
from probes.flows import table
from probes.flows.report import ADDRESSES, report
from topics.compiled import inlined, kernel
from topics.flags import Cause

ROOM = 4  # records that one packet may cause besides those of the queue
STATUS = Cause.STATUS


@inlined
def _heap_need(settings: Any) -> Any:
    """Bytes of the heap that a record may take."""
    return ADDRESSES + 2 * settings[at.PAYLOAD_BYTES]


@inlined
def report_due(
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
