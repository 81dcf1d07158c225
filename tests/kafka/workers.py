"""Worker processes on topics of their own, and what comes out of them."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.waiting import wait_until
from topics.batch import FlowBatch
from topics.bus import decode_message, encode_message

PARTITIONS = 3
DEADLINE_SECONDS = 80.0
STOP_SECONDS = 40.0

Flows = dict[tuple[bytes, int], str]


def flows_by_key(batches: Iterable[FlowBatch]) -> Flows:
    """All fields of every flow by the key of idempotent upserts; two flows of one key have to be the same."""
    flows: Flows = {}
    for batch in batches:
        for row, record in enumerate(batch.records):
            key = (record["flow_id"].tobytes(), int(record["status_sequence"]))
            heap = [batch.heap_value(row, name) for name in ("src_payload", "dst_payload", "labels")]
            plain = [record[name].tolist() for name in record.dtype.names if not name.endswith(("_offset", "_length"))]
            fields = repr((plain, heap))
            assert flows.setdefault(key, fields) == fields
    return flows


@dataclass
class WorkerProcess:
    """One `argosy worker`, and what it logged."""

    process: subprocess.Popen[bytes]
    log: Path

    def says(self, text: str) -> bool:
        """Whether it has logged a text."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(0.05)
        return text in self.log.read_text()

    def wait_for(self, text: str) -> None:
        wait_until(lambda: self.says(text), f"'{text}' in the log of a worker")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


@dataclass
class Bench:
    """The topics and workers of one test."""

    bootstrap: str
    prefix: str
    directory: Path
    workers: list[WorkerProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = ("flow-status", "flows", "dead-letters")
        self.input, self.output, self.dead_letters = (self.prefix + name for name in names)
        self.group = self.prefix + "merge"
        broker: dict[str, str | int | float | bool] = {"bootstrap.servers": self.bootstrap, "log_level": 0}
        self._admin = AdminClient(broker)
        # In order and once, as probes publish: a broker that dies must not turn the input into another one.
        self._producer = Producer({**broker, "enable.idempotence": True})
        self._reader = Consumer({**broker, "group.id": self.group, "enable.auto.commit": False})
        topics = [NewTopic(name, PARTITIONS, 1) for name in (self.input, self.output, self.dead_letters)]
        for made in self._admin.create_topics(topics).values():
            made.result()
        made_known = {self.input, self.output, self.dead_letters}
        wait_until(lambda: made_known <= self._admin.list_topics(timeout=30).topics.keys(), "topics")
        wait_until(lambda: all(self.ends(topic) for topic in made_known), "leaders")

    def start(self, *options: str) -> WorkerProcess:
        """Start a worker; `end_workers` ends it at the latest."""
        return self._start(
            "worker", "--session-timeout", "2", "--idle-timeout", "12", "--active-timeout", "25", *options
        )

    def observe(self) -> WorkerProcess:
        """Start a worker that matches observations of flows."""
        return self._start("observers")

    def _start(self, name: str, *options: str) -> WorkerProcess:
        where = ["--bus", f"kafka://{self.bootstrap}", "--group", self.group, "--input", self.input]
        where += ["--output", self.output, "--dead-letters", self.dead_letters]
        log = self.directory / f"worker-{len(self.workers)}.log"
        command = [sys.executable, "-m", "clients.main", name, *where, *options]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.workers.append(WorkerProcess(process, log))
        return self.workers[-1]

    def publish(self, messages: Iterable[FlowBatch]) -> None:
        """Put batches on the input, each on the partition it names."""
        for batch in messages:
            self._producer.produce(self.input, encode_message(batch), partition=batch.partition)
        self._producer.flush()

    def publish_bytes(self, value: bytes | None, partition: int) -> None:
        """Put any bytes on the input."""
        self._producer.produce(self.input, value, partition=partition)
        self._producer.flush()

    def committed(self) -> list[int]:
        """Offsets that the group has acknowledged, by partition; empty while nobody coordinates the group."""
        partitions = [TopicPartition(self.input, number) for number in range(PARTITIONS)]
        with contextlib.suppress(KafkaException):
            return [max(0, found.offset) for found in self._reader.committed(partitions, timeout=30)]
        return []

    def ends(self, topic: str) -> list[int]:
        """Where the partitions of a topic end; empty while one has no leader."""
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        with contextlib.suppress(KafkaException):
            return [self._reader.get_watermark_offsets(partition, timeout=30)[1] for partition in partitions]
        return []

    def all_is_acknowledged(self) -> bool:
        """Whether the group has acknowledged the whole input."""
        ends = self.ends(self.input)
        return bool(ends) and self.committed() == ends

    def wait_until_all_is_acknowledged(self) -> None:
        wait_until(self.all_is_acknowledged, "acknowledgement of the whole input")

    def wait_for_flows(self, count: int) -> None:
        wait_until(lambda: len(flows_by_key(self.flows())) >= count, f"{count} flows")

    def flows(self) -> list[FlowBatch]:
        """Every batch of the output."""
        return [decode_message(message.value() or b"") for message in self.read(self.output)]

    def read(self, topic: str) -> Iterator[Message]:
        """Every message of a topic, partition by partition."""
        ends = self.ends(topic)
        assert ends, f"a partition of {topic} has no leader"
        for number, end in enumerate(ends):
            self._reader.assign([TopicPartition(topic, number, 0)])
            position = 0
            while position < end:
                message = self._reader.poll(10)
                assert message is not None
                assert message.error() is None
                position = (message.offset() or 0) + 1
                yield message
        self._reader.unassign()

    def end_workers(self) -> None:
        """End what still runs."""
        for worker in self.workers:
            worker.kill()

    def remove_topics(self) -> None:
        self._reader.close()
        for removed in self._admin.delete_topics([self.input, self.output, self.dead_letters]).values():
            removed.result()
