"""Everything that a topic holds now, from the first message to the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from confluent_kafka import Consumer, KafkaException, TopicPartition

from topics.bus.administration import CONNECT_SECONDS, partition_count, refused
from topics.bus.client import client_settings
from topics.bus.publisher import BROKER_SECONDS
from topics.bus.rights import UNATTACHED_GROUP
from topics.bus.schemas import AnnouncedSchemas
from topics.bus.transient import patiently
from topics.errors import BusError, DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from confluent_kafka import Message

Value = TypeVar("Value")

END_OF_LOG = -191  # librdkafka: RD_KAFKA_RESP_ERR__PARTITION_EOF
MOST_MESSAGES = 64


class Snapshot(Generic[Value]):
    """Iterates over (partition, offset, value) of a topic as it is now; once.

    `beginnings` are the first offsets that are still there, `committed` what `group` has acknowledged, by partition;
    `undecodable` counts messages that `decode` refused. Raises BusError.
    """

    def __init__(
        self, url: str, topic: str, decode: Callable[[bytes], Value], group: str = "", patience: float = BROKER_SECONDS
    ) -> None:
        self.url, self.topic, self.undecodable = url, topic, 0
        self._schemas, self._patience = AnnouncedSchemas(url, patience), patience
        self._decode = self._schemas.reading(decode)
        count = partition_count(url, topic, min(CONNECT_SECONDS, patience))
        self._consumer = Consumer(
            client_settings(url)
            | {
                "group.id": group or UNATTACHED_GROUP,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "fetch.queue.backoff.ms": 20,
            }
        )
        bounds = {number: self._ask(number) for number in range(count)}
        self.beginnings = {number: low for number, (low, _) in bounds.items()}
        self.ends = {number: high for number, (_, high) in bounds.items()}
        self.committed = self._committed() if group else {}

    def __iter__(self) -> Iterator[tuple[int, int, Value]]:
        waiting = {number for number, end in self.ends.items() if end > self.beginnings[number]}
        self._consumer.assign([TopicPartition(self.topic, number, self.beginnings[number]) for number in waiting])
        try:
            while waiting:
                first = self._consumer.poll(self._patience)
                if first is None:
                    raise BusError(f"{self.url}: topic {self.topic}: no answer within {self._patience:g} s")
                # With a time to wait, consume() would use it up unless so many messages come.
                for message in (first, *self._consumer.consume(MOST_MESSAGES - 1, 0)):
                    yield from self._take(message, waiting)
        finally:
            self._consumer.close()
            self._schemas.close()

    def _take(self, message: Message, waiting: set[int]) -> Iterator[tuple[int, int, Value]]:
        error, partition, offset = message.error(), message.partition() or 0, message.offset() or 0
        if error is not None:
            if error.code() != END_OF_LOG:
                raise BusError(f"{self.url}: topic {self.topic}: {refused(error)}")
            waiting.discard(partition)
            return
        if offset >= self.ends[partition] - 1:
            waiting.discard(partition)
        if offset < self.ends[partition]:
            try:
                yield partition, offset, self._decode(message.value() or b"")
            except DecodeError:
                self.undecodable += 1

    def _ask(self, number: int) -> tuple[int, int]:
        place = TopicPartition(self.topic, number)
        try:
            found = patiently(lambda left: self._consumer.get_watermark_offsets(place, timeout=left), self._patience)
        except KafkaException as error:
            raise BusError(f"{self.url}: topic {self.topic}: {refused(error.args[0])}") from None
        return found or (0, 0)

    def _committed(self) -> dict[int, int]:
        places = [TopicPartition(self.topic, number) for number in self.ends]
        try:
            found = patiently(lambda left: self._consumer.committed(places, timeout=left), self._patience)
        except KafkaException as error:
            raise BusError(f"{self.url}: {refused(error.args[0])}") from None
        return {place.partition: place.offset for place in found if place.offset >= 0}
