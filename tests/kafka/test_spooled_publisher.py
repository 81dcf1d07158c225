"""The spool in front of a real Kafka: what happens when the brokers are away, for a while or for too long."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, TypeVar

import pytest

from deploy.kafka.jars import jar_directory, java_command
from deploy.kafka.node import KafkaNode
from probes.spool.publisher import SpooledPublisher
from tests.bench.codec import realistic_batch
from tests.waiting import wait_until
from topics.batch import FlowBatch
from topics.bus import Subscriber, create_topics
from topics.bus.client import CLIENT
from topics.definitions import TopicDefinition
from topics.errors import BusError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from topics.bus.subscriber import Received

Value = TypeVar("Value")
PARTITIONS = 2
DEADLINE = 60.0
MEGABYTE = 1024 * 1024


@pytest.fixture
def node(kafka_installed: None, tmp_path: Path) -> Iterator[KafkaNode]:
    """A broker that the test may kill, with one topic."""
    with KafkaNode(tmp_path / "kafka") as node:
        create_topics(url(node), [TopicDefinition("flows", "key", "batch", 24, partitions=PARTITIONS)])
        yield node


def url(node: KafkaNode) -> str:
    return f"kafka://{node.bootstrap}"


def published(node: KafkaNode) -> dict[int, list[FlowBatch]]:
    """Every batch of the topic, by partition."""
    found: dict[int, list[FlowBatch]] = {number: [] for number in range(PARTITIONS)}
    subscriber: Subscriber[FlowBatch] = Subscriber(url(node), "flows", dead_letters=None)
    with subscriber:
        for each in to_the_end(subscriber):
            found[each.partition].append(each.value)
    return found


def to_the_end(subscriber: Subscriber[Value]) -> Iterator[Received[Value]]:
    """Everything there is: a turn without messages is no end, it may be the end of one partition only."""
    while subscriber.unread:
        yield from subscriber.receive(DEADLINE)


def sequences(batches: list[FlowBatch]) -> list[int]:
    """Sequence numbers in order of arrival, replays left out."""
    return list(dict.fromkeys(batch.sequence for batch in batches))


def batches(count: int) -> Iterator[FlowBatch]:
    batch = realistic_batch(1500).replace(boot_id=7)
    return (batch for _ in range(count))


def test_what_was_spooled_while_the_broker_was_away_arrives_in_order_after_a_restart(
    node: KafkaNode, tmp_path: Path
) -> None:
    with SpooledPublisher(url(node), "flows", tmp_path / "spool") as first:
        for batch in batches(2):
            first.publish(batch)
        wait_until(lambda: first.counts()["delivered_records"] == 3000, "delivery")
        node.kill()
        for batch in batches(10):
            first.publish(batch)
        wait_until(lambda: first.counts()["accepted_messages"] == first.messages, "everything on disk")
        assert first.close(patience=0.0) > 0
    with pytest.raises(BusError), SpooledPublisher(url(node), "flows", tmp_path / "other", connect=0.3):
        pass
    second = SpooledPublisher(url(node), "flows", tmp_path / "spool", connect=0.3)
    assert second.counts()["spooled_messages"] > 0
    with pytest.raises(OutputError, match="another probe spools there"):
        SpooledPublisher(url(node), "flows", tmp_path / "spool")
    second.publish(FlowBatch(boot_id=8, watermark=1))
    node.start()
    wait_until(lambda: second.counts()["spooled_messages"] == 0, "delivery of all that waited")
    assert second.close() == 0

    for found in published(node).values():
        old = [batch for batch in found if batch.boot_id == 7]
        assert sequences(old) == list(range(len(sequences(old))))
        assert found[-1].boot_id == 8, "the new run comes behind what the old one left"
    counts = first.counts()
    records = {
        (number, batch.boot_id, batch.sequence): len(batch)
        for number, found in published(node).items()
        for batch in found
    }
    assert sum(records.values()) == 12 * 1500 == counts["offered_records"]
    assert [name for name, count in second.counts().items() if "dropped" in name and count] == []
    assert [path.name for path in (tmp_path / "spool").iterdir() if "segment" in path.name] == []


def test_a_broker_away_for_longer_than_the_spool_lasts_costs_what_is_counted(node: KafkaNode, tmp_path: Path) -> None:
    publisher = SpooledPublisher(url(node), "flows", tmp_path / "spool", limit=4 * MEGABYTE)
    for batch in batches(1):
        publisher.publish(batch)
    wait_until(lambda: publisher.counts()["delivered_records"] == 1500, "delivery")
    node.kill()
    longest = 0.0
    for batch in batches(60):
        begun = time.monotonic()
        publisher.publish(batch)
        longest = max(longest, time.monotonic() - begun)
        wait_until(lambda: publisher.counts()["spooled_bytes"] <= 4 * MEGABYTE, "the limit")
    wait_until(lambda: publisher.counts()["dropped_full_records"] > 0, "losses")
    publisher.post("flows", b"an event", 0)
    node.start()
    wait_until(lambda: publisher.counts()["spooled_messages"] == 0, "delivery of what is left")
    assert publisher.close() == 0
    counts = publisher.counts()
    with Subscriber(url(node), "flows", dead_letters=None, decode=bytes) as raw:
        values = [each.value for each in to_the_end(raw)]
    assert b"an event" in values, "events are kept when status batches are given up"
    found = [batch for batch in everything(node) if len(batch)]
    assert sum(map(len, found)) == counts["offered_records"] - counts["dropped_full_records"]
    assert counts["delivered_records"] == counts["offered_records"] - counts["dropped_full_records"]
    packets = sum(int(batch.records["src_packets"].sum() + batch.records["dst_packets"].sum()) for batch in found)
    one = realistic_batch(1500).records
    offered = 61 * int(one["src_packets"].sum() + one["dst_packets"].sum())
    assert packets == offered - counts["dropped_full_packets"]


def everything(node: KafkaNode) -> list[FlowBatch]:
    """Every batch once: by partition, run and sequence."""
    return list(
        {
            (number, batch.boot_id, batch.sequence): batch
            for number, found in published(node).items()
            for batch in found
        }.values()
    )


def test_what_the_brokers_refuse_for_now_is_kept(node: KafkaNode, tmp_path: Path) -> None:
    with SpooledPublisher(url(node), "flows", tmp_path / "spool") as publisher:
        publisher.post("flows", b"x" * 3 * MEGABYTE, 0)
        publisher.publish(FlowBatch(watermark=1))
        wait_until(lambda: publisher.counts()["delivered_messages"] == PARTITIONS, "delivery past what is too large")
        assert publisher.counts()["dropped_refused_messages"] == 1


def test_what_a_quota_throttles_waits_in_the_spool_and_is_not_lost(node: KafkaNode, tmp_path: Path) -> None:
    rate, count = 200_000, 12
    limit(node, rate)
    begun = time.monotonic()
    with SpooledPublisher(url(node), "flows", tmp_path / "spool") as publisher:
        for batch in batches(count):
            publisher.publish(batch)
        wait_until(lambda: publisher.counts()["accepted_messages"] > 0, "batches that wait on the disk")
        wait_until(lambda: publisher.counts()["delivered_records"] == count * 1500, "delivery in the end")
        took = time.monotonic() - begun
    with Subscriber(url(node), "flows", dead_letters=None, decode=len) as raw:
        sizes = [each.value for each in to_the_end(raw)]
    assert took > 2.0, f"{sum(sizes)} bytes, not compressed, at {rate} a second"
    assert sum(map(len, everything(node))) == count * 1500
    assert [name for name, lost in publisher.counts().items() if "dropped" in name and lost] == []


def limit(node: KafkaNode, rate: int) -> None:
    """Let our clients produce so many bytes a second, by Kafka's own tool."""
    said = ["--entity-type", "clients", "--entity-name", CLIENT, "--add-config", f"producer_byte_rate={rate}"]
    tool = [java_command(), "-cp", f"{jar_directory()}/*", "kafka.admin.ConfigCommand"]
    subprocess.run(
        [*tool, "--bootstrap-server", node.bootstrap, "--alter", *said], check=True, capture_output=True, timeout=60
    )
