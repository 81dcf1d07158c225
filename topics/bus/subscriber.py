"""Subscribing: batches from Kafka, in order within each partition; what cannot be read goes to the dead letters."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from topics.bus.administration import CONNECT_SECONDS, partition_count, refused
from topics.bus.client import client_settings
from topics.bus.consumption import Consumption
from topics.bus.messages import decode_message
from topics.bus.producer import ConfirmedProducer
from topics.bus.publisher import BROKER_SECONDS
from topics.bus.rights import UNATTACHED_GROUP
from topics.bus.schemas import AnnouncedSchemas
from topics.bus.snapshot import END_OF_LOG
from topics.bus.transient import REBALANCING, passes, patiently
from topics.dead_letters import dead_letter
from topics.definitions import DEAD_LETTERS
from topics.errors import BusError, DecodeError

if TYPE_CHECKING:
    from types import TracebackType

    from confluent_kafka import Message

MOST_MESSAGES = 64
MOST_RECEIVED = 8 * 1024 * 1024  # bytes of messages at a time, as far as the first one tells how large they are
PREFETCH_KILOBYTES = 32 * 1024
SESSION_MILLISECONDS = 10_000
ASK_SECONDS = 1.0
AGAIN_SECONDS = 3.0  # between two questions whether brokers that were away are back: nothing may come on a quiet topic

Partitions = Callable[[list[int]], None]


Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Received(Generic[Value]):
    """One message: where it was, what `decode` made of it (a FlowBatch), and its headers."""

    partition: int
    offset: int
    value: Value
    headers: dict[str, bytes]


class Subscriber(Generic[Value]):
    """Reads a topic as a member of a consumer group; without a group, all partitions, from the start or the end.

    With `since` it is from what was published at that time on (seconds since the epoch), with `offsets` from those, by
    partition. Offsets are the caller's:
    `commit` says from where on a later member would have to read. `assigned` and `revoked` are called with partition
    numbers from within `receive`. Messages that `decode` refuses with DecodeError are sent to the dead letters (None:
    to nobody), counted in `undecodable` and left out. Raises BusError when no broker answers within `connect` seconds,
    the topic does not exist, or the brokers stay away for `patience` seconds. Without a group, `behind` are the
    partitions whose end was not reached yet, `unread` those whose end was not reached since their last message.
    `reached` is by partition the offset behind what came last.
    """

    def __init__(
        self,
        url: str,
        topic: str,
        group: str | None = None,
        *,
        decode: Callable[[bytes], Value] = decode_message,  # type: ignore[assignment]  # Value: FlowBatch
        from_beginning: bool = True,
        since: float | None = None,
        offsets: dict[int, int] | None = None,
        dead_letters: str | None = DEAD_LETTERS.name,
        assigned: Partitions | None = None,
        revoked: Partitions | None = None,
        connect: float = CONNECT_SECONDS,
        patience: float = BROKER_SECONDS,
    ) -> None:
        self.url, self.topic = url, topic
        self.undecodable = 0
        self._schemas = AnnouncedSchemas(url, patience)
        self._decode = self._schemas.reading(decode)
        self._dead_letters = dead_letters
        self._patience = patience
        self._away_since: float | None = None
        self._asked = 0.0
        self._producer: ConfirmedProducer | None = None
        self._paused = False
        self._told = Consumption(topic, group or "")
        partitions = partition_count(url, topic, connect)
        self._consumer: Consumer = Consumer(
            client_settings(url)
            | {
                "group.id": group or UNATTACHED_GROUP,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                "queued.max.messages.kbytes": PREFETCH_KILOBYTES,
                "fetch.queue.backoff.ms": 20,  # the default, a whole second, is the pause whenever the queue was full
                "session.timeout.ms": SESSION_MILLISECONDS,
                "enable.partition.eof": group is None,
                "error_cb": self._error,
            }
        )
        self.reached: dict[int, int] = {}
        self._firsts: dict[int, int] = {}
        self.behind = set(range(partitions if group is None else 0))
        self.unread = set(self.behind)
        if group is None:
            start = OFFSET_BEGINNING if from_beginning else OFFSET_END
            begun = offsets or {}
            places = [TopicPartition(topic, number, begun.get(number, start)) for number in range(partitions)]
            self._consumer.assign(places if since is None else self._published_since(since, places))
            self._told.assigned(range(partitions))
        else:
            self._consumer.subscribe(
                [topic], on_assign=_numbers(self._told.assigned, assigned), on_revoke=_numbers(self._revoked, revoked)
            )

    def receive(self, timeout: float = 1.0) -> list[Received[Value]]:
        """Return the next messages, none when nothing came within `timeout` seconds."""
        if self._paused:
            self._consumer.pause(self._consumer.assignment())  # again: others may have been given to us
        self._told.turned()
        first = self._consumer.poll(timeout)
        # With a time to wait, consume() would use it up unless so many messages come.
        messages = [first, *self._consumer.consume(_more(first), 0)] if first is not None else []
        self._watch_brokers(came=bool(messages))
        received = [received for message in messages if (received := self._read(message)) is not None]
        if self._told.is_due():
            self._told.behind(self.lag())
        return received

    def pause(self, paused: bool = True) -> None:  # noqa: FBT001, FBT002 - the state itself
        """Take no more messages of any partition, or go on; `receive` has to be called all the same."""
        if self._paused and not paused:
            self._consumer.resume(self._consumer.assignment())
        if self._paused != paused:
            self._told.paused(paused)
        self._paused = paused

    def commit(self, offsets: dict[int, int]) -> bool:
        """Say that everything before these offsets (by partition) is done with; raises BusError.

        False when the group is just sharing out its partitions anew: whoever has them then reads from the last commit.
        """
        self._flush_dead_letters()
        places = [TopicPartition(self.topic, partition, offset) for partition, offset in offsets.items()]
        if not places:
            return True
        try:
            patiently(lambda _: self._consumer.commit(offsets=places, asynchronous=False), self._patience)
        except KafkaException as error:
            if error.args[0].code() in REBALANCING:
                return False
            raise BusError(f"{self.url}: topic {self.topic}: offsets not committed ({error.args[0].str()})") from None
        return True

    def standing(self) -> Any:  # noqa: ANN401 - an opaque object of librdkafka
        """Return what proves to a transaction that this is a member of its group; dead letters are out then."""
        self._flush_dead_letters()
        return self._consumer.consumer_group_metadata()

    def note(self, partition: int) -> str:
        """Return the text that was committed beside the offset of a partition; raises BusError."""
        place = TopicPartition(self.topic, partition)
        try:
            found = patiently(lambda left: self._consumer.committed([place], timeout=left), self._patience)
        except KafkaException as error:
            raise BusError(f"{self.url}: topic {self.topic}: {refused(error.args[0])}") from None
        return next((each.metadata or "" for each in found), "")

    def rewind(self) -> None:
        """Go back to what the group has committed, as a new member would begin; raises BusError."""
        places = self._consumer.assignment()
        try:
            committed = patiently(lambda left: self._consumer.committed(places, timeout=left), self._patience)
        except KafkaException as error:
            raise BusError(f"{self.url}: topic {self.topic}: {refused(error.args[0])}") from None
        for place in committed:
            place.offset = place.offset if place.offset >= 0 else OFFSET_BEGINNING
            with suppress(KafkaException):  # taken from us just now, or nothing of it was asked for yet
                self._consumer.seek(place)
        self.reached.clear()

    def _published_since(self, since: float, places: list[TopicPartition]) -> list[TopicPartition]:
        """Return where each partition has its first message that is not older; its end where there is none."""
        times = [TopicPartition(self.topic, place.partition, max(0, int(since * 1000))) for place in places]
        try:
            ends = [self._end(place) for place in places]
            found = patiently(lambda left: self._consumer.offsets_for_times(times, timeout=left), self._patience)
        except KafkaException as error:
            raise BusError(f"{self.url}: topic {self.topic}: {refused(error.args[0])}") from None
        for place, end in zip(found, ends, strict=True):
            place.offset = end if place.offset < 0 else place.offset
        return found

    def _end(self, place: TopicPartition) -> int:
        _, end = patiently(lambda left: self._consumer.get_watermark_offsets(place, timeout=left), self._patience)
        return end

    def lag(self) -> dict[int, int]:
        """Return by partition how many messages are not received yet, as far as the last fetch has told."""
        lag = {}
        for place in self._consumer.position(self._consumer.assignment()):
            with suppress(KafkaException):  # nothing is known of the partition yet
                _, end = self._consumer.get_watermark_offsets(place, cached=True)
                first = place.offset if place.offset >= 0 else self._first(place)
                if first >= 0 <= end:
                    lag[place.partition] = max(0, end - first)
        return lag

    def _first(self, place: TopicPartition) -> int:
        """Return where a partition begins of which nothing came yet: asked once, negative when unknown."""
        found = self._firsts.get(place.partition)
        if found is None:
            (committed,) = self._consumer.committed([TopicPartition(place.topic, place.partition)], timeout=ASK_SECONDS)
            low, _ = self._consumer.get_watermark_offsets(place, timeout=ASK_SECONDS)
            found = self._firsts[place.partition] = max(committed.offset, low)
        return found

    def close(self) -> None:
        """Leave the group; raises BusError when dead letters were not delivered."""
        self._leave()
        self._flush_dead_letters()

    def _read(self, message: Message[Any, Any]) -> Received[Value] | None:
        error = message.error()
        if error is not None:
            if error.code() == END_OF_LOG:
                self.behind.discard(message.partition() or 0)
                self.unread.discard(message.partition() or 0)
                self.reached[message.partition() or 0] = message.offset() or 0
                return None
            if passes(error):
                return None
            raise BusError(f"{self.url}: topic {self.topic}: {refused(error)}")
        value, partition, offset = message.value() or b"", message.partition() or 0, message.offset() or 0
        self._told.came(partition, len(value), message.timestamp()[1] / 1000)
        headers = _headers(message)
        self.reached[partition] = offset + 1
        if self._is_last(message):
            self.unread.discard(partition)  # brokers would tell half a second later, when nothing more came
        else:
            self.unread.add(partition)
        try:
            return Received(partition, offset, self._decode(value), headers)
        except DecodeError as reason:
            self._refuse(partition, offset, value, str(reason))
            return None

    def _is_last(self, message: Message[Any, Any]) -> bool:
        """Tell whether nothing was behind a message when it was fetched."""
        place = TopicPartition(self.topic, message.partition() or 0)
        _, end = self._consumer.get_watermark_offsets(place, cached=True)
        return (message.offset() or 0) + 1 >= end > 0

    def _refuse(self, partition: int, offset: int, value: bytes, reason: str) -> None:
        self.undecodable += 1
        self._told.refused(partition, offset, reason)
        if self._dead_letters is None:
            return
        if self._producer is None:
            self._producer = ConfirmedProducer(self.url, self._patience)
        self._producer.send(self._dead_letters, dead_letter(self.topic, partition, offset, value, reason))

    def _flush_dead_letters(self) -> None:
        if self._producer is not None:
            self._producer.flush()

    def _error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN and self._away_since is None:  # noqa: SLF001 - its public name
            self._away_since = self._asked = time.monotonic()
            self._told.away("none answers")

    def _revoked(self, _partitions: list[int]) -> None:
        self._firsts.clear()
        self._told.revoked()

    def _watch_brokers(self, *, came: bool) -> None:
        if came and self._away_since is not None:
            self._back()
        now = time.monotonic()
        if self._away_since is None or now - self._asked < AGAIN_SECONDS:
            return
        try:
            self._consumer.list_topics(self.topic, timeout=ASK_SECONDS)
        except KafkaException:
            self._asked = time.monotonic()
            if now - self._away_since >= self._patience:
                raise BusError(f"{self.url}: the brokers have been away for {self._patience:g} s") from None
        else:
            self._back()

    def _back(self) -> None:
        self._away_since = None
        self._told.away("")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._leave()

    def _leave(self) -> None:
        self._consumer.close()
        self._told.left()
        self._schemas.close()


def _more(first: Message[Any, Any]) -> int:
    return max(1, min(MOST_MESSAGES - 1, MOST_RECEIVED // max(1, len(first.value() or b""))))


def _headers(message: Message[Any, Any]) -> dict[str, bytes]:
    pairs = cast("list[tuple[str, bytes | None]]", message.headers() or [])
    return {name: word or b"" for name, word in pairs}


def _numbers(note: Partitions, called: Partitions | None) -> Callable[[Consumer, list[TopicPartition]], None]:
    def call(_consumer: Consumer, places: list[TopicPartition]) -> None:
        numbers = [place.partition for place in places]
        note(numbers)
        if called is not None:
            called(numbers)

    return call
