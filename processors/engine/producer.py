"""Confirmed production to Kafka from one thread: idempotent, ordered, bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as KafkaProducer

from topics.bus.administration import REFUSALS, refused
from topics.bus.client import producer_settings
from topics.bus.fatal import served
from topics.bus.producer import count_produced
from topics.bus.schemas import announce
from topics.errors import BusError

if TYPE_CHECKING:
    from confluent_kafka import Message

QUEUE_KILOBYTES = 64 * 1024
POLL_SECONDS = 0.1

Headers = list[tuple[str, bytes]]
Confirm = Callable[[int], None]


class Producer:
    """Sends values to partitions and reports the offset of each once all replicas that have to hold it do.

    Every method, and every confirmation, belongs to one thread. Raises BusError when a message could not be delivered
    within `timeout` seconds.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._failure: BusError | None = None
        self._producer = KafkaProducer(
            producer_settings(url)
            | {
                "linger.ms": 5,
                "queue.buffering.max.kbytes": QUEUE_KILOBYTES,
                "delivery.timeout.ms": int(timeout * 1000),
                "error_cb": self._error,
            }
        )

    def announce(self) -> None:
        """Let readers know the schemas that we write with, before anything else."""
        announce(self._producer, self.poll)

    def send(
        self, topic: str, partition: int, value: bytes, headers: Headers, confirm: Confirm, key: bytes | None = None
    ) -> None:
        """Queue a message, waiting for room; `poll` calls `confirm` with its offset. Partition -1 is any."""

        def delivered(error: KafkaError | None, message: Message[Any, Any]) -> None:
            if error is not None:
                self._failure = BusError(f"{self._url}: topic {topic}: {refused(error)}")
            else:
                confirm(message.offset() or 0)

        while True:
            self.poll(0)
            try:
                self._producer.produce(
                    topic, value, key, partition=partition, headers=dict(headers), on_delivery=delivered
                )
            except BufferError:
                self.poll(POLL_SECONDS)
            except KafkaException as error:
                raise BusError(f"{self._url}: topic {topic}: {error.args[0].str()}") from None
            else:
                count_produced(topic, value)
                return

    def _error(self, error: KafkaError) -> None:
        if error.code() in REFUSALS:
            self._failure = BusError(f"{self._url}: {refused(error)}")

    def poll(self, seconds: float) -> None:
        """Handle confirmations, waiting at most `seconds` for the first."""
        served(self._url, lambda: self._producer.poll(seconds))
        if self._failure is not None:
            raise self._failure

    def abandon(self) -> None:
        """Let a `send` that waits raise. May be called from any thread."""
        self._failure = BusError(f"{self._url}: stopped while messages waited for the broker")

    def flush(self, seconds: float) -> bool:
        """Wait for confirmations; False when some are still missing after `seconds`."""
        missing = served(self._url, lambda: self._producer.flush(seconds))
        self.poll(0)
        return not missing
