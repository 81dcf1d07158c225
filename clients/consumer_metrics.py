"""The state of workers and sinks for Prometheus, read when it is asked for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from probes.settings import host_port
from topics.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.core import Metric

    from processors.engine.alerting import AlertingWorker
    from processors.engine.state import WorkerState
    from sinks.alerts.delivery import Counts
    from sinks.kafka import SinkState

SECOND = 1e9
LABEL_COUNTS = {
    "labelled": "Flows that got labels",
    "named": "Flows that got the name their client had asked for",
    "names_forgotten": "Clients' names for an address that made room for newer ones",
    "attributed": "Flows of which events told something",
    "events": "Events that flows were attributed by",
    "reloads": "Times that a list or database was read again",
    "refusals": "Times that a list or database was refused, the one before staying in force",
}

ALERT_COUNTS = {
    "late": "Groups of records that came after their time had been closed",
    "forced": "Times that slots were closed early, for too many records waited",
    "evicted": "Entries of memories that made room for newer ones",
    "suppressed": "Findings that belonged to an alert that was open",
    "silenced": "Findings in a silence",
}


class WorkerCollector(Collector):
    """Turns the state of a worker into metrics."""

    def __init__(self, state: Callable[[], WorkerState]) -> None:
        self._state = state

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of this moment."""
        state, prefix = self._state(), "argosy_worker_"
        yield CounterMetricFamily(f"{prefix}records", "Status records merged", value=state.records)
        yield CounterMetricFamily(f"{prefix}dead_letters", "Messages that cannot be read", value=state.refused)
        yield CounterMetricFamily(f"{prefix}replays", "Batches that came again and were left out", value=state.replays)
        yield _lag(prefix, state.lag)
        yield _by_probe(f"{prefix}missing_batches", "Batches numbered by a probe that did not come", state.missing)
        seconds = {who: time / SECOND for who, time in state.watermarks.items()}
        yield _by_probe(f"{prefix}watermark_seconds", "Event time up to which flows are complete", seconds)
        for name, text in LABEL_COUNTS.items():
            if name in state.labels:
                yield CounterMetricFamily(f"{prefix}label_{name}", text, value=state.labels[name])
        if "names_stalled" in state.labels:
            text = "Whether names do not move on and flows go without waiting for them"
            yield GaugeMetricFamily(f"{prefix}names_stalled", text, value=state.labels["names_stalled"])
        if "files_refused" in state.labels:
            text = "Lists and databases whose newest version was refused"
            yield GaugeMetricFamily(f"{prefix}label_files_refused", text, value=state.labels["files_refused"])


class SinkCollector(Collector):
    """Turns the state of a sink into metrics."""

    def __init__(self, state: Callable[[], SinkState]) -> None:
        self._state = state

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of this moment."""
        state, prefix = self._state(), "argosy_sink_"
        yield CounterMetricFamily(f"{prefix}records", "Flows taken", value=state.records)
        yield CounterMetricFamily(f"{prefix}dead_letters", "Messages that cannot be read", value=state.undecodable)
        yield _lag(prefix, state.lag)
        yield GaugeMetricFamily(
            f"{prefix}event_time_seconds", "Packet time that all sources have reached", value=state.event_time / SECOND
        )


class AlertingCollector(Collector):
    """Turns the state of an evaluator of rules into metrics."""

    def __init__(self, worker: AlertingWorker) -> None:
        self._worker = worker

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of this moment."""
        worker, prefix = self._worker, "argosy_alerts_"
        yield CounterMetricFamily(f"{prefix}records", "Status records looked at", value=worker.records)
        yield CounterMetricFamily(f"{prefix}published", "Messages about alerts published", value=worker.alerts)
        for name, text in ALERT_COUNTS.items():
            yield CounterMetricFamily(prefix + name, text, value=worker.engine.counts()[name])
        lag = GaugeMetricFamily(f"{prefix}lag_messages", "Messages not looked at yet", labels=["input"])
        for kind, count in worker.lag.items():
            lag.add_metric([kind], count)
        yield lag


class DeliveryCollector(Collector):
    """Turns what became of alerts, by channel, into metrics."""

    def __init__(self, counts: Mapping[str, Counts]) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of this moment."""
        texts = {
            "delivered": "Messages delivered",
            "left_out": "Alerts that the channel does not get",
            "held_back": "Messages beyond the rate of the channel",
            "tried_again": "Attempts that failed and were made again",
            "dead": "Messages that went to the dead letters",
        }
        for name, text in texts.items():
            family = CounterMetricFamily(f"argosy_sink_alerts_{name}", text, labels=["channel"])
            for channel, counts in self._counts.items():
                family.add_metric([channel], getattr(counts, name))
            yield family


def _lag(prefix: str, lag: dict[int, int]) -> Metric:
    family = GaugeMetricFamily(f"{prefix}lag_messages", "Messages not processed yet", labels=["partition"])
    for partition, count in sorted(lag.items()):
        family.add_metric([str(partition)], count)
    return family


def _by_probe(name: str, text: str, values: Mapping[tuple[str, str], float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["site", "probe"])
    for (site, probe), value in sorted(values.items()):
        family.add_metric([site, probe], value)
    return family


@contextmanager
def serving(address: str | None, collector: Collector) -> Iterator[None]:
    """Serve metrics at `[HOST]:PORT` while the block runs; nothing without an address. Raises SettingsError."""
    if not address:
        yield
        return
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    try:
        host, port = host_port(address)
        server, thread = start_http_server(port, host, registry)
    except (ValueError, OSError) as error:
        raise SettingsError(f"option --metrics names '{address}': {getattr(error, 'strerror', error)}") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
