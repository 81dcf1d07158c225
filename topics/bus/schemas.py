"""Schemas announced on the bus: whoever writes says with what, so that readers of another version can read it.

Messages name their schema by fingerprint. A topic holds the schemas themselves, in canonical form under their
fingerprint, the latest of each: writers send theirs there before anything else, readers look up what they do not know.
"""

from __future__ import annotations

import functools
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from confluent_kafka import Consumer, KafkaException, TopicPartition

from topics import single_object
from topics.bus.administration import refused
from topics.bus.client import client_settings
from topics.bus.transient import passes, patiently
from topics.definitions import SCHEMAS
from topics.errors import BusError, DecodeError, UnknownSchemaError
from topics.schema import schema_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka import KafkaError, Message, Producer

Value = TypeVar("Value")

PARTITION = 0
ANNOUNCE_SECONDS = 10.0


class Announcement:
    """The schemas of this version on their way to the bus, through a producer that has to be polled.

    Where the topic is missing, or we may not write there, nothing is announced.
    """

    def __init__(self, producer: Producer) -> None:
        self._waiting = 0
        for name in schema_names():
            self._waiting += 1
            producer.produce(
                SCHEMAS.name,
                single_object.canonical(name).encode(),
                single_object.header(name)[len(single_object.MARK) :],
                partition=PARTITION,
                on_delivery=self._answered,
            )

    @property
    def is_over(self) -> bool:
        """Whether the brokers have everything, or refused it."""
        return self._waiting <= 0

    def _answered(self, _error: KafkaError | None, _message: Message) -> None:
        self._waiting -= 1


def announce(producer: Producer, poll: Callable[[float], object], seconds: float = ANNOUNCE_SECONDS) -> None:
    """Announce our schemas and wait until the brokers have them, for so long; `poll` serves the producer."""
    try:
        found = producer.list_topics(SCHEMAS.name, timeout=seconds).topics.get(SCHEMAS.name)
        if found is None or found.error is not None:
            return
        announcement = Announcement(producer)
    except KafkaException:
        return  # whoever sends something next finds out what is wrong
    for _ in range(int(seconds / 0.1)):
        if announcement.is_over:
            break
        poll(0.1)


class AnnouncedSchemas:
    """Decodes messages whatever announced schema they are written with. Belongs to one thread.

    A schema that is not known is looked for once more in what has come to the topic since. Raises BusError when no
    broker answers within `patience` seconds.
    """

    def __init__(self, url: str, patience: float) -> None:
        self._url, self._patience = url, patience
        self._consumer: Consumer | None = None
        self._next = 0

    def reading(self, decode: Callable[[bytes], Value]) -> Callable[[bytes], Value]:
        """Return what decodes as `decode` does, and knows the announced schemas too."""
        return functools.partial(self._decoded, decode)

    def close(self) -> None:
        """Leave the brokers alone."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _decoded(self, decode: Callable[[bytes], Value], data: bytes) -> Value:
        try:
            return decode(data)
        except UnknownSchemaError:
            if not self._read_on():
                raise
        return decode(data)

    def _read_on(self) -> bool:
        """Learn what has come to the topic; return whether anything has."""
        if self._consumer is None:
            settings = {"group.id": "argosy-unattached", "enable.auto.commit": False, "fetch.wait.max.ms": 10}
            self._consumer = Consumer(client_settings(self._url) | settings)
        begin, consumer = self._next, self._consumer
        try:
            first, end = patiently(lambda left: _bounds(consumer, left), self._patience)
            if end < self._next:  # the topic was made anew
                self._next = 0
            self._next = max(self._next, first)
            if self._next < end:
                consumer.assign([TopicPartition(SCHEMAS.name, PARTITION, self._next)])
            while self._next < end:
                patiently(self._take, self._patience)
        except KafkaException as error:
            raise BusError(f"{self._url}: topic {SCHEMAS.name}: {refused(error.args[0])}") from None
        return self._next != begin

    def _take(self, left: float) -> None:
        message = self._consumer.poll(left) if self._consumer is not None else None
        if message is None:
            raise BusError(f"{self._url}: topic {SCHEMAS.name}: no answer within {self._patience:g} s")
        error = message.error()
        if error is not None:
            raise KafkaException(error)
        with suppress(DecodeError, UnicodeDecodeError):  # somebody else's
            single_object.learn((message.value() or b"").decode())
        self._next = (message.offset() or 0) + 1


def _bounds(consumer: Consumer, left: float) -> tuple[int, int]:
    """Return where the topic begins and ends, nowhere when there is none that we may read."""
    found = consumer.list_topics(SCHEMAS.name, timeout=left).topics.get(SCHEMAS.name)
    if found is None or (found.error is not None and not passes(found.error)):
        return 0, 0
    return consumer.get_watermark_offsets(TopicPartition(SCHEMAS.name, PARTITION), timeout=left) or (0, 0)
