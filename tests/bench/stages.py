"""What each stage behind the probe costs, in CPU time of its own process: publisher, broker, worker, sinks."""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.kafka.node import KafkaNode
from tests.bench.processes import run
from tests.simulation.processes import Lag, kept, started, usage_of
from topics.batch import END_OF_RUN, FlowBatch
from topics.bus import Publisher, create_topics
from topics.definitions import DEAD_LETTERS, FLOW_STATUS, FLOWS

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTITIONS = 4
PATIENCE = 250.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Stages:
    """Status records and the flows they became; CPU seconds for all of them, start-up apart; the worker's memory."""

    records: int
    flows: int
    publisher: float
    broker: float
    worker: float
    files: float
    database: float
    megabytes: float


def measure(batches: Sequence[FlowBatch]) -> Stages:
    """Publish batches of probe runs to one worker, then keep the flows in files, and in DuckDB, on one machine."""
    with tempfile.TemporaryDirectory() as name, KafkaNode(Path(name, "kafka")) as node:
        return _Bench(node, Path(name)).measure(batches)


class _Bench:
    """The topics of one measurement."""

    def __init__(self, node: KafkaNode, directory: Path) -> None:
        self._node, self._directory, self._url = node, directory, f"kafka://{node.bootstrap}"
        self._prefix = f"bench-{uuid.uuid4().hex[:8]}."
        topics = [replace(topic, name=self._prefix + topic.name) for topic in (FLOW_STATUS, FLOWS, DEAD_LETTERS)]
        create_topics(self._url, topics, partitions=PARTITIONS)
        self._status, self._flows, self._letters = (topic.name for topic in topics)

    def measure(self, batches: Sequence[FlowBatch]) -> Stages:
        group = self._prefix + "merge"
        options = ["--group", group, "--input", self._status, "--output", self._flows]
        with started(self._directory / "worker.log", "worker", *options, *self._where()) as worker:
            self._publish([FlowBatch(probe="warm-up", watermark=END_OF_RUN)])
            self._settle(group)
            broker, merging, own = self._broker(), worker.usage().cpu, time.process_time()
            records = self._publish(batches)
            own = time.process_time() - own
            self._settle(group)
            used, broker = worker.usage(), self._broker() - broker
        database = self._directory / "flows.duckdb"
        files = self._sink("files", "--data", str(self._directory / "files"))
        rows = self._sink("sql", "--url", str(database))
        return Stages(records, kept(database)[0], own, broker, used.cpu - merging, files, rows, used.megabytes)

    def _where(self) -> list[str]:
        return ["--bus", self._url, "--dead-letters", self._letters]

    def _broker(self) -> float:
        pid = self._node.pid
        return usage_of(pid).cpu if pid is not None else 0.0

    def _publish(self, batches: Sequence[FlowBatch]) -> int:
        with Publisher(self._url, self._status) as publisher:
            for batch in batches:
                publisher.publish(batch)
        return publisher.records

    def _settle(self, group: str) -> None:
        behind, deadline = Lag(self._node.bootstrap, self._status, group, PARTITIONS), time.monotonic() + PATIENCE
        while behind.now():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the worker was not done within {PATIENCE:.0f} s")
            time.sleep(POLL_SECONDS)

    def _sink(self, kind: str, *options: str) -> float:
        """Return the CPU seconds of keeping the flows, beyond those of a topic without any."""
        command = [sys.executable, "-m", "clients.main", "sink", kind, *self._where(), *options, "--until-idle", "3s"]
        costs = [
            run([*command, "-q", "--group", f"{self._prefix}{kind}.{topic}", "--topic", topic]).cpu
            for topic in (self._letters, self._flows)
        ]
        return costs[1] - costs[0]
