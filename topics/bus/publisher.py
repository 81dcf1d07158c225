"""Publishing: batches split by partition, numbered, and confirmed by the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from confluent_kafka import KafkaError, KafkaException, Producer

from topics.bus.address import bootstrap
from topics.bus.administration import CONNECT_SECONDS, partition_count
from topics.bus.messages import encode_message
from topics.errors import BusError
from topics.partitions import split

if TYPE_CHECKING:
    from types import TracebackType

    from confluent_kafka import Message

    from topics.batch import FlowBatch

MESSAGE_BYTES = 256 * 1024
MESSAGE_RECORDS = 800  # about MESSAGE_BYTES of typical records; a message that comes out larger is cut in two
QUEUE_KILOBYTES = 64 * 1024
POLL_SECONDS = 0.1
BROKER_SECONDS = 60.0


class Publisher:
    """Sends batches to the partitions of a topic: idempotent, acknowledged by all replicas, in bounded memory.

    Batches of one run and partition are numbered from 0 in their header. `publish` waits while the queue is full.
    Raises BusError when no broker answers within `connect` seconds, the topic does not exist, or a message could not be
    delivered within `patience` seconds.
    """

    def __init__(
        self, url: str, topic: str, *, connect: float = CONNECT_SECONDS, patience: float = BROKER_SECONDS
    ) -> None:
        self.url, self.topic = url, topic
        self.messages = self.records = 0
        self._partitions = partition_count(url, topic, connect)
        self._patience = patience
        self._sequences: dict[tuple[int, int], int] = {}
        self._failure: BusError | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap(url),
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 5,
                "message.max.bytes": 8 * MESSAGE_BYTES,
                "queue.buffering.max.kbytes": QUEUE_KILOBYTES,
                "delivery.timeout.ms": int(patience * 1000),
                "log_level": 0,  # what matters is raised as BusError
            }
        )

    def publish(self, batch: FlowBatch) -> None:
        """Queue the records of a batch for their partitions; an empty batch goes to all, for its watermark."""
        if not len(batch):
            for partition in range(self._partitions):
                self._send(batch.replace(partition=partition))
            return
        for part in split(batch, self._partitions):
            for start in range(0, len(part), MESSAGE_RECORDS):
                self._send(part.select(slice(start, start + MESSAGE_RECORDS)))

    def close(self) -> None:
        """Wait until everything is delivered; raises BusError if it is not."""
        waiting = self._producer.flush(self._patience)
        self._check()
        if waiting:
            raise BusError(f"{self.url}: topic {self.topic}: {waiting} messages not delivered")

    def _send(self, batch: FlowBatch) -> None:
        key = batch.boot_id, batch.partition
        sequence = self._sequences.get(key, 0)
        value = encode_message(batch.replace(sequence=sequence))
        if len(value) > MESSAGE_BYTES and len(batch) > 1:
            half = len(batch) // 2
            self._send(batch.select(slice(0, half)))
            self._send(batch.select(slice(half, None)))
            return
        self._sequences[key] = sequence + 1
        self._queue(value, batch.partition)
        self.messages += 1
        self.records += len(batch)

    def _queue(self, value: bytes, partition: int) -> None:
        while True:
            self._producer.poll(0)
            self._check()
            try:
                self._producer.produce(self.topic, value, partition=partition, on_delivery=self._delivered)
            except BufferError:
                self._producer.poll(POLL_SECONDS)
            except KafkaException as error:
                raise BusError(f"{self.url}: topic {self.topic}: {error.args[0].str()}") from None
            else:
                return

    def _delivered(self, error: KafkaError | None, _message: Message[Any, Any]) -> None:
        if error is not None:
            self._failure = BusError(f"{self.url}: topic {self.topic}: message not delivered ({error.str()})")

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._producer.purge()
