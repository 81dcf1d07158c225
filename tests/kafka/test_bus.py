"""Publisher and Subscriber on a real Kafka."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Producer, TopicCollection
from confluent_kafka.admin._config import ConfigResource

from deploy.kafka.node import KafkaNode
from tests.bench.codec import realistic_batch
from tests.kafka.removal import delete_topics
from topics.batch import END_OF_RUN, FlowBatch, concatenate
from topics.bus import Publisher, Received, Subscriber, create_topics, decode_message, encode_message, partition_count
from topics.bus import producer as producer_module
from topics.bus.administration import admin_client
from topics.dead_letters import DeadLetter, read_dead_letter
from topics.definitions import MESSAGE_BYTES, TopicDefinition
from topics.errors import BusError
from topics.partitions import flow_hash

Partitions = Callable[[list[int]], None]

PARTITIONS = 3
DEADLINE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Bus:
    """The topics of one test."""

    url: str
    prefix: str

    @property
    def topic(self) -> str:
        return self.prefix + "flows"

    @property
    def letters(self) -> str:
        return self.prefix + "letters"

    @property
    def definitions(self) -> list[TopicDefinition]:
        return [
            TopicDefinition(self.topic, "key", "batch", 24, partitions=PARTITIONS),
            TopicDefinition(self.letters, "source", "letter", 48, partitions=1),
        ]

    def publisher(self, patience: float = 60.0) -> Publisher:
        return Publisher(self.url, self.topic, patience=patience)

    def subscriber(
        self,
        group: str | None = None,
        *,
        letters: str | None = None,
        patience: float = 60.0,
        assigned: Partitions | None = None,
        revoked: Partitions | None = None,
        from_beginning: bool = True,
    ) -> Subscriber[FlowBatch]:
        return Subscriber(
            self.url,
            self.topic,
            group and self.prefix + group,
            dead_letters=letters or self.letters,
            patience=patience,
            assigned=assigned,
            revoked=revoked,
            from_beginning=from_beginning,
        )


@pytest.fixture
def bus(kafka_bootstrap: str, topic_prefix: str) -> Iterator[Bus]:
    bus = Bus(f"kafka://{kafka_bootstrap}", topic_prefix)
    create_topics(bus.url, bus.definitions)
    yield bus
    delete_topics(bus.url, [bus.topic, bus.letters])


@pytest.fixture
def node(kafka_installed: None, tmp_path: Path) -> Iterator[KafkaNode]:
    """A broker that the test may kill."""
    with KafkaNode(tmp_path / "kafka") as node:
        yield node


def receive(subscriber: Subscriber[FlowBatch], records: int, messages: int = 0) -> list[Received[FlowBatch]]:
    """Receive until there are so many records and messages."""
    found: list[Received[FlowBatch]] = []
    enough = lambda: sum(len(each.value) for each in found) >= records and len(found) >= messages  # noqa: E731
    receive_until(enough, subscriber, found)
    return found


def receive_until(
    condition: Callable[[], bool], subscriber: Subscriber[Any], found: list[Received[Any]] | None = None
) -> None:
    """Receive until the condition holds, adding what came to `found`."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        came = subscriber.receive(0.2)
        if found is not None:
            found += came
        assert time.monotonic() < deadline, f"nothing more within {DEADLINE_SECONDS:g} s"


def publish_for_ever(publisher: Publisher, batch: FlowBatch) -> None:
    while True:
        publisher.publish(batch)


def test_topics_are_made_once_as_defined(bus: Bus) -> None:
    assert create_topics(bus.url, bus.definitions) == []
    assert partition_count(bus.url, bus.topic) == PARTITIONS
    settings = topic_settings(bus.url, bus.topic)
    assert (settings["cleanup.policy"], settings["retention.ms"]) == ("delete", "86400000")
    assert int(settings["max.message.bytes"] or 0) > MESSAGE_BYTES


def test_a_compacted_topic_keeps_the_latest(bus: Bus) -> None:
    name = bus.prefix + "compacted"
    create_topics(bus.url, [TopicDefinition(name, "key", "batch", 1, partitions=1, compacted=True)])
    assert topic_settings(bus.url, name)["cleanup.policy"] == "compact"


def topic_settings(url: str, topic: str) -> dict[str, str | None]:
    client = admin_client(url)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    found = client.describe_configs([resource])[resource].result()
    return {name: entry.value for name, entry in found.items()}


def test_a_number_of_partitions_given_goes_before_the_defined_one(bus: Bus) -> None:
    name = bus.prefix + "more"
    assert create_topics(bus.url, [TopicDefinition(name, "key", "batch", 1)], partitions=5) == [name]
    assert partition_count(bus.url, name) == 5
    client = admin_client(bus.url)
    described = client.describe_topics(TopicCollection([name]))[name].result()
    assert {len(partition.replicas) for partition in described.partitions} == {1}


def test_more_replicas_than_brokers_are_refused_by_name(bus: Bus) -> None:
    with pytest.raises(BusError, match=f"topic {bus.prefix}wide: ") as refused:
        create_topics(bus.url, [TopicDefinition(bus.prefix + "wide", "key", "batch", 1)], replication=99)
    assert len(str(refused.value).splitlines()) == 1


def test_records_come_back_in_order_from_the_partition_of_their_flow(bus: Bus) -> None:
    batch = realistic_batch(20_000)
    with bus.publisher() as publisher, bus.subscriber() as subscriber:
        for start in range(0, 20_000, 10_000):  # too much for one message a partition
            publisher.publish(batch.select(slice(start, start + 10_000)))
        publisher.close()
        found = receive(subscriber, 20_000)
    assert publisher.records == 20_000
    assert publisher.messages == len(found) > 2 * PARTITIONS
    partitions = flow_hash(batch.records) % np.uint64(PARTITIONS)
    for number in range(PARTITIONS):
        batches = [each.value for each in found if each.partition == number]
        expected = batch.records[partitions == number]
        assert (concatenate(batches).records == expected).all()
        assert [each.sequence for each in batches] == list(range(len(batches)))
        assert {each.partition for each in batches} == {number}
        assert batches[0].observers == batch.observers


def test_no_message_is_larger_than_agreed(bus: Bus) -> None:
    batch = realistic_batch(20_000)
    raw = Subscriber(bus.url, bus.topic, decode=bytes, dead_letters=None)
    with bus.publisher() as publisher:
        publisher.publish(batch)
    with raw:
        came: list[Received[bytes]] = []
        receive_until(lambda: len(came) == publisher.messages, raw, came)
    found = [each.value for each in came]
    assert max(map(len, found)) <= MESSAGE_BYTES
    assert sum(len(decode_message(value)) for value in found) == 20_000
    assert publisher.messages <= PARTITIONS + sum(map(len, found)) // (MESSAGE_BYTES - 4096)


def test_an_empty_batch_reaches_every_partition(bus: Bus) -> None:
    with bus.publisher() as publisher, bus.subscriber() as subscriber:
        publisher.publish(FlowBatch(site="s", probe="p", watermark=5))
        publisher.publish(FlowBatch(site="s", probe="p", watermark=END_OF_RUN))
        publisher.close()
        found = receive(subscriber, 0, 2 * PARTITIONS)
    for number in range(PARTITIONS):
        own = [each.value for each in found if each.partition == number]
        assert [(each.watermark, each.sequence, each.partition) for each in own] == [
            (5, 0, number),
            (END_OF_RUN, 1, number),
        ]


def test_publishing_waits_while_the_queue_is_full(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer_module, "QUEUE_KILOBYTES", 1000)
    batch = realistic_batch(2000)
    with bus.publisher() as publisher:
        for _ in range(8):
            publisher.publish(batch)
    with bus.subscriber() as subscriber:
        assert sum(len(each.value) for each in receive(subscriber, 16_000)) == 16_000


def test_what_cannot_be_read_goes_to_the_dead_letters_and_reading_goes_on(bus: Bus) -> None:
    good = encode_message(realistic_batch(10))
    values = [b"no Avro at all", good[:-5], good, b"", b"\xc3\x01" + bytes(20)]
    raw = Producer({"bootstrap.servers": bus.url.removeprefix("kafka://")})
    for value in values:
        raw.produce(bus.topic, value, partition=1)
    raw.flush()
    with bus.subscriber("readers") as subscriber:
        found = receive(subscriber, 10)
        receive_until(lambda: subscriber.undecodable == 4, subscriber, found)
    assert [(each.partition, each.offset, len(each.value)) for each in found] == [(1, 2, 10)]
    assert subscriber.undecodable == 4
    with Subscriber(bus.url, bus.letters, decode=read_dead_letter, dead_letters=None) as reader:
        came: list[Received[DeadLetter]] = []
        receive_until(lambda: len(came) == 4, reader, came)
    letters = [each.value for each in came]
    assert [(letter.topic, letter.partition, letter.offset) for letter in letters] == [
        (bus.topic, 1, offset) for offset in (0, 1, 3, 4)
    ]
    assert [letter.value for letter in letters] == [values[n] for n in (0, 1, 3, 4)]
    assert "record 9: field " in letters[1].reason
    assert letters[3].reason == "schema with the unknown fingerprint 0000000000000000 at byte 2"


def test_dead_letters_that_cannot_be_delivered_stop_the_reader(bus: Bus) -> None:
    raw = Producer({"bootstrap.servers": bus.url.removeprefix("kafka://")})
    raw.produce(bus.topic, b"junk", partition=0)
    raw.flush()
    subscriber = bus.subscriber(letters=bus.prefix + "absent", patience=2.0)
    with pytest.raises(BusError, match=f"topic {bus.prefix}absent"):  # noqa: PT012 - whichever notices first
        receive_until(lambda: subscriber.undecodable == 1, subscriber)
        subscriber.close()


def test_a_group_goes_on_where_it_committed(bus: Bus) -> None:
    with bus.publisher() as publisher:
        for number in range(4):
            publisher.publish(FlowBatch(watermark=number))
    with bus.subscriber("g") as first:
        found = receive(first, 0, 4 * PARTITIONS)
        first.commit({0: 1, 1: 4})
        first.commit({})
    assert sorted((each.partition, each.offset) for each in found) == [(p, n) for p in range(3) for n in range(4)]
    with bus.subscriber("g") as second:
        found = receive(second, 0, 3 + 4)
    assert sorted((each.partition, each.offset) for each in found) == [
        *((0, n) for n in (1, 2, 3)),
        *((2, n) for n in range(4)),
    ]


def test_members_of_a_group_share_the_partitions_and_are_told(bus: Bus) -> None:
    given: list[list[int]] = []
    taken: list[list[int]] = []
    others: list[list[int]] = []
    with bus.subscriber("g", assigned=given.append, revoked=taken.append) as first:
        receive_until(lambda: bool(given), first)
        with bus.subscriber("g", assigned=others.append) as second:
            receive_until(lambda: bool(second.receive(0.1) or others) and len(given) > 1, first)
    assert sorted(given[0]) == [0, 1, 2]
    assert sorted(taken[0]) == [0, 1, 2]
    assert sorted(given[1] + others[0]) == [0, 1, 2]


def test_a_reader_of_the_end_sees_only_what_comes_later(bus: Bus) -> None:
    with bus.publisher() as publisher:
        publisher.publish(FlowBatch(watermark=1))
        publisher.close()
        with bus.subscriber(from_beginning=False) as subscriber:
            assert subscriber.receive(1.0) == []
            publisher.publish(FlowBatch(watermark=2))
            publisher.close()
            assert {each.value.watermark for each in receive(subscriber, 0, PARTITIONS)} == {2}


def test_a_topic_that_does_not_exist_is_named(bus: Bus) -> None:
    for make in (Publisher, Subscriber):
        with pytest.raises(BusError, match=f"topic {bus.prefix}absent does not exist; `argosy topics create` makes it"):
            make(bus.url, bus.prefix + "absent")


def test_no_broker_is_an_error_within_the_time_to_connect() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"kafka://127.0.0.1:{unused.getsockname()[1]}"
        for make in (Publisher, Subscriber):
            begun = time.monotonic()
            with pytest.raises(BusError, match=f"{url}: no Kafka broker answered within 0.5 s"):
                make(url, "any", connect=0.5)
            assert time.monotonic() - begun < 5


def test_a_broker_that_goes_away_is_an_error_in_bounded_time(node: KafkaNode) -> None:
    bus = Bus(f"kafka://{node.bootstrap}", "away.")
    create_topics(bus.url, bus.definitions)
    batch = realistic_batch(2000)
    publisher, subscriber = bus.publisher(patience=3.0), bus.subscriber("g", patience=3.0)
    publisher.publish(batch)
    publisher.close()
    receive(subscriber, 2000)
    node.kill()
    begun = time.monotonic()
    with pytest.raises(BusError, match=r"topic away\.flows: message not delivered"), publisher:
        publish_for_ever(publisher, batch)
    with pytest.raises(BusError, match="brokers have been away for 3 s"):
        receive(subscriber, 1)
    with pytest.raises(BusError, match="offsets not committed"):
        subscriber.commit({0: 1})
    subscriber.close()
    assert time.monotonic() - begun < DEADLINE_SECONDS


def test_the_end_of_a_partition_is_known_with_its_last_message(bus: Bus) -> None:
    with bus.publisher() as publisher:
        publisher.publish(realistic_batch(300))
    with bus.subscriber() as subscriber:
        received: list[Received[FlowBatch]] = []
        unread: list[set[int]] = []
        deadline = time.monotonic() + DEADLINE_SECONDS
        while sum(len(each.value) for each in received) < 300 and time.monotonic() < deadline:
            came = subscriber.receive(1.0)
            received += came
            unread += [subscriber.unread & {each.partition for each in came}] if came else []
        assert sum(len(each.value) for each in received) == 300
        assert unread[-1] == set()
