"""Confirmed delivery to Kafka in bounded memory and bounded time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException, Producer

from topics.bus.administration import REFUSALS, refused
from topics.bus.client import producer_settings
from topics.bus.fatal import served
from topics.bus.schemas import announce
from topics.errors import BusError
from topics.metrics.table import PRODUCED_BYTES, PRODUCED_MESSAGES

if TYPE_CHECKING:
    from confluent_kafka import Message

QUEUE_KILOBYTES = 64 * 1024
POLL_SECONDS = 0.1
GRACE_SECONDS = 1.0  # for the reports of messages whose time is over, which name what failed
ANY_PARTITION = -1


class ConfirmedProducer:
    """Sends messages idempotently, to be acknowledged by all replicas, and finds out about each.

    Every method raises BusError once a message could not be delivered within `patience` seconds.
    """

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._patience = patience
        self._failure: BusError | None = None
        self._producer = Producer(
            producer_settings(url)
            | {
                "linger.ms": 5,
                "queue.buffering.max.kbytes": QUEUE_KILOBYTES,
                "delivery.timeout.ms": int(patience * 1000),
                "error_cb": self._error,
            }
        )

    def announce(self) -> None:
        """Let readers know the schemas that we write with, before anything else."""
        announce(self._producer, self._poll)

    def send(self, topic: str, value: bytes, partition: int = ANY_PARTITION, key: bytes | None = None) -> None:
        """Queue a message, waiting while the queue is full."""
        while True:
            self._poll(0)
            self._check()
            try:
                self._producer.produce(topic, value, key=key, partition=partition, on_delivery=self._delivered)
            except BufferError:
                self._poll(POLL_SECONDS)
            except KafkaException as error:
                raise BusError(f"{self._url}: topic {topic}: {error.args[0].str()}") from None
            else:
                count_produced(topic, value)
                return

    def flush(self) -> None:
        """Wait until everything is delivered."""
        missing = served(self._url, lambda: self._producer.flush(self._patience + GRACE_SECONDS))
        self._check()
        if missing:
            raise BusError(f"{self._url}: {missing} messages not delivered within {self._patience:g} s")

    def _poll(self, seconds: float) -> None:
        served(self._url, lambda: self._producer.poll(seconds))

    def abandon(self) -> None:
        """Forget what is not delivered yet."""
        self._producer.purge()

    def _delivered(self, error: KafkaError | None, message: Message[Any, Any]) -> None:
        if error is not None and self._failure is None:
            self._failure = BusError(f"{self._url}: topic {message.topic()}: message not delivered ({refused(error)})")

    def _error(self, error: KafkaError) -> None:
        if error.code() in REFUSALS and self._failure is None:
            self._failure = BusError(f"{self._url}: {refused(error)}")

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure


def count_produced(topic: str, value: bytes) -> None:
    """Count a message that was given to the brokers' client."""
    PRODUCED_MESSAGES.add(1, topic)
    PRODUCED_BYTES.add(len(value), topic)
