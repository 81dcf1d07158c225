"""Carries a plan out: sends what is due, watches worker and sink, and compares what they made of it."""

from __future__ import annotations

import time
import uuid
from contextlib import ExitStack
from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING

from confluent_kafka import Producer

from deploy.kafka.ports import free_port
from tests.simulation.outcome import Outcome, expected, outcome
from tests.simulation.processes import Lag, Started, kept, started, unread
from topics.bus import Subscriber, create_topics
from topics.definitions import DEAD_LETTERS, FLOW_STATUS, FLOWS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.simulation.plan import Message, Plan
    from topics.batch import FlowBatch

PRODUCERS = 4  # connections; a thousand clients in one process would measure the client
PATIENCE = 300.0
SAMPLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """At one moment: seconds since the start, messages sent, not read by the worker and not acknowledged, memory in MB.

    What went into a flow is acknowledged when the flow is over, so that is behind by as long as flows take.
    """

    seconds: float
    sent: int
    unread: int
    unacknowledged: int
    worker_megabytes: float
    sink_megabytes: float


@dataclass
class Report:
    """What a simulation showed."""

    messages: int
    records: int
    replays: int
    expected: Outcome
    found: Outcome
    kept: tuple[int, int]
    worker_cpu: float = 0.0
    sink_cpu: float = 0.0
    drained: float = 0.0
    samples: list[Sample] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every flow is on the topic and in the database, once."""
        whole = len(self.expected.flows), self.expected.packets
        return self.found == self.expected and not self.found.doubled and self.kept == whole


class Simulation:
    """One plan on one Kafka, its topics new, its files in a directory. `speed` shortens the time between messages."""

    def __init__(self, bootstrap: str, plan: Plan, directory: Path, speed: float = 1.0) -> None:
        self._bootstrap, self._plan, self._directory, self._speed = bootstrap, plan, directory, speed
        self._url = f"kafka://{bootstrap}"
        self._prefix = f"simulation-{uuid.uuid4().hex[:8]}."
        self._status, self._flows, self._letters = (
            self._prefix + topic.name for topic in (FLOW_STATUS, FLOWS, DEAD_LETTERS)
        )
        self._metrics = free_port()
        self._samples: list[Sample] = []

    def run(self, tell: Callable[[str], None] = lambda _: None) -> Report:
        """Send everything, wait until worker and sink have acknowledged it, and compare."""
        topics = [replace(topic, name=self._prefix + topic.name) for topic in (FLOW_STATUS, FLOWS, DEAD_LETTERS)]
        create_topics(self._url, topics, partitions=self._plan.partitions)
        messages = self._plan.messages()
        tell(f"{len(messages):,} messages planned")
        wanted = expected(messages)
        behind = Lag(self._bootstrap, self._status, self._prefix + "merge", self._plan.partitions)
        sink_behind = Lag(self._bootstrap, self._flows, self._prefix + "sink", self._plan.partitions)
        database = self._directory / "flows.duckdb"
        with ExitStack() as stack:
            worker = stack.enter_context(started(self._directory / "worker.log", *self._worker()))
            sink = stack.enter_context(started(self._directory / "sink.log", *self._sink(database)))
            self._send(messages, behind, worker, sink, tell)
            sent = time.monotonic()
            self._wait(lambda: not behind.now() and not sink_behind.now(), behind, worker, sink, len(messages))
            drained = time.monotonic() - sent
            spent = worker.usage().cpu, sink.usage().cpu
        return Report(
            len(messages),
            sum(len(message.batch) for message in messages),
            sum(message.is_replay for message in messages),
            wanted,
            self._found(),
            kept(database),
            *spent,
            drained,
            self._samples,
        )

    def _worker(self) -> list[str]:
        where = ["--bus", self._url, "--group", self._prefix + "merge", "--dead-letters", self._letters]
        return ["worker", *where, "--input", self._status, "--output", self._flows, "--metrics", f":{self._metrics}"]

    def _sink(self, database: Path) -> list[str]:
        where = ["--bus", self._url, "--group", self._prefix + "sink", "--dead-letters", self._letters]
        return ["sink", "sql", *where, "--url", str(database), "--topic", self._flows]

    def _send(
        self, messages: list[Message], behind: Lag, worker: Started, sink: Started, tell: Callable[[str], None]
    ) -> None:
        """Send each message when it is due, those of one partition by one producer, so that they stay in order."""
        settings = {"bootstrap.servers": self._bootstrap, "enable.idempotence": True, "compression.type": "lz4"}
        producers = [Producer(settings | {"linger.ms": 5}) for _ in range(PRODUCERS)]
        values = [message.value for message in messages]
        begun = sampled = time.monotonic()
        for number, (message, value) in enumerate(zip(messages, values, strict=True)):
            early = begun + message.due / self._speed - time.monotonic()
            if early > 0:
                for producer in producers:
                    producer.poll(0)
                time.sleep(early)
            self._produce(producers[message.partition % PRODUCERS], value, message.partition)
            if time.monotonic() - sampled > SAMPLE_SECONDS:
                sampled = time.monotonic()
                self._sample(sampled - begun, number + 1, behind, worker, sink)
                tell(
                    "{:6.1f} s {:9,} sent {:7,} unread {:9,} open {:6,.0f} {:6,.0f} MB".format(
                        *astuple(self._samples[-1])
                    )
                )
        for producer in producers:
            producer.flush()

    def _produce(self, producer: Producer, value: bytes, partition: int) -> None:
        while True:
            try:
                producer.produce(self._status, value, partition=partition)
            except BufferError:
                producer.poll(0.05)
            else:
                return

    def _wait(self, condition: Callable[[], bool], behind: Lag, worker: Started, sink: Started, sent: int) -> None:
        begun = time.monotonic()
        last = self._samples[-1].seconds if self._samples else 0.0
        while not condition():
            waited = time.monotonic() - begun
            if waited > PATIENCE:
                raise TimeoutError(f"{behind.now()} messages behind after {PATIENCE:.0f} s")
            self._sample(last + waited, sent, behind, worker, sink)
            time.sleep(SAMPLE_SECONDS / 4)

    def _sample(self, seconds: float, sent: int, behind: Lag, worker: Started, sink: Started) -> None:
        used = worker.usage().megabytes, sink.usage().megabytes
        self._samples.append(Sample(round(seconds, 1), sent, unread(self._metrics), behind.now(), *used))

    def _found(self) -> Outcome:
        ends = Lag(self._bootstrap, self._flows, self._prefix + "reader", self._plan.partitions).ends()
        received, batches = 0, []
        subscriber: Subscriber[FlowBatch] = Subscriber(self._url, self._flows, dead_letters=None)
        with subscriber:
            while received < sum(ends):
                came = subscriber.receive(10)
                received += len(came)
                batches += [each.value for each in came]
        return outcome(batches)
