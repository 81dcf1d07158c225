"""The way to the bus: straight to the brokers, or by a spool on disk when the settings name a directory for it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog

from topics.errors import BusError

if TYPE_CHECKING:
    from contextlib import ExitStack

    from probes.settings import Settings
    from probes.spool.publisher import SpooledPublisher
    from topics.batch import FlowBatch
    from topics.bus import Publisher
    from topics.bus.producer import ConfirmedProducer

log = structlog.get_logger()


class Bus(Protocol):
    """Takes batches of records, and single messages for other topics."""

    def publish(self, batch: FlowBatch) -> None:
        """Take a batch; an empty one is for its watermark."""

    def post(self, topic: str, value: bytes, partition: int, *, important: bool) -> None:
        """Take a message; one that is important is given up last when there is no room."""

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has; raises BusError when that cannot be known."""

    def counts(self) -> dict[str, int]:
        """Return what became of everything, by name; may be called by any thread."""

    @property
    def trouble(self) -> str:
        """What keeps messages from being delivered now, empty when nothing does."""


def open_bus(url: str, settings: Settings, stack: ExitStack, *, number: int, live: bool) -> Bus:
    """Return the way to a bus, the `number`th of this probe; `stack` closes it. Raises BusError or OutputError."""
    if not settings.spool.directory:
        from topics.bus import Publisher
        from topics.bus.producer import ConfirmedProducer
        from topics.bus.publisher import BROKER_SECONDS

        publisher = stack.enter_context(Publisher(url, settings.topic))
        producer = ConfirmedProducer(url, BROKER_SECONDS)
        stack.callback(producer.flush)
        return _Straight(url, publisher, producer)
    from probes.spool.publisher import SpooledPublisher

    directory = Path(settings.spool.directory) / f"bus-{number}"
    spool = settings.spool
    spooled = SpooledPublisher(url, settings.topic, directory, limit=spool.size, carry=spool.carry, patient=not live)
    stack.callback(_say_what_waits, spooled)
    stack.enter_context(spooled)
    return _Spooled(url, spooled, directory)


class _Straight:
    trouble = ""

    def __init__(self, url: str, publisher: Publisher, producer: ConfirmedProducer) -> None:
        self._url, self._publisher, self._producer = url, publisher, producer
        self.publish = publisher.publish

    def post(self, topic: str, value: bytes, partition: int, *, important: bool) -> None:  # noqa: ARG002 - nothing waits
        self._producer.send(topic, value, partition)

    def partitions(self, topic: str) -> int:
        from topics.bus import partition_count

        return partition_count(self._url, topic)

    def counts(self) -> dict[str, int]:
        return {"sent_messages": self._publisher.messages, "sent_records": self._publisher.records}


class _Spooled:
    def __init__(self, url: str, publisher: SpooledPublisher, directory: Path) -> None:
        self._url, self._publisher, self._directory = url, publisher, directory
        self.publish, self.counts = publisher.publish, publisher.counts

    def post(self, topic: str, value: bytes, partition: int, *, important: bool) -> None:
        from probes.spool.entry import Priority

        self._publisher.post(topic, value, partition, Priority.EVENTS if important else Priority.DNS)

    def partitions(self, topic: str) -> int:
        """Ask the brokers, or remember what they said: the probe starts without them too."""
        from topics.bus import partition_count

        memory = self._directory / f"{topic}.partitions"
        try:
            count = partition_count(self._url, topic, wait=0 if memory.exists() else None)
        except BusError:
            with suppress(OSError, ValueError):
                return int(memory.read_text())
            raise
        memory.write_text(f"{count}\n")
        return count

    @property
    def trouble(self) -> str:
        return self._publisher.last_error


def _say_what_waits(publisher: SpooledPublisher) -> None:
    if waiting := publisher.counts()["spooled_messages"]:
        log.warning("messages wait on disk for the next run", messages=waiting, reason=publisher.last_error)
