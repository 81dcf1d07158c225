"""Evaluators of rules on topics of their own, and what they publish."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from processors.alerts import Alerts
from tests.kafka.workers import PARTITIONS, STOP_SECONDS, WorkerProcess
from tests.processors.alerts.test_batching import RULES
from tests.processors.status_records import Conversations, in_messages, status_records
from topics.alerts import decode_alert
from topics.batch import concatenate
from topics.bus import create_topics, encode_message
from topics.bus.producer import ConfirmedProducer
from topics.bus.snapshot import Snapshot
from topics.definitions import TopicDefinition

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from topics.alerts import Alert
    from topics.batch import FlowBatch

SECOND = 1_000_000_000
PATIENCE = 60.0
CHOSEN = ("each", "many", "wide", "fresh", "unusual", "gone", "moved")
NAMES = ("records", "alerts", "state", "dead-letters")


def traffic() -> list[FlowBatch]:
    """Batches of two probes, with what ends their runs."""
    plans = [Conversations(seed=seed, conversations=100, probe=f"probe-{seed}") for seed in (5, 6)]
    batches = [batch for plan in plans for batch in in_messages(status_records(plan), PARTITIONS, 2)]
    return sorted(batches, key=lambda batch: int(batch.records["src_last"].max()) if len(batch) else batch.watermark)


def rules() -> list[dict[str, object]]:
    """Rules as a file has them."""
    return [rule.model_dump(exclude_none=True, exclude_defaults=True) for rule in RULES if rule.name in CHOSEN]


def expected(batches: list[FlowBatch]) -> list[str]:
    """The alerts of one engine that gets all records at once."""
    records = concatenate(batch for batch in batches if len(batch))
    engine = Alerts([rule for rule in RULES if rule.name in CHOSEN])
    engine.process(records)
    last = max(int(records.records[f"{side}_last"].max()) for side in ("src", "dst"))
    return sorted(alert.json_line for alert in engine.advance(last + SECOND))


@dataclass
class Evaluators:
    """The topics of one test, and the processes on them."""

    bootstrap: str
    prefix: str
    directory: Path
    processes: list[WorkerProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.url = f"kafka://{self.bootstrap}"
        self.records, self.alerts, self.state, self.dead_letters = (self.prefix + name for name in NAMES)
        create_topics(self.url, [TopicDefinition(self.records, "", "", 1)], partitions=PARTITIONS)
        create_topics(self.url, [TopicDefinition(self.alerts, "", "", 1)], partitions=2)
        create_topics(
            self.url, [TopicDefinition(name, "", "", 1) for name in (self.state, self.dead_letters)], partitions=1
        )
        self.rules = self.directory / "rules.yaml"
        self.rules.write_text(yaml.safe_dump({"rules": rules()}))

    def start(self, *options: str) -> WorkerProcess:
        """Start an evaluator; `end` ends it at the latest."""
        command = [sys.executable, "-m", "clients.main", "alerts", "run", "--bus", self.url, "--rules", str(self.rules)]
        command += ["--group", self.prefix, "--input", f"records={self.records}", "--output", self.alerts]
        return self.spawn([*command, "--state", self.state, "--dead-letters", self.dead_letters, *options])

    def spawn(self, command: list[str]) -> WorkerProcess:
        """Start any process."""
        log = self.directory / f"evaluator-{len(self.processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.processes.append(WorkerProcess(process, log))
        return self.processes[-1]

    def publish(self, batches: Iterable[FlowBatch]) -> None:
        """Put batches on the input, each on the partition it names."""
        producer = ConfirmedProducer(self.url, PATIENCE)
        for batch in batches:
            producer.send(self.records, encode_message(batch), batch.partition)
        producer.flush()

    def published(self) -> list[Alert]:
        """All alerts on their topic."""
        return [alert for _, _, alert in Snapshot(self.url, self.alerts, decode_alert)]

    def lines(self) -> list[str]:
        """The same as text, in an order of their own."""
        return sorted(alert.json_line for alert in self.published())

    def end(self) -> None:
        """End what still runs."""
        for each in self.processes:
            if each.process.poll() is None:
                each.process.kill()
            each.process.wait(STOP_SECONDS)
