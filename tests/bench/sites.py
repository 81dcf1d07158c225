"""Links between sites: what flows take on them by compression, and how fast a backlog comes over."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from confluent_kafka import Producer

from deploy.kafka.node import KafkaNode
from deploy.sites.mirror import SETTINGS, mirror_command
from tests.simulation.processes import Lag, usage_of
from topics.batch import FlowBatch, concatenate
from topics.bus import create_topics, encode_message
from topics.definitions import FLOW_STATUS, TOPICS
from topics.partitions import split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

COMPRESSIONS = ("none", "lz4", "zstd", "gzip", "snappy")
LINGER = 0.2  # seconds that a probe gathers records for
PATIENCE = 250.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class CatchingUp:
    """A backlog that came over: records, bytes of the log, seconds from the first message to the last, CPU seconds."""

    records: int
    bytes: int
    seconds: float
    cpu: float


def messages(batches: Sequence[FlowBatch], rate: int) -> list[tuple[int, bytes]]:
    """Cut records as one probe at `rate` status records a second does: what came in LINGER seconds, by partition."""
    whole = concatenate(batches)
    step = max(1, round(rate * LINGER))
    parts = (
        part
        for begin in range(0, len(whole), step)
        for part in split(whole.select(slice(begin, begin + step)), FLOW_STATUS.partitions)
    )
    return [(part.partition, encode_message(part)) for part in parts]


def bytes_on_the_link(values: Iterable[tuple[int, bytes]]) -> dict[str, int]:
    """Return by compression the bytes of the broker's log, which is what it sends to whoever fetches."""
    values = list(values)
    sizes = {}
    with tempfile.TemporaryDirectory() as name, KafkaNode(Path(name, "kafka")) as node:
        for compression in COMPRESSIONS:
            topic = replace(FLOW_STATUS, name=f"bench.{compression}")
            create_topics(f"kafka://{node.bootstrap}", [topic])
            _produce(node, topic.name, values, compression)
            sizes[compression] = _log_bytes(Path(name, "kafka", "log"), topic.name)
    return sizes


def catch_up(values: Sequence[tuple[int, bytes]], records: int, compression: str) -> CatchingUp:
    """Let a backlog gather at a site without a link, then mirror it with the sample settings."""
    with (
        tempfile.TemporaryDirectory() as name,
        KafkaNode(Path(name, "edge")) as edge,
        KafkaNode(Path(name, "centre")) as centre,
    ):
        for node in (edge, centre):
            create_topics(f"kafka://{node.bootstrap}", TOPICS)
        _produce(edge, FLOW_STATUS.name, values, compression)
        size = _log_bytes(Path(name, "edge", "log"), FLOW_STATUS.name)
        there = Lag(centre.bootstrap, FLOW_STATUS.name, "bench", FLOW_STATUS.partitions)
        with _mirror(edge, centre, Path(name, "mirror.log")) as process:
            _wait(lambda: sum(there.ends()) > 0)
            missed, begun, before = sum(there.ends()), time.monotonic(), usage_of(process.pid).cpu
            _wait(lambda: sum(there.ends()) >= len(values))
            seconds, cpu = time.monotonic() - begun, usage_of(process.pid).cpu - before
    share = 1 - missed / len(values)
    return CatchingUp(round(records * share), round(size * share), seconds, cpu)


@contextmanager
def _mirror(edge: KafkaNode, centre: KafkaNode, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    brokers = {"EDGE_BROKERS": edge.bootstrap, "CENTRE_BROKERS": centre.bootstrap}
    with log.open("wb") as output:
        process = subprocess.Popen(mirror_command(SETTINGS), env=os.environ | brokers, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _produce(node: KafkaNode, topic: str, values: Iterable[tuple[int, bytes]], compression: str) -> None:
    """Send each message as a probe does that has no more to say for the moment: by itself, not in batches."""
    producer = Producer(
        {
            "bootstrap.servers": node.bootstrap,
            "enable.idempotence": True,
            "compression.type": compression,
            "batch.num.messages": 1,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    for partition, value in values:
        producer.produce(topic, value, partition=partition)
        producer.poll(0)
    producer.flush()


def _log_bytes(log: Path, topic: str) -> int:
    return sum(path.stat().st_size for path in log.glob(f"{topic}-*/*.log"))


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not mirrored within {PATIENCE:.0f} s")
        time.sleep(POLL_SECONDS)
