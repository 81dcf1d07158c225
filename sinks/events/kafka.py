"""From the topic of events to what keeps them; offsets are committed when it has."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from topics.bus import Subscriber
from topics.events import decode_event, encode_event
from topics.metrics import table

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from sinks.events.directory import EventDirectory
    from sinks.events.tables import EventDatabase
    from topics.events import EventRecord

SECOND = 1e9
RECEIVE_SECONDS = 0.25
MOST_EVENTS = 2000

Kept = list[tuple["EventRecord", bytes]]


class EventSink(Protocol):
    """Takes events of one partition, from one offset on, and has kept them when it returns."""

    def __call__(self, partition: int, offset: int, events: Sequence[tuple[EventRecord, bytes]]) -> None:
        """Keep events."""


def keep_events(
    url: str,
    topic: str,
    group: str,
    sink: EventDatabase | EventDirectory,
    stop: threading.Event,
    *,
    dead_letters: str,
    linger: float,
    until_idle: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Keep the events of a topic until `stop`, or idleness ends it; return how many messages could not be read.

    At the latest `linger` seconds after an event came it is kept. Raises BusError, and whatever the sink raises.
    """
    keep = _keeper(sink)
    waiting: dict[int, tuple[int, Kept]] = {}
    heard = since = clock()

    def settle(subscriber: Subscriber[EventRecord]) -> None:
        for partition, (offset, events) in waiting.items():
            begun = time.perf_counter()
            keep(partition, offset, events)
            table.BATCH_SECONDS.observe(time.perf_counter() - begun, "store")
            table.SINK_RECORDS.add(len(events))
            table.PACKET_AGE.observe(time.time() - events[-1][0].started / SECOND, "stored")
        offsets = {partition: next_offsets[partition] for partition in waiting}
        waiting.clear()
        if offsets:
            subscriber.commit(offsets)

    next_offsets: dict[int, int] = {}

    def assigned(_partitions: list[int]) -> None:
        nonlocal heard
        heard = clock()

    def revoked(_partitions: list[int]) -> None:
        settle(subscriber)

    with Subscriber(
        url, topic, group, decode=decode_event, dead_letters=dead_letters, assigned=assigned, revoked=revoked
    ) as subscriber:
        while not stop.is_set() and (until_idle is None or clock() - heard < until_idle):
            for received in subscriber.receive(RECEIVE_SECONDS):
                heard = clock()
                since = since if waiting else heard
                _, events = waiting.setdefault(received.partition, (received.offset, []))
                events.append((received.value, encode_event(received.value)))
                next_offsets[received.partition] = received.offset + 1
            count = sum(len(events) for _, events in waiting.values())
            if waiting and (count >= MOST_EVENTS or clock() - since >= linger):
                settle(subscriber)
        settle(subscriber)
        return subscriber.undecodable


def _keeper(sink: EventDatabase | EventDirectory) -> EventSink:
    from sinks.events.directory import EventDirectory

    if isinstance(sink, EventDirectory):
        return sink.write_from
    return lambda _partition, _offset, events: sink.write(events)
