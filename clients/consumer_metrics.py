"""The state of workers and sinks for Prometheus, read when it is asked for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from probes.settings import host_port
from topics.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.core import Metric

    from processors.engine.state import WorkerState
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


class WorkerCollector:
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


class SinkCollector:
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
def serving(address: str | None, collector: WorkerCollector | SinkCollector) -> Iterator[None]:
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
