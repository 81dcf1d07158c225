"""One message in a hundred is truncated, random, of another schema or far too large: the rest is untouched."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import pytest
from confluent_kafka import Producer

from tests.kafka.test_worker import expected, messages
from tests.kafka.workers import PARTITIONS, flows_by_key
from tests.topics.test_evolution import WRITERS
from tests.waiting import wait_until
from topics.bus import Subscriber, create_topics, encode_message
from topics.bus.producer import ConfirmedProducer
from topics.dead_letters import MOST_VALUE, dead_letter, read_dead_letter
from topics.definitions import MAX_MESSAGE_BYTES, TopicDefinition

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.kafka.workers import Bench
    from topics.batch import FlowBatch

Value = TypeVar("Value")

LARGEST = MAX_MESSAGE_BYTES - 512  # what a broker takes, less what it puts around it


def bad_messages(good: Sequence[FlowBatch], count: int, choice: random.Random) -> list[bytes]:
    """Messages that are none, of all four kinds."""
    makers = (
        lambda: encode_message(choice.choice(good))[: choice.randint(1, 40)],
        lambda: choice.randbytes(choice.randint(0, 3000)),
        lambda: dead_letter("elsewhere", 1, 2, b"value", "another schema"),
        lambda: encode_message(choice.choice(good))[:10] + choice.randbytes(LARGEST - 10),
    )
    return [makers[number % len(makers)]() for number in range(count)]


def publish_mixed(
    bench: Bench, topic: str, good: Sequence[FlowBatch], choice: random.Random
) -> list[tuple[int, bytes]]:
    """Put good and bad messages on a topic; return the bad ones with their partitions."""
    producer = Producer(
        {"bootstrap.servers": bench.bootstrap, "enable.idempotence": True, "message.max.bytes": MAX_MESSAGE_BYTES}
    )
    bad = bad_messages(good, max(8, len(good) // 100), choice)
    places = sorted(choice.sample(range(len(good)), len(bad)))
    sent = []
    for number, batch in enumerate(good):
        while places and places[0] == number:
            places.pop(0)
            sent.append((choice.randrange(PARTITIONS), bad.pop()))
            producer.produce(topic, sent[-1][1], partition=sent[-1][0])
        producer.produce(topic, encode_message(batch), partition=batch.partition)
        producer.poll(0)
    producer.flush()
    return sent


def letters(bench: Bench) -> Counter[tuple[str, int, bytes]]:
    found = [read_dead_letter(letter.value() or b"") for letter in bench.read(bench.dead_letters)]
    assert all(letter.reason for letter in found)
    return Counter((letter.topic, letter.partition, letter.value) for letter in found)


def test_status_records_among_bad_messages_make_the_flows_they_always_make(bench: Bench) -> None:
    sent = publish_mixed(bench, bench.input, messages(), random.Random(1))
    worker = bench.start()
    bench.wait_until_all_is_acknowledged()
    assert flows_by_key(bench.flows()) == expected()
    assert letters(bench) == Counter((bench.input, partition, value[:MOST_VALUE]) for partition, value in sent)
    assert worker.stop() == 0


def test_flows_among_bad_messages_are_all_kept(bench: Bench, tmp_path: Path) -> None:
    good = [batch for batch in messages() if len(batch)][:400]
    sent = publish_mixed(bench, bench.output, good, random.Random(2))
    command = [sys.executable, "-m", "clients.main", "sink", "sql", "--url", str(tmp_path / "kept.duckdb")]
    where = ["--bus", f"kafka://{bench.bootstrap}", "--topic", bench.output, "--dead-letters", bench.dead_letters]
    options = ["--group", bench.prefix + "sink", "--until-idle", "3"]
    done = subprocess.run([*command, *where, *options], capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    flows = len(flows_by_key(good))
    assert f"{flows} flows kept, {len(sent)} messages could not be read" in done.stderr
    assert letters(bench) == Counter((bench.output, partition, value[:MOST_VALUE]) for partition, value in sent)


def everything(url: str, topic: str, decode: Callable[[bytes], Value], refused: str | None) -> tuple[list[Value], int]:
    """All that a topic holds, and how many messages could not be read."""
    found: list[Value] = []
    with Subscriber(url, topic, decode=decode, dead_letters=refused) as reader:

        def is_at_the_end() -> bool:
            found.extend(each.value for each in reader.receive(0.2))
            return not reader.unread

        wait_until(is_at_the_end, "end of the topic")
    return found, reader.undecodable


@pytest.mark.parametrize("schema", ["control-batch", "dns-batch", "address-name", "event-record", "probe-status",
                                    "span-finding", "alert", "exporter-template"])  # fmt: skip
def test_every_other_topic_among_bad_messages_is_read_whole(kafka_bootstrap: str, tmp_path: Path, schema: str) -> None:
    url, choice = f"kafka://{kafka_bootstrap}", random.Random(schema)
    topic, refused = (f"test-bad-{tmp_path.name}.{kind}" for kind in ("messages", "letters"))
    create_topics(url, [TopicDefinition(name, "", "", 1, partitions=1) for name in (topic, refused)])
    good, decode = WRITERS[f"{schema}.v1"]
    bad = [
        good[: choice.randint(1, len(good) - 1)],
        choice.randbytes(300),
        dead_letter("elsewhere", 1, 2, b"value", "another schema"),
        good[:10] + b"\xff" * (LARGEST - 10),
    ]
    sent = [good] * (99 * len(bad))
    for value in bad:
        sent.insert(choice.randrange(len(sent)), value)
    producer = ConfirmedProducer(url, 30.0)
    for value in sent:
        producer.send(topic, value, 0)
    producer.flush()
    found, unread = everything(url, topic, decode, refused)
    assert (list(map(repr, found)), unread) == ([repr(decode(good))] * (99 * len(bad)), len(bad))
    came, _ = everything(url, refused, read_dead_letter, None)
    assert sorted(letter.value for letter in came) == sorted(value[:MOST_VALUE] for value in bad)
