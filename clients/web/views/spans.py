"""How well what is mirrored arrives: the last words of probes, and copies that mirror ports make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clients.web.traffic.series import SECOND

if TYPE_CHECKING:
    from clients.explaining.beside import Beside
    from clients.web.asking.asked import Asked
    from clients.web.columns.archive import Archive
    from topics.batch import FlowBatch
    from topics.probe_status import ProbeStatus
    from topics.spans import SpanFinding

MOST_ROWS = 500_000  # flows that are looked at for what is wrong with a mirror port
AT_ONCE = 131_072  # of them in memory: a row group of ours


def spans(archive: Archive, beside: Beside, asked: Asked, live: list[SpanFinding]) -> dict[str, Any]:
    """Return probes with what they saw and dropped, and findings about mirror ports."""
    found = live or _findings(archive, asked)
    return {"probes": [_probe(status) for status in beside.statuses()], "findings": [_finding(each) for each in found]}


def _probe(status: ProbeStatus) -> dict[str, Any]:
    from clients.audit.statuses import span

    first, last = span(status)
    dropped = sum(status.dropped.values())
    return {
        "probe": status.probe,
        "site": status.site,
        "interfaces": [each.interface for each in status.interfaces],
        "first": first / SECOND,
        "last": last / SECOND,
        "packets": status.packets,
        "bytes": status.bytes,
        "dropped": dropped,
        "lost_batches": status.output.get("lost", 0),
        "loss": dropped / (dropped + status.packets) if dropped else 0.0,
        "state": "drops" if dropped else "ok",
    }


def _findings(archive: Archive, asked: Asked) -> list[SpanFinding]:
    """Look at the newest flows that were kept as a probe's are looked at while they come."""
    from processors.spans import SpanWatch
    from topics.spans import CLEARED

    watch, left = SpanWatch(), MOST_ROWS
    for segment in reversed(archive.segments):
        if left <= 0:
            break
        for first in range(max(0, segment.rows - left), segment.rows, AT_ONCE):
            asked.check()
            watch.process(_read(segment.path, first))
        left -= segment.rows
    watch.flush()
    cleared = [each for each in watch.findings if each.state == CLEARED]
    return sorted([*watch.standing, *cleared], key=lambda each: -each.copies)


def _read(path: str, first: int) -> FlowBatch:
    from clients.reading.sources import to_batch
    from sinks.formats.scan import reading, scan

    with reading([path]):
        return to_batch(scan([path]).slice(first, AT_ONCE).collect())


def _finding(finding: SpanFinding) -> dict[str, Any]:
    return {
        "kind": "copies",
        "diagnosis": finding.diagnosis,
        "site": finding.site,
        "probe": finding.probe,
        "interface": finding.interface,
        "first": finding.since / SECOND,
        "last": finding.time / SECOND,
        "copies": finding.copies,
        "packets": finding.packets,
        "share": finding.copies / (finding.packets or 1),
        "state": finding.state,
    }
