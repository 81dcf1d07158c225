"""Transactions that the brokers refuse: nothing of them is ever read, and their input is read again."""

import threading
import time
from collections.abc import Iterator
from random import randbytes
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition

from tests.kafka.removal import delete_topics
from topics.bus import Subscriber, create_topics
from topics.bus.producer import ConfirmedProducer
from topics.bus.transactions import Transactions
from topics.definitions import TopicDefinition
from topics.errors import BusError

SMALL = (("max.message.bytes", "1000"),)
PATIENCE = 60.0


@pytest.fixture
def topics(kafka_bootstrap: str, topic_prefix: str) -> Iterator[tuple[str, str, str]]:
    """The bus, a topic to read and one that takes small messages only."""
    url, given, made = f"kafka://{kafka_bootstrap}", topic_prefix + "given", topic_prefix + "made"
    definitions = [TopicDefinition(given, "", "", 1, 1), TopicDefinition(made, "", "", 1, 1, more=SMALL)]
    create_topics(url, definitions)
    yield url, given, made
    delete_topics(url, [given, made])


def received(subscriber: Subscriber[bytes], count: int, patience: float = PATIENCE) -> list[bytes]:
    found: list[bytes] = []
    end = time.monotonic() + patience
    while len(found) < count and time.monotonic() < end:
        found += [each.value for each in subscriber.receive(0.2)]
    return found


def test_what_was_refused_is_told_by_the_commit_and_a_later_one_counts(topics: tuple[str, str, str]) -> None:
    url, _, made = topics
    transactions = Transactions(url, PATIENCE)
    transactions.send(made, b"before", 0)
    transactions.send(made, randbytes(10_000), 0)
    end = time.monotonic() + 2.0
    while time.monotonic() < end:  # it is refused meanwhile
        transactions.send(made, b"after", 0)
        time.sleep(0.05)
    assert not transactions.commit()
    end = time.monotonic() + PATIENCE
    transactions.send(made, b"again", 0)
    while not transactions.commit():  # what was under way of the first one may spoil the next one, too
        assert time.monotonic() < end, transactions.refusal
        transactions.send(made, b"again", 0)
    with Subscriber(url, made, decode=bytes, dead_letters=None) as subscriber:
        assert received(subscriber, 1) == [b"again"]
        assert not subscriber.receive(0.2)


class Forgetful(Producer):
    """Never comes back from sending offsets, the first time, as librdkafka may when a coordinator goes away."""

    calls = 0

    def send_offsets_to_transaction(self, *arguments: Any) -> None:
        Forgetful.calls += 1
        if Forgetful.calls == 1:
            threading.Event().wait()
        super().send_offsets_to_transaction(*arguments)


def test_offsets_that_are_never_sent_are_a_refusal(
    topics: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, given, made = topics
    monkeypatch.setattr("topics.bus.transactions.Producer", Forgetful)
    monkeypatch.setattr("topics.bus.transactions.STUCK_SECONDS", 0.5)
    transactions = Transactions(url, PATIENCE)
    with Subscriber(url, given, given, decode=bytes, dead_letters=None) as member:
        assert not received(member, 1, patience=1.0)
        places = [TopicPartition(given, 0, 0)]
        transactions.send(made, b"stuck", 0)
        assert not transactions.commit(places, member.standing())
        assert transactions.refusal == "the coordinator of the group did not answer"
        transactions.send(made, b"again", 0)
        assert transactions.commit(places, member.standing())
    with Subscriber(url, made, decode=bytes, dead_letters=None) as subscriber:
        assert received(subscriber, 1) == [b"again"]


def test_one_of_another_name_goes_on_and_the_elder_is_told(topics: tuple[str, str, str]) -> None:
    url, _, made = topics
    elder = Transactions(url, PATIENCE, made)
    elder.send(made, b"elder", 0)
    younger = Transactions(url, PATIENCE, made)
    younger.send(made, b"younger", 0)
    assert younger.commit()
    with pytest.raises(BusError):
        elder.commit()
    with Subscriber(url, made, decode=bytes, dead_letters=None) as subscriber:
        assert received(subscriber, 1) == [b"younger"]


@pytest.mark.parametrize("committed", [0, 2])
def test_a_member_goes_back_to_what_its_group_has_committed(topics: tuple[str, str, str], committed: int) -> None:
    url, given, _ = topics
    producer = ConfirmedProducer(url, PATIENCE)
    for number in range(5):
        producer.send(given, str(number).encode(), 0)
    producer.flush()
    with Subscriber(url, given, given, decode=bytes, dead_letters=None) as subscriber:
        assert received(subscriber, 5) == [b"0", b"1", b"2", b"3", b"4"]
        if committed:
            assert subscriber.commit({0: committed})
        subscriber.rewind()
        assert received(subscriber, 5 - committed) == [b"0", b"1", b"2", b"3", b"4"][committed:]
