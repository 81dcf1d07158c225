"""Where a partition goes on: the committed offset, and what the output says about the input from there on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from processors.engine.notes import NUMBERS, whole_number
from topics.bus.client import client_settings
from topics.bus.transient import patiently
from topics.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processors.engine.acknowledgement import Checkpoint

END_OF_LOG = -191  # librdkafka: RD_KAFKA_RESP_ERR__PARTITION_EOF
FETCH_WAIT_MILLISECONDS = 10
POLL_SECONDS = 0.5
OUTPUT, SEEN = "output", "seen"


@dataclass(frozen=True, slots=True)
class Start:
    """The input offset to begin at, and the part of the output to read first: [output_begin, output_end)."""

    offset: int
    output_begin: int
    output_end: int


def metadata(checkpoint: Checkpoint) -> str:
    """Return what is committed beside the input offset: where in the output to begin reading, and batches seen."""
    seen = f" {SEEN}={checkpoint.seen}" if checkpoint.seen is not None else ""
    numbers = f" {NUMBERS}={checkpoint.numbers}" if checkpoint.numbers else ""
    return f"{OUTPUT}={checkpoint.output_offset}{seen}{numbers}"


def output_offset(text: str | None) -> int:
    """Undo `metadata`; 0, the whole output, for anything else, such as the empty text of a tool that moved a group."""
    return whole_number(text, OUTPUT) or 0


def seen_offset(text: str | None) -> int | None:
    """Return where on the topic of batches seen the others are; None for what says nothing of it."""
    return whole_number(text, SEEN)


class Recovery:
    """Reads partitions beside the engine's own consumer, without joining the group. Belongs to one thread.

    Raises BusError when the broker does not answer within `timeout` seconds, or once `abandon` was called.
    """

    def __init__(self, url: str, group: str, input_topic: str, output_topic: str, timeout: float) -> None:
        self._abandoned = False
        self._url = url
        self._input = input_topic
        self._output = output_topic
        self._timeout = timeout
        self._consumer = Consumer(
            client_settings(url)
            | {
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_uncommitted",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": FETCH_WAIT_MILLISECONDS,
            }
        )

    def start(self, partition: int, committed: int | None, text: str) -> Start:
        """Cut the committed offset, and what its metadata says, to what the logs still hold."""
        low, high = self._bounds(self._input, partition)
        output_low, output_high = self._bounds(self._output, partition)
        offset = committed if committed is not None and low <= committed <= high else low
        begin = output_offset(text)
        return Start(offset, begin if output_low <= begin <= output_high else output_low, output_high)

    def first_offset(self, partition: int, offset: int) -> int:
        """Offset of the first message of the input at or after `offset`; the end of the log when there is none."""
        for message in self._read(self._input, partition, offset):
            return message.offset() or 0
        return self._bounds(self._input, partition)[1]

    def output(self, partition: int, start: Start) -> Iterator[Message]:
        """Read the part of the output that `start` names."""
        return self._read(self._output, partition, start.output_begin, start.output_end)

    def has(self, topic: str) -> bool:
        """Whether a topic is there for us."""
        try:
            found = patiently(
                lambda left: self._consumer.list_topics(topic, timeout=left),
                self._timeout,
                given_up=lambda: self._abandoned,
            )
        except KafkaException as error:
            raise self._error(topic, error.args[0]) from None
        return found.topics[topic].error is None

    def remembered(self, topic: str, key: bytes, offset: int) -> bytes | None:
        """Return the message with a key at `offset` of a compacted topic; the last one behind it when that is gone."""
        latest = None
        for message in self._read(topic, 0, offset):
            if message.key() == key:
                latest = message.value()
                if message.offset() == offset:
                    break
        return latest

    def abandon(self) -> None:
        """Let a read that waits raise. May be called from any thread."""
        self._abandoned = True

    def _bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """Where a partition begins and ends; waits for a leader while it has none."""
        place = TopicPartition(topic, partition)
        try:
            bounds = patiently(
                lambda left: self._consumer.get_watermark_offsets(place, timeout=left),
                self._timeout,
                given_up=lambda: self._abandoned,
            )
        except KafkaException as error:
            raise self._error(topic, error.args[0]) from None
        if bounds is None:
            raise self._silent(topic)
        return bounds

    def _read(self, topic: str, partition: int, begin: int, end: int | None = None) -> Iterator[Message]:
        """Messages from `begin` to `end`, or to the end of the log."""
        self._consumer.assign([TopicPartition(topic, partition, begin)])
        try:
            deadline = time.monotonic() + self._timeout
            while end is None or begin < end:
                message = self._consumer.poll(POLL_SECONDS)
                if message is None:
                    if self._abandoned or time.monotonic() > deadline:
                        raise self._silent(topic)
                    continue
                deadline = time.monotonic() + self._timeout
                error = message.error()
                if error is None:
                    begin = (message.offset() or 0) + 1
                    yield message
                elif error.code() == END_OF_LOG:
                    return
                elif error.fatal():
                    raise self._error(topic, error)
        finally:
            self._consumer.unassign()

    def _silent(self, topic: str) -> BusError:
        return BusError(f"{self._url}: topic {topic}: no answer within {self._timeout:g} s")

    def _error(self, topic: str, error: KafkaError) -> BusError:
        return BusError(f"{self._url}: topic {topic}: {error.str()}")
