"""The promise of delivery put to the test: probes, Kafka, workers and sinks, with everything killed again and again.

`python -m tests.faults.soak --records 10_000_000 --kills 20 --visits 10 --restarts 5` takes a while; the figures go to
docs/explanation/reliability.md. A small plan is part of the tests.
"""

from __future__ import annotations

import argparse
import functools
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from confluent_kafka import Consumer, KafkaException, TopicPartition

from clients.reading.source_names import record_files
from deploy.kafka.node import KafkaNode
from probes.spool.publisher import SpooledPublisher
from processors.engine import local
from processors.merge import FlowMerge
from sinks.formats import open_reader
from sinks.sql import SqlSink
from tests.faults.comparison import difference
from tests.postgresql import PostgresqlServer
from tests.processors.status_records import Conversations, status_records
from topics.batch import END_OF_RUN
from topics.bus import create_topics
from topics.definitions import DEAD_LETTERS, FLOW_STATUS, FLOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from topics.batch import FlowBatch

PARTITIONS = 4
MEAN_RECORDS = 3.0
PIECE = 2000
PROBES = 3
WORKERS = 2
STOP_SECONDS = 60.0
PATIENCE_SECONDS = 600.0  # to the end of a plan one more for every SLOWEST records
SLOWEST = 2000
POLL_SECONDS = 0.05
QUIET = "quiet"
MERGE_GROUP = "argosy-merge"
SINK_GROUPS = {"sql": "argosy-sink-soak", "files": "argosy-sink-soak-files"}
CUTS = ("-M", "time", "20s", "count", "3000", "--grace", "10")
COUNT = "SELECT count(*), sum(records), sum(packets) FROM {}.flows"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much, and how often what goes wrong. A visit is a worker that joins and leaves again: two rebalances."""

    records: int = 200_000
    run_records: int = 20_000
    kills: int = 5
    visits: int = 1
    restarts: int = 1
    seed: int = 1

    def runs(self) -> Iterator[FlowBatch]:
        """Yield the records of every probe run, the probes by turns."""
        for number in range(-(-self.records // self.run_records)):
            seed, conversations = self.seed * 10_000 + number, int(self.run_records / MEAN_RECORDS)
            probe = f"probe-{number % PROBES}"
            yield status_records(Conversations(seed, conversations, 200.0, MEAN_RECORDS, probe, number + 1))

    def faults(self, choice: random.Random) -> list[str]:
        """Return what goes wrong, in order."""
        faults = [choice.choice(("worker", "worker", "sink")) for _ in range(self.kills)]
        faults += ["visit"] * self.visits + ["broker"] * self.restarts
        choice.shuffle(faults)
        return faults


@dataclass(slots=True)
class Figures:
    """What came of it. `lost` and `other` count rows that are only in the quiet, or only in the disturbed run."""

    records: int = 0
    flows: int = 0
    expected: tuple[int, ...] = ()
    found: tuple[int, ...] = ()
    lost: int = -1
    other: int = -1
    in_files: int = 0
    files_lost: int = -1
    files_other: int = -1
    faults: dict[str, int] = field(default_factory=dict)
    waited: int = 0
    seconds: float = 0.0


class Soak:
    """One run of a plan, on servers of its own."""

    def __init__(
        self, plan: Plan, directory: Path, node: KafkaNode, database: str, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.plan, self.directory, self.node, self.database = plan, directory, node, database
        self._begun, self._say = time.monotonic(), tell
        self.url = f"kafka://{node.bootstrap}"
        self._choice, self._files = random.Random(plan.seed), directory / "files"
        self._workers: list[subprocess.Popen[bytes]] = []
        self._sinks: dict[str, subprocess.Popen[bytes]] = {}
        self._started = 0
        self.figures = Figures()

    def run(self) -> Figures:
        """Do it, and compare with the quiet run."""
        create_topics(self.url, [FLOW_STATUS, FLOWS, DEAD_LETTERS], partitions=PARTITIONS)
        try:
            self._disturbed_run()
        finally:
            for process in (*self._workers, *self._sinks.values()):
                process.kill()
                process.wait()
        self.figures.seconds = time.monotonic() - self._begun
        self._quiet_run()
        self._tell("the quiet run is stored")
        self._compare()
        return self.figures

    def _tell(self, text: str) -> None:
        self._say(f"{time.monotonic() - self._begun:7.1f} s  {text}")

    def _disturbed_run(self) -> None:
        for _ in range(WORKERS):
            self._start_worker()
        self._start_sinks()
        faults = self.plan.faults(self._choice)
        pieces = self.plan.records // PIECE
        due = sorted(self._choice.sample(range(1, pieces), len(faults)))
        with ExitStack() as stack:
            publishers = [
                stack.enter_context(SpooledPublisher(self.url, FLOW_STATUS.name, spool, patient=True))
                for spool in (self.directory / f"spool-{number}" for number in range(PROBES))
            ]
            for number, (probe, batch) in enumerate(self._batches()):
                publishers[probe].publish(batch)
                while due and number >= due[0]:
                    due.pop(0)
                    self._fault(faults.pop(0), publishers)
            self.figures.waited = max(each.counts()["spooled_messages"] for each in publishers)
        self.figures.records = sum(publisher.records for publisher in publishers)
        assert not any(count for each in publishers for name, count in each.counts().items() if "dropped" in name)
        self._tell("all is published")
        patience = PATIENCE_SECONDS + self.plan.records / SLOWEST
        self._wait(lambda: self._is_done(MERGE_GROUP, FLOW_STATUS.name), "the workers", patience)
        self._tell("all is merged")
        self._wait(lambda: self._is_done(SINK_GROUPS["sql"], FLOWS.name), "the sink", patience)
        self._tell("all is stored")
        self._wait(lambda: all(self._says(each, "started") for each in self._workers), "all workers to begin")
        for process in (*self._workers, *self._sinks.values()):
            process.terminate()
            assert process.wait(STOP_SECONDS) == 0
        self._start_sink("files", "--until-idle", "5s")  # it commits what is in closed files, so its end is its own
        assert self._sinks["files"].wait(PATIENCE_SECONDS) == 0
        assert self._is_done(SINK_GROUPS["files"], FLOWS.name)

    def _batches(self) -> Iterator[tuple[int, FlowBatch]]:
        for number, run in enumerate(self.plan.runs()):
            for start in range(0, len(run), PIECE):
                yield number % PROBES, run.select(slice(start, start + PIECE))
            yield number % PROBES, run.select(slice(0)).replace(watermark=END_OF_RUN)

    def _fault(self, fault: str, publishers: list[SpooledPublisher]) -> None:
        """Let something go wrong while there is work to do: when part of what was published has been merged."""
        sent = sum(publisher.counts()["delivered_messages"] for publisher in publishers)
        target = self._choice.uniform(0.5, 0.95) * sent
        with suppress(TimeoutError):
            self._wait(lambda: self._acknowledged(MERGE_GROUP, FLOW_STATUS.name) >= target, "work", 20.0)
        steps = {
            "worker": self._kill_worker,
            "sink": self._kill_sinks,
            "visit": self._visit,
            "broker": self._restart,
        }
        steps[fault]()
        self.figures.faults[fault] = self.figures.faults.get(fault, 0) + 1
        self._tell(f"{fault}; {sum(publisher.records for publisher in publishers)} records published")

    def _kill_worker(self) -> None:
        victim = self._workers.pop(self._choice.randrange(len(self._workers)))
        victim.kill()
        victim.wait()
        self._start_worker()

    def _visit(self) -> None:
        visitor = self._start_worker()
        self._wait(lambda: visitor not in self._workers or self._says(visitor, "assigned", "started"), "the visitor")
        if visitor not in self._workers:  # no broker answered while it began; another one was started
            visitor = self._workers[-1]
            self._wait(lambda: self._says(visitor, "assigned", "started"), "the visitor")
        self._workers.remove(visitor)
        visitor.terminate()
        assert visitor.wait(STOP_SECONDS) == 0

    def _restart(self) -> None:
        self._choice.choice((self.node.kill, self.node.stop))()
        self.node.start()

    def _kill_sinks(self) -> None:
        for process in self._sinks.values():
            process.kill()
            process.wait()
        self._start_sinks()

    def _log(self, process: subprocess.Popen[bytes]) -> Path:
        return self.directory / f"{process.pid}.log"

    def _says(self, process: subprocess.Popen[bytes], *words: str) -> bool:
        log = self._log(process).read_text()
        return all(word in log for word in words)

    def _start_worker(self) -> subprocess.Popen[bytes]:
        self._workers.append(self._start("worker", "--session-timeout", "3"))
        return self._workers[-1]

    def _start_sinks(self) -> None:
        for kind in SINK_GROUPS:
            self._start_sink(kind)

    def _start_sink(self, kind: str, *options: str) -> None:
        places = {"sql": ("--url", self.database, "--linger", "1s"), "files": ("-w", f"{self._files}/%H%M%S", *CUTS)}
        self._sinks[kind] = self._start("sink", kind, "--group", SINK_GROUPS[kind], *places[kind], *options)

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "clients.main", *words, "--bus", self.url]
        self._started += 1
        path = self.directory / f"{self._started}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        path.rename(self._log(process))
        return process

    def _wait(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            self._supervise()
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain for {what}")
            time.sleep(POLL_SECONDS)

    def _supervise(self) -> None:
        """Start again what ended because no broker answered while it began, as whoever runs services does."""
        for worker in [each for each in self._workers if self._gave_up(each)]:
            self._workers.remove(worker)
            self._start_worker()
        for kind in [kind for kind, sink in self._sinks.items() if self._gave_up(sink)]:
            self._start_sink(kind)

    def _gave_up(self, process: subprocess.Popen[bytes]) -> bool:
        if process.poll() is None:
            return False
        log = self._log(process).read_text()
        assert "no Kafka broker answered" in log, log
        return True

    def _acknowledged(self, group: str, topic: str) -> int:
        return sum(self._offsets(group, topic)[0])

    def _is_done(self, group: str, topic: str) -> bool:
        committed, ends = self._offsets(group, topic)
        return committed == ends and sum(ends) > 0

    def _offsets(self, group: str, topic: str) -> tuple[list[int], list[int]]:
        consumer = Consumer({"bootstrap.servers": self.node.bootstrap, "group.id": group, "log_level": 0})
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        try:
            ends = [consumer.get_watermark_offsets(place, timeout=30)[1] for place in places]
            return [max(0, place.offset) for place in consumer.committed(places, timeout=30)], ends
        except KafkaException:
            return [0], [0]
        finally:
            consumer.close()

    def _quiet_run(self) -> None:
        """The same records in one process, in memory, nothing going wrong; into a schema beside."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {QUIET}".encode())
        sink = SqlSink(f"{self.database}?options=-csearch_path%3D{QUIET}")
        local.run((batch for _, batch in self._batches()), [FlowMerge()], [sink])

    def _compare(self) -> None:
        with psycopg.connect(self.database) as connection:
            connection.execute("SET work_mem = '256MB'")

            def ask(query: str, *schemas: str) -> tuple[int, ...]:
                row = connection.execute(query.format(*schemas).encode()).fetchone()
                return tuple(int(value or 0) for value in row or ())

            self.figures.expected, self.figures.found = ask(COUNT, QUIET), ask(COUNT, "public")
            self.figures.flows = self.figures.found[0]
            self.figures.lost, self.figures.other, _ = difference(connection, QUIET, "public")
            self._tell("the tables are compared")
            wanted = [row[0].bytes for row in connection.execute(f"SELECT flow_id FROM {QUIET}.flows")]
        found = [key for path in record_files(str(self._files)) for batch in open_reader(path) for key in _ids(batch)]
        self.figures.in_files = len(found)
        lost, other = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
        self.figures.files_lost, self.figures.files_other = lost.total(), other.total()


def _ids(batch: FlowBatch) -> list[bytes]:
    return [value.tobytes() for value in batch.records["flow_id"]]


def run(plan: Plan, directory: Path, tell: Callable[[str], None] = lambda _: None) -> Figures:
    """Run a plan on servers of its own; `tell` hears how far it has come."""
    with KafkaNode(directory / "kafka") as node, PostgresqlServer() as server:
        return Soak(plan, directory, node, server.url, tell).run()


def main() -> int:
    """Run the plan that the options describe; print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    for name, default in (("records", 10_000_000), ("kills", 20), ("visits", 10), ("restarts", 5), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default, help="default: %(default)s")
    options = vars(parser.parse_args())
    plan = Plan(run_records=max(20_000, min(200_000, options["records"] // 30)), **options)
    with tempfile.TemporaryDirectory(prefix="argosy-soak-") as directory:
        figures = run(plan, Path(directory), functools.partial(print, flush=True))
    print(figures)
    wrong = (figures.lost, figures.other, figures.files_lost, figures.files_other)
    return 0 if wrong == (0, 0, 0, 0) and figures.found == figures.expected else 1


if __name__ == "__main__":
    sys.exit(main())
