"""The state of a probe as metrics, read when it is asked for: nothing is counted twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from topics.metrics import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from clients.sensor.outputs import Outputs
    from clients.telemetry.exposition import Reading
    from probes.events.runner import EventRunner
    from probes.settings import Settings
    from topics.metrics.instrument import Labels, Metric
    from topics.probe_status import ProbeStatus
    from topics.spans import SpanFinding

SECOND = 1e9
LOST = re.compile("dropped_(?P<cause>.+)_(?P<unit>messages|records|packets)")
LOSSES = {"messages": table.LOST_MESSAGES, "records": table.LOST_RECORDS, "packets": table.LOST_PACKETS}
SENT = {
    "offered_messages": table.OFFERED_MESSAGES,
    "sent_messages": table.OFFERED_MESSAGES,  # where there is no spool
    "offered_records": table.OFFERED_RECORDS,
    "sent_records": table.OFFERED_RECORDS,
    "accepted_messages": table.ACCEPTED_MESSAGES,
    "delivered_messages": table.DELIVERED_MESSAGES,
    "delivered_records": table.DELIVERED_RECORDS,
    "spooled_messages": table.SPOOLED_MESSAGES,
    "spooled_bytes": table.SPOOLED_BYTES,
}
CONTROL = {
    "bytes": table.CONTROL_BYTES,
    "missing_bytes": table.CONTROL_LOST,
    "retransmitted_bytes": table.CONTROL_AGAIN,
    "evicted_streams": table.CONTROL_EVICTED,
    "streams": table.CONTROL_STREAMS,
    "waiting_bytes": table.CONTROL_WAITING,
}
REFUSED_SEGMENTS = {"dropped_segments": "too_many", "strange_segments": "strange"}
OF_EXPORTERS = {
    "datagrams": table.EXPORTER_DATAGRAMS,
    "bytes": table.EXPORTER_BYTES,
    "records": table.EXPORTER_RECORDS,
    "known_templates": table.EXPORTER_TEMPLATES,
    "held_sets": table.EXPORTER_HELD,
}
NO_COUNTS = frozenset({"exporters", "waiting", *OF_EXPORTERS})


class ProbeReadings:
    """What a probe tells at each scrape: its status, what became of its output, findings, exporters and events."""

    def __init__(
        self,
        settings: Settings,
        outputs: Outputs,
        snapshot: Callable[[], ProbeStatus] | None = None,
        exporters: Callable[[], Iterable[ProbeStatus]] | None = None,
    ) -> None:
        self._settings, self._outputs = settings, outputs
        self._snapshot, self._exporters = snapshot, exporters
        self.events: EventRunner | None = None

    def __call__(self) -> Iterator[Reading]:
        """Yield the metrics of this moment."""
        settings, outputs = self._settings, self._outputs
        yield table.PROBE_INFO, {(settings.site, settings.probe, settings.digest): 1}
        yield from sent(outputs.counts())
        yield table.BUS_TROUBLE, float(bool(outputs.trouble))
        if settings.spool.directory:
            yield table.SPOOL_LIMIT, float(settings.spool.size)
        yield from mirrored(outputs.findings())
        status = self._snapshot() if self._snapshot else None
        if status is not None and self._exporters is None:
            yield from observed(status)
        elif status is not None:
            yield from collected(status, self._exporters() if self._exporters else ())
        if self.events is not None:
            yield from told(self.events)


def of_run(settings: Settings, status: ProbeStatus, unreadable: int) -> Iterator[Reading]:
    """Yield what a run over captures has counted, and how many of them could not be read in full."""
    yield table.PROBE_INFO, {(settings.site, settings.probe, settings.digest): 1}
    yield from observed(status)
    yield table.RUN_CAPTURES, float(unreadable)


def observed(status: ProbeStatus) -> Iterator[Reading]:
    """Yield what a probe counted of packets, flows and the control plane."""
    interfaces = {
        table.PACKETS: "packets",
        table.PACKET_BYTES: "bytes",
        table.RECORDS: "records",
        table.RECORD_PACKETS: "record_packets",
        table.INTERFACE_DROPPED: "dropped",
    }
    for metric, field in interfaces.items():
        yield metric, {(each.interface,): getattr(each, field) for each in status.interfaces}
    yield table.LAST_PACKET, {(each.interface,): each.last / SECOND for each in status.interfaces}
    yield _by(table.DROPPED, status.dropped)
    yield _by(table.ODD, status.odd)
    yield table.FLOWS, float(status.flows)
    yield table.EVICTED_FLOWS, float(status.evicted)
    yield table.ACTIVE_FLOWS, float(status.active_flows)
    yield table.MAX_FLOWS, float(status.max_flows)
    yield table.PROBE_START, status.started / SECOND
    if status.clock_offset is not None:
        yield table.CLOCK_OFFSET, status.clock_offset / SECOND
    yield from _control(status.control)


def sent(counts: Mapping[str, int]) -> Iterator[Reading]:
    """Yield what became of messages and records for the bus."""
    lost: dict[Metric, dict[Labels, float]] = {metric: {} for metric in LOSSES.values()}
    for name, count in counts.items():
        if found := LOST.fullmatch(name):
            lost[LOSSES[found["unit"]]][found["cause"],] = count
        elif name in SENT:
            yield SENT[name], float(count)
    yield from lost.items()


def mirrored(findings: Iterable[SpanFinding]) -> Iterator[Reading]:
    """Yield the faults of mirror ports that stand."""
    shares: dict[Labels, float] = {}
    lags: dict[Labels, float] = {}
    for finding in findings:
        labels = tuple(str(getattr(finding, label)) for label in table.MIRRORED)
        shares[labels], lags[labels] = finding.share, finding.lag_mean / SECOND
    yield table.SPAN_FAULTS, float(len(shares))
    yield table.MIRRORED_SHARE, shares
    yield table.MIRRORED_LAG, lags


def collected(collector: ProbeStatus, exporters: Iterable[ProbeStatus]) -> Iterator[Reading]:
    """Yield what was counted of exporters of flow records; under an empty name what concerns all of them."""
    values: dict[Metric, dict[Labels, float]] = {metric: {} for metric in OF_EXPORTERS.values()}
    packets: dict[Labels, float] = {}
    odd: dict[Labels, float] = {("", kind): count for kind, count in _odd(collector.exporter)}
    for status in exporters:
        for kind, metric in OF_EXPORTERS.items():
            values[metric][status.probe,] = status.exporter.get(kind, 0)
        odd |= {(status.probe, kind): count for kind, count in _odd(status.exporter)}
        packets[status.probe,] = status.packets
    yield table.EXPORTERS, float(len(packets))
    yield from values.items()
    yield table.EXPORTER_PACKETS, packets
    yield table.EXPORTER_ODDITIES, odd
    yield _by(table.DROPPED, collector.dropped)
    yield table.PROBE_START, collector.started / SECOND


def told(events: EventRunner) -> Iterator[Reading]:
    """Yield what was counted of events."""
    yield table.EVENT_RECORDS, float(events.records)
    yield table.EVENTS_DROPPED, float(events.dropped)


def _odd(counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    return ((kind, count) for kind, count in counts.items() if kind not in NO_COUNTS)


def _control(counts: Mapping[str, int]) -> Iterator[Reading]:
    if not counts:
        return
    prefix = "payloads_"
    payloads = {name.removeprefix(prefix): count for name, count in counts.items() if name.startswith(prefix)}
    yield _by(table.CONTROL_PAYLOADS, payloads)
    yield from ((metric, float(counts.get(name, 0))) for name, metric in CONTROL.items())
    segments = {cause: counts.get(name, 0) for name, cause in REFUSED_SEGMENTS.items()}
    yield _by(table.CONTROL_SEGMENTS, segments)


def _by(metric: Metric, counts: Mapping[str, int]) -> Reading:
    return metric, {(name,): float(count) for name, count in counts.items()}
