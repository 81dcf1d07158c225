"""The Kafka shell of every sink: reads a topic of flows, commits what the sink has made safe, stops cleanly."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException, TopicCollection

from sinks.feed import Feed
from sinks.room import Room
from sinks.storing import Storing
from topics.bus import Subscriber
from topics.bus.administration import CONNECT_SECONDS, admin_client
from topics.bus.publisher import BROKER_SECONDS
from topics.bus.transient import patiently
from topics.definitions import DEAD_LETTERS, FLOWS
from topics.errors import BusError, DiskFullError
from topics.metrics import table

if TYPE_CHECKING:
    import threading

    from confluent_kafka.admin import AdminClient

    from sinks.feed import Sink
    from topics.batch import FlowBatch
    from topics.bus import Received

RECEIVE_SECONDS = 0.25
QUIET_SECONDS = 60.0
MOST_HELD = 256 * 1024 * 1024  # bytes in a sink above which nothing more is taken
LESS_HELD = MOST_HELD // 2  # and below which it goes on


@dataclass(frozen=True, slots=True)
class Subscription:
    """What to read, as which group, and when to stop: `until_idle` seconds after the last message, None for never."""

    url: str
    group: str
    topic: str = FLOWS.name
    dead_letters: str = DEAD_LETTERS.name
    until_idle: float | None = None
    connect: float = CONNECT_SECONDS
    patience: float = BROKER_SECONDS


@dataclass(slots=True)
class SinkState:
    """How a sink does: event time (ns), and bytes it took that do not last yet."""

    event_time: int = 0
    held: int = 0


def run_sink(sink: Sink, subscription: Subscription, stop: threading.Event, state: SinkState | None = None) -> int:
    """Feed a sink from Kafka until `stop` is set or idleness ends it; return how many messages could not be read.

    `state` is kept up to date.

    Offsets are committed when the sink has made their records last. At the end everything accepted is made to last and
    committed; after an error nothing is. A full disk is waited for: the sink has removed what was half, which is read
    again from the last commit. Raises BusError, and whatever else the sink raises; DiskFullError only at the end.
    """
    return _SinkRun(sink, subscription, state or SinkState()).until(stop)


class _SinkRun:
    def __init__(self, sink: Sink, subscription: Subscription, state: SinkState) -> None:
        self._sink, self._subscription, self._state = sink, subscription, state
        self._heard: float | None = None  # when the last message came; the partitions, at first
        self._running, self._paused, self._waits = True, False, False
        self._subscriber: Subscriber[FlowBatch] = Subscriber(
            subscription.url,
            subscription.topic,
            subscription.group,
            dead_letters=subscription.dead_letters,
            assigned=self._assigned,
            revoked=self._revoked,
            connect=subscription.connect,
            patience=subscription.patience,
        )
        self._room = Room()
        self._origin = topic_identity(subscription.url, subscription.topic)
        self._begin()

    def _begin(self) -> None:
        self._storing, self._dirty = Storing(), False
        self._feed = Feed(self._sink, self._origin, time.monotonic)

    def until(self, stop: threading.Event) -> int:
        with self._subscriber:
            try:
                while not stop.is_set() and not self._is_idle():
                    self._step()
                self._finish()
            finally:
                self._running = False
            return self._subscriber.undecodable

    def _step(self) -> None:
        self._hold_back()
        came = self._subscriber.receive(RECEIVE_SECONDS)
        try:
            self._take(came)
        except DiskFullError as error:
            self._room.refused(error)
            self._begin()
        self._commit()
        self._state.event_time, self._state.held = self._feed.event_time, self._sink.held

    def _take(self, came: list[Received[FlowBatch]]) -> None:
        begun = time.perf_counter()
        for received in came:
            self._feed.take(received.partition, received.offset, received.value)
            self._storing.took(received.partition, received.offset, received.value)
            self._heard, self._dirty = time.monotonic(), True
        self._feed.wait()
        if came:
            table.BATCH_SECONDS.observe(time.perf_counter() - begun, "store")
        if self._dirty and self._silence() >= QUIET_SECONDS:
            self._sink.flush()
            self._dirty = False

    def _hold_back(self) -> None:
        """Take nothing more while the sink holds too much, its database being slow or away, or its disk is full."""
        waited, self._waits = self._waits, self._room.is_wanted()
        self._paused = self._waits or self._sink.held > (LESS_HELD if self._paused else MOST_HELD)
        self._subscriber.pause(self._paused)
        if waited and not self._waits:
            self._subscriber.rewind()  # not before: to go on after a pause is to go on behind what came last
        if self._paused:
            self._heard = time.monotonic()

    def _finish(self) -> None:
        self._sink.flush()
        self._commit()

    def _commit(self) -> None:
        offsets = self._feed.to_commit()
        if offsets:
            self._room.kept()
        if self._subscriber.commit(offsets):
            self._feed.committed(offsets)
            self._storing.stored(offsets)

    def _assigned(self, _partitions: list[int]) -> None:
        self._heard = time.monotonic()

    def _revoked(self, _partitions: list[int]) -> None:
        """Hand partitions over so that the next member begins right behind what was stored."""
        if not self._running:
            return
        try:
            self._finish()
        except DiskFullError as error:  # whoever gets them reads again what is in no file
            self._room.refused(error)
            self._begin()

    def _silence(self) -> float:
        return 0.0 if self._heard is None else time.monotonic() - self._heard

    def _is_idle(self) -> bool:
        limit = self._subscription.until_idle
        return limit is not None and self._silence() >= limit


def topic_identity(url: str, topic: str) -> str:
    """Return a name of the topic that another one, made later under the same name, does not have.

    Raises BusError when no broker answers or the topic does not exist.
    """
    client = admin_client(url)  # has to outlive the answer
    try:
        return patiently(lambda _: _describe(client, topic), 2 * CONNECT_SECONDS)
    except KafkaException as error:
        raise BusError(f"{url}: topic {topic}: {error.args[0].str()}") from None


def _describe(client: AdminClient, topic: str) -> str:
    described = client.describe_topics(TopicCollection([topic]), request_timeout=CONNECT_SECONDS)
    return f"{topic}/{described[topic].result(2 * CONNECT_SECONDS).topic_id}"
