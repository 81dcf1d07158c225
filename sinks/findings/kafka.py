"""From the topics of findings into their tables; offsets are committed when the database has."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from topics.alerts import decode_alert
from topics.bus import Subscriber
from topics.definitions import ALERTS, DNS, SPANS
from topics.dns import decode_dns
from topics.errors import DatabaseAwayError
from topics.metrics import table
from topics.metrics.vitals import VITALS
from topics.spans import read_span_finding

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from sinks.findings.tables import Finding, FindingsDatabase
    from topics.bus.subscriber import Received

DECODERS: dict[str, Callable[[bytes], Finding]] = {
    "dns": decode_dns,
    "spans": read_span_finding,
    "alerts": decode_alert,
}
TOPICS = {"dns": DNS.name, "spans": SPANS.name, "alerts": ALERTS.name}
RECEIVE_SECONDS = 0.1
AWAY_SECONDS = 240.0  # less than Kafka waits for a reader before it takes its partitions away
RETRY_SECONDS = 2.0


def keep_findings(
    url: str,
    group: str,
    database: FindingsDatabase,
    stop: threading.Event,
    *,
    topics: Mapping[str, str],
    dead_letters: str,
    until_idle: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Keep what `topics` (by kind: dns, spans, alerts) carry until `stop`, or idleness ends it.

    Each topic is read as a group of its own, `group` and its kind. Returns how many messages could not be read. Raises
    BusError, and DatabaseError, when the database is away for four minutes too.
    """
    heard = clock()
    with ExitStack() as stack:
        readers: dict[str, Subscriber[Any]] = {
            kind: stack.enter_context(
                Subscriber(url, topic, f"{group}-{kind}", decode=DECODERS[kind], dead_letters=dead_letters)
            )
            for kind, topic in topics.items()
        }
        while not stop.is_set() and (until_idle is None or clock() - heard < until_idle):
            for reader in readers.values():
                if received := reader.receive(RECEIVE_SECONDS):
                    heard = clock()
                    _keep(received, reader, database, stop)
        return sum(reader.undecodable for reader in readers.values())


def _keep(
    received: list[Received[Any]], reader: Subscriber[Any], database: FindingsDatabase, stop: threading.Event
) -> None:
    """Write findings and commit; a database that is away is tried again. What is stopped before is read again."""
    begun = time.monotonic()
    while True:
        try:
            database.write(message.value for message in received)
            break
        except DatabaseAwayError:
            _tell(away=True)
            if stop.wait(RETRY_SECONDS):
                return
            if time.monotonic() > begun + AWAY_SECONDS:
                raise
    _tell(away=False)
    table.BATCH_SECONDS.observe(time.monotonic() - begun, "store")
    reader.commit({message.partition: message.offset + 1 for message in received})


def _tell(*, away: bool) -> None:
    table.SINK_AWAY.set(float(away))
    VITALS.settle("database", "away" if away else "answers", ok=not away)
