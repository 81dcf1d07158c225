"""Schemas announced on a real Kafka: readers of today read what writers of tomorrow write, without a registry."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from probes.spool.publisher import SpooledPublisher
from tests.kafka.test_worker import expected, messages
from tests.kafka.workers import flows_by_key
from tests.topics.batches import comparable, plain, random_batch
from tests.topics.test_evolution import fingerprint_of, with_more, written
from topics import single_object
from topics.bus import Publisher, Subscriber, create_topics, decode_message
from topics.bus.schemas import AnnouncedSchemas
from topics.bus.snapshot import Snapshot
from topics.definitions import SCHEMAS
from topics.errors import DecodeError
from topics.schema import FLOW_BATCH, schema_json, schema_names

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tests.kafka.workers import Bench
    from topics.batch import FlowBatch


@pytest.fixture
def url(bench: Bench) -> str:
    """A bus with a topic for schemas, which all tests share; this process knows its own schemas alone."""
    url = f"kafka://{bench.bootstrap}"
    create_topics(url, [SCHEMAS])
    single_object._learned.clear()
    return url


def later(name: str) -> dict[str, Any]:
    """The flow batch of tomorrow; `name` makes it another one for each test."""
    schema: dict[str, Any] = with_more(copy.deepcopy(schema_json(FLOW_BATCH)))
    schema["fields"].append({"name": name, "type": "long", "default": 0})
    return schema


def rewritten(batch: FlowBatch, schema: dict[str, Any], name: str) -> bytes:
    value = plain(batch) | {name: 5, "later": 6, "note": "x"}
    value["records"] = [record | {"later": 7, "note": "y"} for record in value["records"]]
    value["observers"] = [observer | {"later": 8, "note": "z"} for observer in value["observers"]]
    return single_object.MARK + fingerprint_of(schema) + written(schema, value)


def announce(url: str, schema: dict[str, Any]) -> None:
    producer = Producer({"bootstrap.servers": url.removeprefix("kafka://")})
    producer.produce(SCHEMAS.name, json.dumps(schema), fingerprint_of(schema), partition=0)
    assert producer.flush(30) == 0


def test_a_subscriber_and_a_snapshot_read_what_is_written_with_an_announced_schema(bench: Bench, url: str) -> None:
    schema, batch = later("seen"), random_batch(3, 30)
    bench.publish_bytes(rewritten(batch, schema, "seen"), 0)
    announce(url, schema)
    subscriber: Subscriber[FlowBatch] = Subscriber(url, bench.input, dead_letters=None)
    with subscriber:
        received: list[Any] = []
        while not received:
            received = subscriber.receive(10)
    assert [comparable(each.value) for each in received] == [comparable(batch)]
    assert subscriber.undecodable == 0
    single_object._learned.clear()
    found = [value for _, _, value in Snapshot(url, bench.input, AnnouncedSchemas(url, 30).reading(lambda data: data))]
    assert len(found) == 1


def test_what_nobody_announced_stays_unreadable_until_somebody_does(url: str) -> None:
    schema, batch = later("late"), random_batch(4, 3)
    read = AnnouncedSchemas(url, 30).reading(decode_message)
    with pytest.raises(DecodeError, match="schema with the unknown fingerprint"):
        read(rewritten(batch, schema, "late"))
    announce(url, schema)
    assert comparable(read(rewritten(batch, schema, "late"))) == comparable(batch)


@pytest.mark.parametrize("spooled", [False, True])
def test_writers_announce_every_schema_before_they_write(bench: Bench, url: str, tmp_path: Path, spooled: bool) -> None:
    batch = messages()[0]
    before = len(announced(bench))
    if spooled:
        with SpooledPublisher(url, bench.input, tmp_path / "spool") as publisher:
            publisher.publish(batch)
    else:
        with Publisher(url, bench.input) as publisher:
            publisher.publish(batch)
    found = announced(bench)[before:]
    assert {key for key, _ in found} >= {single_object.header(name)[2:] for name in schema_names()}
    assert {text for _, text in found} >= {single_object.canonical(name) for name in schema_names()}


def announced(bench: Bench) -> list[tuple[bytes, str]]:
    url = f"kafka://{bench.bootstrap}"
    snapshot: Snapshot[bytes] = Snapshot(url, SCHEMAS.name, lambda value: value)
    texts = [value.decode() for _, _, value in snapshot]
    return [(fingerprint_of(json.loads(text)), text) for text in texts]


def test_a_worker_merges_status_records_of_tomorrow(bench: Bench, url: str) -> None:
    schema = later("merged")
    announce(url, schema)
    for number, batch in enumerate(messages()):
        if number % 20:
            bench.publish([batch])
        else:
            bench.publish_bytes(rewritten(batch, schema, "merged"), batch.partition)
    worker = bench.start()
    bench.wait_until_all_is_acknowledged()
    assert flows_by_key(bench.flows()) == expected()
    assert not list(bench.read(bench.dead_letters))
    assert worker.stop() == 0
