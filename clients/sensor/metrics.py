"""The state of the probe for Prometheus, read when it is asked for: nothing is counted twice."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

from probes.settings import host_port
from topics.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.core import Metric

    from topics.probe_status import ProbeStatus
    from topics.spans import SpanFinding

PREFIX = "argosy_probe_"
SECOND = 1e9


class StatusCollector:
    """Turns a status of the probe, what was found about mirror ports and holds still, and exporters into metrics."""

    def __init__(
        self,
        snapshot: Callable[[], ProbeStatus],
        findings: Callable[[], Iterable[SpanFinding]] = tuple,
        exporters: Callable[[], Iterable[ProbeStatus]] = tuple,
    ) -> None:
        self._snapshot, self._findings, self._exporters = snapshot, findings, exporters

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of this moment."""
        status = self._snapshot()
        yield from _process(status)
        yield from _interfaces(status)
        yield _by("dropped_packets", "Packets lost or left out before they were looked at", "cause", status.dropped)
        yield _by("odd_packets", "Packets not understood in full", "kind", status.odd)
        waiting, counted = _parted(status.output, "spooled_messages", "spooled_bytes")
        yield _by("output", "What became of messages and records for the bus", "kind", counted)
        yield _by("output_waiting", "What waits on disk for the bus", "kind", waiting, gauge=True)
        waiting, counted = _parted(status.control, "streams", "waiting_bytes")
        yield _by("control", "Payloads of the control plane, and what was lost of them", "kind", counted)
        yield _by(
            "control_waiting", "TCP streams, and bytes that wait for those before them", "kind", waiting, gauge=True
        )
        yield from _mirrored(self._findings())
        yield from _exporters(status, self._exporters())


def _process(status: ProbeStatus) -> Iterable[Metric]:
    identity = {"version": status.version, "configuration": status.configuration}
    yield InfoMetricFamily(f"{PREFIX}build", "What runs", value=identity | {"site": status.site, "probe": status.probe})
    yield CounterMetricFamily(f"{PREFIX}flows", "Flows begun", value=status.flows)
    yield CounterMetricFamily(
        f"{PREFIX}evicted_flows", "Flows reported and forgotten early, the table being full", value=status.evicted
    )
    yield GaugeMetricFamily(f"{PREFIX}active_flows", "Flows in memory", value=status.active_flows)
    yield GaugeMetricFamily(f"{PREFIX}max_flows", "Flows that memory is set to hold", value=status.max_flows)
    yield GaugeMetricFamily(
        f"{PREFIX}start_time_seconds", "When the probe began, since the epoch", value=status.started / SECOND
    )
    if status.clock_offset is not None:
        yield GaugeMetricFamily(
            f"{PREFIX}clock_offset_seconds",
            "Clock of the host minus time of the newest packet",
            value=status.clock_offset / SECOND,
        )


def _interfaces(status: ProbeStatus) -> Iterable[Metric]:
    counters = {
        "packets": ("Packets looked at", "packets"),
        "bytes": ("Their bytes on the wire", "bytes"),
        "records": ("Status records reported", "records"),
        "record_packets": ("Packets that these records count", "record_packets"),
        "interface_dropped_packets": ("Packets the operating system had no room for", "dropped"),
    }
    for name, (text, field) in counters.items():
        counter = CounterMetricFamily(PREFIX + name, text, labels=["interface"])
        for interface in status.interfaces:
            counter.add_metric([interface.interface], getattr(interface, field))
        yield counter
    newest = GaugeMetricFamily(
        f"{PREFIX}last_packet_timestamp_seconds", "Time of the newest packet, since the epoch", labels=["interface"]
    )
    for interface in status.interfaces:
        newest.add_metric([interface.interface], interface.last / SECOND)
    yield newest


def _exporters(collector: ProbeStatus, exporters: Iterable[ProbeStatus]) -> Iterator[Metric]:
    """Tell what was counted of each exporter, and under an empty name what concerns all of them."""
    counter = CounterMetricFamily(
        f"{PREFIX}exporter", "What was counted of exporters of flow records", labels=["exporter", "kind"]
    )
    packets = CounterMetricFamily(f"{PREFIX}exporter_packets", "Packets in their records", labels=["exporter"])
    for name, status in (("", collector), *((status.probe, status) for status in exporters)):
        for kind, count in sorted(status.exporter.items()):
            counter.add_metric([name, kind], count)
        if name:
            packets.add_metric([name], status.packets)
    yield from (counter, packets)


def _mirrored(findings: Iterable[SpanFinding]) -> Iterable[Metric]:
    labels = ("interface", "vlan", "copy_vlan", "ttl_steps", "differences")
    share = GaugeMetricFamily(
        f"{PREFIX}mirrored_share", "Copies to each packet, of a mirror port found to be faulty", labels=labels
    )
    lag = GaugeMetricFamily(f"{PREFIX}mirrored_lag_seconds", "How much later these copies come", labels=labels)
    for finding in findings:
        values = [str(getattr(finding, label)) for label in labels]
        share.add_metric(values, finding.share)
        lag.add_metric(values, finding.lag_mean / SECOND)
    yield from (share, lag)


def _parted(counts: Mapping[str, int], *gauges: str) -> tuple[dict[str, int], dict[str, int]]:
    """Return what goes up and down, and what only grows."""
    return {name: counts[name] for name in gauges if name in counts}, {
        name: count for name, count in counts.items() if name not in gauges
    }


def _by(name: str, text: str, label: str, counts: Mapping[str, int], *, gauge: bool = False) -> Metric:
    family = (GaugeMetricFamily if gauge else CounterMetricFamily)(PREFIX + name, text, labels=[label])
    for key, count in sorted(counts.items()):
        family.add_metric([key], count)
    return family


@contextmanager
def serving(
    address: str,
    snapshot: Callable[[], ProbeStatus],
    findings: Callable[[], Iterable[SpanFinding]] = tuple,
    exporters: Callable[[], Iterable[ProbeStatus]] = tuple,
) -> Iterator[int]:
    """Answer scrapes at `[HOST]:PORT` and yield the port; nothing when the address is empty.

    Raises SettingsError when the address cannot be had.
    """
    if not address:
        yield 0
        return
    host, port = host_port(address)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StatusCollector(snapshot, findings, exporters))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise SettingsError(f"key 'metrics' names '{address}': {error.strerror}") from None
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
