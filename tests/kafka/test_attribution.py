"""Events on a real Kafka tell a worker whose flows are: those published before it starts, and those that come later."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from probes.events.parsing.lsof import socket_row
from tests.kafka.workers import PARTITIONS, Bench
from tests.probes.observed import START, batch_of, block
from tests.traffic.packets import tcp_frame
from tests.waiting import wait_until
from topics.batch import END_OF_RUN, FlowBatch
from topics.bus import Publisher, create_topics
from topics.bus.producer import ConfirmedProducer
from topics.definitions import TopicDefinition
from topics.events import EventRecord, encode_event

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND = 1_000_000_000
HERE, THERE = "10.1.0.5", "192.0.2.9"


def sixteen(text: str) -> bytes:
    return bytes(10) + b"\xff\xff" + ip_address(text).packed


def snapshot(sequence: int, port: int, pid: int) -> bytes:
    at = START + (100 * sequence + 1) * SECOND
    ends = {"local": sixteen(HERE), "local_port": port, "remote": sixteen(THERE), "remote_port": 443}
    row = socket_row(protocol=6, pid=pid, process="curl", user="ann", state="ESTABLISHED", container="abc", **ends)
    body = {"sockets": [row], "destroyed": 0, "unknown": 0, "lost": 0}
    return encode_event(EventRecord("", "edge", 1, sequence, "lsof", "lsof", at, at, body=body))


def connection(sequence: int, port: int) -> Iterator[FlowBatch]:
    """The records of a run, and its end."""
    frames = [tcp_frame(HERE, THERE, port, 443, flags=flags) for flags in ("S", "R")]
    timed = [(100 * sequence + at, frame) for at, frame in enumerate(frames)]
    batch = batch_of([block(timed)], probe="edge", boot_id=sequence)
    yield batch
    yield FlowBatch(site=batch.site, probe=batch.probe, boot_id=batch.boot_id, watermark=END_OF_RUN)


def publish(bench: Bench, sequence: int, port: int) -> None:
    with Publisher(f"kafka://{bench.bootstrap}", bench.input) as publisher:
        for batch in connection(sequence, port):
            publisher.publish(batch)


def labels(bench: Bench) -> dict[int, str]:
    """The labels of the worker's flows by their source port."""
    return {
        int(record["src_port"]): batch.heap_value(row, "labels").decode()
        for batch in bench.flows()
        for row, record in enumerate(batch.records)
    }


def test_flows_of_a_worker_get_their_process(bench: Bench) -> None:
    url, events = f"kafka://{bench.bootstrap}", bench.prefix + "events"
    create_topics(url, [TopicDefinition(events, "", "", 1)], partitions=PARTITIONS)
    producer = ConfirmedProducer(url, 60.0)
    producer.send(events, snapshot(0, 5000, 12), 1)
    producer.flush()
    worker = bench.start("--events", events, "--event-lateness", "2")
    publish(bench, 0, 5000)
    wait_until(lambda: 5000 in labels(bench), "the first flow")
    worker.wait_for("started")
    producer.send(events, snapshot(1, 6000, 13), 2)
    producer.flush()
    publish(bench, 1, 6000)
    wait_until(lambda: 6000 in labels(bench), "the second flow")
    told = "ssure=exact:sprocess=curl:spid={}:sowner=ann:scontainer=abc"
    assert labels(bench) == {5000: told.format(12), 6000: told.format(13)}
    assert worker.stop() == 0
