"""The state of workers, sinks and other consumers as metrics, read when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.metrics import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clients.radium.feeds import Feed
    from clients.radium.server import Server
    from clients.telemetry.exposition import Reading
    from processors.engine.alerting import AlertingWorker
    from processors.engine.state import WorkerState
    from sinks.alerts.delivery import Counts
    from sinks.kafka import SinkState

SECOND = 1e9
OF_LABELS = {
    "labelled": table.LABELLED,
    "named": table.NAMED,
    "names_forgotten": table.NAMES_FORGOTTEN,
    "attributed": table.ATTRIBUTED,
    "events": table.EVENTS_HEARD,
    "reloads": table.LIST_RELOADS,
    "refusals": table.LIST_REFUSALS,
    "files_refused": table.LISTS_REFUSED,
    "names_stalled": table.NAMES_STALLED,
}
OF_RULES = {
    "late": table.ALERTS_LATE,
    "forced": table.ALERTS_FORCED,
    "evicted": table.ALERTS_EVICTED,
    "suppressed": table.ALERTS_SUPPRESSED,
    "silenced": table.ALERTS_SILENCED,
}
OUTCOMES = ("delivered", "left_out", "held_back", "dead")


def of_worker(state: WorkerState) -> Iterator[Reading]:
    """Yield what a worker merged and labelled."""
    yield table.WORKER_RECORDS, float(state.records)
    yield table.WORKER_REPLAYS, float(state.replays)
    yield table.WORKER_MISSING, {who: float(count) for who, count in state.missing.items()}
    yield table.WORKER_WATERMARK, {who: time / SECOND for who, time in state.watermarks.items()}
    yield from ((OF_LABELS[name], float(count)) for name, count in state.labels.items())


def of_sink(state: SinkState) -> Iterator[Reading]:
    """Yield how far a sink of flows has come."""
    yield table.SINK_EVENT_TIME, state.event_time / SECOND
    yield table.SINK_HELD, float(state.held)


def of_alerting(worker: AlertingWorker) -> Iterator[Reading]:
    """Yield what an evaluator of rules looked at and left out."""
    yield table.ALERT_RECORDS, float(worker.records)
    yield table.ALERT_RULES, float(worker.rules)
    yield from ((OF_RULES[name], float(count)) for name, count in worker.engine.counts().items() if name in OF_RULES)


def of_delivery(counts: Mapping[str, Counts]) -> Iterator[Reading]:
    """Yield what became of alerts, by channel."""
    yield (
        table.DELIVERIES,
        {(name, each): float(getattr(found, each)) for name, found in counts.items() for each in OUTCOMES},
    )
    yield table.DELIVERY_RETRIES, {(name,): float(found.tried_again) for name, found in counts.items()}


def of_radium(server: Server, feed: Feed) -> Iterator[Reading]:
    """Yield what clients of Argus were served."""
    yield table.RADIUM_RECORDS, float(feed.records)
    yield table.RADIUM_CLIENTS, float(server.serving)
    outcomes = {"started": server.clients, "refused": server.refused, "gone_early": server.early}
    yield table.RADIUM_CONNECTIONS, {(name,): float(n) for name, n in (outcomes | {"dropped": feed.dropped}).items()}
