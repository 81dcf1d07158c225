"""How fast status records become flows: published to Kafka, merged by one worker, back on Kafka and acknowledged."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException, TopicPartition

from topics.batch import END_OF_RUN, FlowBatch
from topics.bus import Publisher, create_topics
from topics.definitions import DEAD_LETTERS, FLOW_STATUS, FLOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PARTITIONS = 4
PATIENCE_SECONDS = 300.0
POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class WorkerRates:
    """What `measure` found: records, and seconds until all were published and until all were acknowledged."""

    records: int
    published_seconds: float
    seconds: float

    @property
    def rate(self) -> float:
        """Status records per second, from the first one published to the last one acknowledged."""
        return self.records / self.seconds


def measure(bootstrap: str, batches: Iterable[FlowBatch]) -> WorkerRates:
    """Publish batches of probe runs, and the ends of these runs, and wait until one worker has acknowledged them all.

    The topics are new ones. The worker has joined its group and loaded its kernels when the clock starts.
    """
    bench = _Bench(bootstrap)
    with bench.worker():
        bench.publish([FlowBatch(probe="warm-up", watermark=END_OF_RUN)])
        bench.wait_until_done()
        begun = time.perf_counter()
        records = bench.publish(batches)
        published = time.perf_counter()
        bench.wait_until_done()
        ended = time.perf_counter()
    return WorkerRates(records, published - begun, ended - begun)


class _Bench:
    """Topics and group of one measurement."""

    def __init__(self, bootstrap: str) -> None:
        self._group = f"bench-{uuid.uuid4().hex[:12]}"
        self._url = f"kafka://{bootstrap}"
        self._reader = Consumer({"bootstrap.servers": bootstrap, "group.id": self._group, "log_level": 0})
        topics = [replace(topic, name=f"{self._group}.{topic.name}") for topic in (FLOW_STATUS, FLOWS, DEAD_LETTERS)]
        create_topics(self._url, topics, partitions=PARTITIONS)
        self._topics = [topic.name for topic in topics]
        self._partitions = [TopicPartition(self._topics[0], number) for number in range(PARTITIONS)]
        self._wait(lambda: set(self._topics) <= self._reader.list_topics(timeout=10).topics.keys())

    @contextmanager
    def worker(self) -> Iterator[None]:
        options = ["--bus", self._url, "--group", self._group]
        for name, topic in zip(("--input", "--output", "--dead-letters"), self._topics, strict=True):
            options += [name, topic]
        with tempfile.TemporaryFile() as log:
            command = [sys.executable, "-m", "clients.main", "worker", *options]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                yield
            finally:
                process.terminate()
                process.wait()

    def publish(self, batches: Iterable[FlowBatch]) -> int:
        with Publisher(self._url, self._topics[0]) as publisher:
            for batch in batches:
                publisher.publish(batch)
        return publisher.records

    def wait_until_done(self) -> None:
        self._wait(lambda: self._committed() == self._ends())

    def _wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the worker was not done within {PATIENCE_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)

    def _committed(self) -> list[int]:
        try:
            return [found.offset for found in self._reader.committed(self._partitions, timeout=10)]
        except KafkaException:  # nobody coordinates the group yet
            return []

    def _ends(self) -> list[int]:
        return [self._reader.get_watermark_offsets(partition, timeout=10)[1] for partition in self._partitions]
