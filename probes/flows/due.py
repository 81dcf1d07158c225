"""Status records that are due, or all that are left, out of the queue of flows with something to say."""

from __future__ import annotations

from typing import Any

from probes.flows import layout as at
from probes.flows import queue
from probes.flows.report import ADDRESSES, report
from topics.compiled import inlined, kernel
from topics.flags import Cause
from topics.histograms import VECTOR_BYTES

ROOM = 4  # records that one packet may cause besides those of the queue
STATUS = Cause.STATUS


@inlined
def _heap_need(settings: Any) -> Any:
    """Bytes of the heap that a record may take."""
    histograms = 2 * VECTOR_BYTES if settings[at.COUNTED] else 0
    return ADDRESSES + 2 * settings[at.PAYLOAD_BYTES] + histograms


@inlined
def report_due(
    now: int,
    settings: Any,
    keys: Any,
    flows: Any,
    sides: Any,
    extras: Any,
    payloads: Any,
    counts: Any,
    waiting: Any,
    out: Any,
    heap: Any,
    written: int,
    limit: int,
) -> Any:
    """Let out the status records that are due; return (records in `out`, whether there was room for all).

    A flow that was reported at its close stands in the queue until its time, with what came after or nothing to say.
    """
    while not queue.is_empty(counts, queue.STATUS_TAKEN):
        entry = queue.first(waiting, counts, queue.STATUS_TAKEN)
        if entry[queue.TIME] + settings[at.STATUS_INTERVAL] > now:
            break
        if written >= limit or counts[queue.HEAP_USED] + ROOM * _heap_need(settings) > len(heap):
            return written, False
        counts[queue.STATUS_TAKEN] += 1
        queue.prepare_report(waiting, counts, keys, flows, sides)
        slot = entry[queue.ROW]
        flow = flows[slot]
        flow.queued = 0
        if flow.pending:
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
                STATUS,
            )
            written += 1
    return written, written < limit and counts[queue.HEAP_USED] + ROOM * _heap_need(settings) <= len(heap)


@kernel
def drain(
    cause: int,
    settings: Any,
    keys: Any,
    flows: Any,
    sides: Any,
    extras: Any,
    payloads: Any,
    counts: Any,
    waiting: Any,
    out: Any,
    heap: Any,
) -> Any:
    """Report flows from the head of the status queue whatever their age, as many as have room; return how many."""
    written = 0
    while written < len(out) and not queue.is_empty(counts, queue.STATUS_TAKEN):
        if counts[queue.HEAP_USED] + _heap_need(settings) > len(heap):
            break
        slot = queue.first(waiting, counts, queue.STATUS_TAKEN)[queue.ROW]
        counts[queue.STATUS_TAKEN] += 1
        queue.prepare_report(waiting, counts, keys, flows, sides)
        flows[slot].queued = 0
        if flows[slot].pending:
            report(
                written,
                out,
                keys[slot],
                flows[slot],
                sides[slot],
                extras[slot],
                payloads[slot],
                heap,
                counts,
                cause,
            )
            written += 1
    return written
