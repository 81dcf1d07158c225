"""`argosy topics` on a real Kafka, with topics of the test's own in place of the real ones."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from confluent_kafka import Producer

from clients import topics as command
from tests.kafka.removal import delete_topics
from topics.batch import FlowBatch, Observer, records_like
from topics.bus import Publisher, partition_count
from topics.bus.subscriber import Received
from topics.dead_letters import dead_letter
from topics.definitions import DEAD_LETTERS, FLOW_STATUS, FLOWS, TOPICS, TopicDefinition
from topics.errors import BusError, UsageError
from topics.flags import Cause


@dataclass(frozen=True, slots=True)
class Own:
    """The command, and topics that it takes for the real ones."""

    url: str
    prefix: str
    capsys: pytest.CaptureFixture[str]

    def topic(self, topic: TopicDefinition) -> TopicDefinition:
        return replace(topic, name=topic.name.replace("argosy.", self.prefix))

    def name(self, topic: TopicDefinition) -> str:
        return self.topic(topic).name

    def run(self, *words: str) -> list[str]:
        """Run `argosy topics` with the given words and return what it prints."""
        self.capsys.readouterr()
        assert command.run(list(words)) == 0
        return self.capsys.readouterr().out.splitlines()


@pytest.fixture
def own(
    kafka_bootstrap: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Own]:
    own = Own(f"kafka://{kafka_bootstrap}", topic_prefix, capsys)
    for name, topics in (("TOPICS", TOPICS), ("TAILED", command.TAILED)):
        monkeypatch.setattr(command, name, tuple(map(own.topic, topics)))
    monkeypatch.setattr(command, "DEAD_LETTERS", own.topic(DEAD_LETTERS))
    monkeypatch.setenv("ARGOSY_BUS", own.url)
    yield own
    delete_topics(own.url, [own.name(topic) for topic in TOPICS])


def one_of_each() -> FlowBatch:
    observer = Observer("berlin", "edge-1", "eth0")
    records = records_like(2)
    records["observer"] = observer.id
    records["flow_id"][0] = range(16)
    records["cause"] = Cause.CLOSE, Cause.STATUS
    records["ethertype"] = 0x0800, 0x86DD
    records["protocol"] = 6, 17
    for name, addresses in (("src", ("10.0.0.1", "2001:db8::1")), ("dst", ("192.0.2.7", "2001:db8::2"))):
        for row, (address, family) in enumerate(zip(addresses, (socket.AF_INET, socket.AF_INET6), strict=True)):
            packed = socket.inet_pton(family, address)
            mapped = packed if len(packed) == 16 else bytes(10) + b"\xff\xff" + packed
            records[f"{name}_address"][row] = np.frombuffer(mapped, np.uint8)
    records["src_port"], records["dst_port"] = 50000, (443, 53)
    records["src_first"] = 1_700_000_000_123_456_789
    records["src_packets"] = 3, 1
    records["labels_length"] = 10, 0
    heap = np.frombuffer(b"country=DE", np.uint8)
    return FlowBatch(records=records, heap=heap, site="berlin", probe="edge-1", observers={observer.id: observer})


def test_create_makes_what_is_missing_and_list_shows_it(own: Own) -> None:
    assert all(line.split()[1:2] == ["absent"] for line in own.run("list")[1:])
    assert all(line.endswith(" created") for line in own.run("create", "--partitions", "2", "--replication", "1"))
    assert all(line.endswith(" exists") for line in own.run("create", "--partitions", "5"))
    assert {partition_count(own.url, own.name(topic)) for topic in TOPICS} == {2}
    listed = {line.split()[0]: line.split()[1:] for line in own.run("list")[1:]}
    assert listed[own.name(FLOWS)][:3] == ["2", "7", "d"]
    assert len(listed) == len(TOPICS)


def test_tail_prints_records_as_people_read_them(own: Own) -> None:
    own.run("create", "--partitions", "1")
    with Publisher(own.url, own.name(FLOWS)) as publisher:
        publisher.publish(one_of_each())
    lines = own.run("tail", own.name(FLOWS), "--from-beginning", "-n", "2")
    first, second = map(json.loads, lines)
    assert (first["src_address"], first["dst_address"]) == ("10.0.0.1", "192.0.2.7")
    assert (second["src_address"], second["dst_address"]) == ("2001:db8::1", "2001:db8::2")
    assert (first["cause"], second["cause"]) == ("close", "status")
    assert first["src_first"] == "2023-11-14T22:13:20.123456789Z"
    assert first["dst_first"] is None
    assert (first["site"], first["probe"], first["interface"]) == ("berlin", "edge-1", "eth0")
    assert (first["dst_port"], first["src_packets"], first["labels"]) == (443, 3, "country=DE")
    assert first["flow_id"] == bytes(range(16)).hex()


def test_tail_stops_in_the_middle_of_a_message(own: Own) -> None:
    own.run("create", "--partitions", "1")
    with Publisher(own.url, own.name(FLOW_STATUS)) as publisher:
        publisher.publish(one_of_each())
        publisher.publish(one_of_each())
    assert len(own.run("tail", own.name(FLOW_STATUS), "--from-beginning", "-n", "3")) == 3


def test_tail_leaves_out_what_it_cannot_read_and_goes_on(own: Own) -> None:
    own.run("create", "--partitions", "1")
    raw = Producer({"bootstrap.servers": own.url.removeprefix("kafka://")})
    raw.produce(own.name(FLOWS), b"junk", partition=0)
    raw.flush()
    with Publisher(own.url, own.name(FLOWS)) as publisher:
        publisher.publish(one_of_each())
    assert len(own.run("tail", own.name(FLOWS), "--from-beginning", "-n", "2")) == 2
    assert own.run("tail", own.name(DEAD_LETTERS), "--from-beginning", "--until-idle", "1") == []


def test_tail_is_not_idle_where_a_turn_brings_nothing() -> None:
    turns: list[list[Received[FlowBatch]]] = [[], [Received(0, 0, one_of_each(), {})], [], []]
    now = iter([0.0, 0.0, 0.9, 1.8, 1.8, 2.7, 2.9])
    assert len(list(command.until_idle(lambda _: turns.pop(0), 1, lambda: next(now)))) == 1
    assert turns == [], "0.9 s after the first turn, and 1.1 s after the message"


def test_tail_shows_dead_letters(own: Own) -> None:
    own.run("create")
    raw = Producer({"bootstrap.servers": own.url.removeprefix("kafka://")})
    raw.produce(own.name(DEAD_LETTERS), dead_letter("some.topic", 3, 14, b"\x01\xff", "cut at byte 9"), partition=0)
    raw.flush()
    (line,) = own.run("tail", own.name(DEAD_LETTERS), "--from-beginning", "-n", "1")
    assert json.loads(line) == {
        "topic": "some.topic",
        "partition": 3,
        "offset": 14,
        "reason": "cut at byte 9",
        "value": "01ff",
    }


def test_a_topic_that_was_not_made_is_an_error_that_says_how(own: Own) -> None:
    with pytest.raises(BusError, match="does not exist; `argosy topics create` makes it"):
        own.run("tail", own.name(FLOWS))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "say create, list, tail TOPIC or acl ROLE"),
        (["crate"], "'crate'.*create"),
        (["tail"], "takes one topic"),
        (["list", "now"], "unknown word 'now'"),
        (["tail", "argosy.flow.v1"], "argosy.flow.v1.*argosy.flows.v1"),
        (["create", "--partitions", "0"], "--partitions"),
        (["create", "--bus", "localhost:9092"], "write kafka://HOST:PORT"),
    ],
)
def test_mistakes_are_named(words: list[str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_BUS", "kafka://127.0.0.1:9")
    with pytest.raises(UsageError, match=message):
        command.run(words)


def test_without_an_address_the_command_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARGOSY_BUS", raising=False)
    with pytest.raises(UsageError, match="--bus kafka://HOST:PORT, or ARGOSY_BUS"):
        command.run(["list"])


def test_without_a_broker_the_command_ends_with_one_line() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"kafka://127.0.0.1:{unused.getsockname()[1]}"
        command = [sys.executable, "-m", "clients.main", "topics", "list", "--bus", url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"argosy topics: {url}: no Kafka broker answered within 10 s")
