"""Status records that are due, or all that are left, out of the queue of flows with something to say."""

from __future__ import annotations

from typing import Any

from probes.flows import layout as at
from probes.flows import queue
from probes.flows.lifetime import CHECK_PERIOD
from probes.flows.report import ADDRESSES, report
from topics.compiled import inlined, kernel
from topics.flags import Cause
from topics.histograms import VECTOR_BYTES

ROOM = 4  # records that one packet may cause besides those of the queue
STATUS = Cause.STATUS


@inlined
def heap_need(settings: Any) -> Any:
    """Return how many bytes of the heap a record may take."""
    histograms = 2 * VECTOR_BYTES if settings[at.COUNTED] else 0
    return ADDRESSES + 2 * settings[at.PAYLOAD_BYTES] + histograms


@inlined
def next_due(now: int, settings: Any, counts: Any, waiting: Any, looked_at: Any) -> Any:
    """Return before when nothing more has to be reported or taken out, whatever packets come until then (ns)."""
    due = now + min(settings[at.STATUS_INTERVAL], CHECK_PERIOD)
    if not queue.is_empty(counts, queue.STATUS_TAKEN):
        entry = queue.first(waiting, counts, queue.STATUS_TAKEN)
        due = min(due, entry[queue.TIME] + settings[at.STATUS_INTERVAL])
    if not queue.is_empty(counts, queue.IDLE_TAKEN):
        due = min(due, queue.first(looked_at, counts, queue.IDLE_TAKEN)[queue.TIME] + CHECK_PERIOD)
    return due


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
        if written >= limit or counts[queue.HEAP_USED] + ROOM * heap_need(settings) > len(heap):
            return written, False
        counts[queue.STATUS_TAKEN] += 1
        queue.prepare_report(waiting, counts, keys, flows, sides, payloads)
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
    return written, written < limit and counts[queue.HEAP_USED] + ROOM * heap_need(settings) <= len(heap)


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
        if counts[queue.HEAP_USED] + heap_need(settings) > len(heap):
            break
        slot = queue.first(waiting, counts, queue.STATUS_TAKEN)[queue.ROW]
        counts[queue.STATUS_TAKEN] += 1
        queue.prepare_report(waiting, counts, keys, flows, sides, payloads)
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
