import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from sinks import kafka
from sinks.files import FileSink
from sinks.files.facts import facts_of
from sinks.kafka import Subscription, run_sink, topic_identity
from sinks.sql import SqlSink
from sinks.sql import sink as sql_sink
from sinks.sql.reader import ask
from tests.random_batches import random_batch
from tests.sinks.files.test_sink import keys, stored
from tests.sinks.sql.fields import assert_holds, database_rows, duckdb_rows, postgresql_rows
from tests.waiting import wait_until
from topics.address_text import IPV4_MAPPED
from topics.batch import END_OF_RUN, FlowBatch, concatenate
from topics.bus import encode_message, subscriber
from topics.errors import BusError, DatabaseError

START = 1_700_000_100_000_000_000
MINUTE = 60_000_000_000
PARTITIONS = 2
DEADLINE = 90.0


class SinkTest:
    """A topic of flows of the test's own, and the sinks that read it."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.url = f"kafka://{bootstrap}"
        self.topic, self.letters, self.group = f"{prefix}flows", f"{prefix}letters", f"{prefix}sink"
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": self.group, "log_level": 0})
        self.processes: list[subprocess.Popen[str]] = []
        for made in self._admin.create_topics(
            [NewTopic(n, PARTITIONS, 1) for n in (self.topic, self.letters)]
        ).values():
            made.result()

    def publish(self, batches: list[FlowBatch]) -> None:
        for number, batch in enumerate(batches):
            self._producer.produce(self.topic, encode_message(batch), partition=number % PARTITIONS)
        self._producer.flush()

    def publish_bytes(self, value: bytes) -> None:
        self._producer.produce(self.topic, value, partition=0)
        self._producer.flush()

    def start(self, kind: str, *options: str, wrapped: Sequence[str] = ()) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "clients.main", "sink", kind, "--bus", self.url, "--topic", self.topic]
        command += ["--group", self.group, "--dead-letters", self.letters, *options]
        process = subprocess.Popen([*wrapped, *command], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process

    def run(self, kind: str, *options: str) -> tuple[int, str]:
        """Run a sink until nothing comes any more; return its exit status and what it said besides its log."""
        process = self.start(kind, "--until-idle", "2", *options)
        _, said = process.communicate(timeout=DEADLINE)
        lines = (line for line in said.splitlines(keepends=True) if not line.startswith("timestamp="))
        return process.returncode, "".join(lines)

    def committed(self) -> list[int]:
        places = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
        return [max(0, place.offset) for place in self._consumer.committed(places, timeout=30)]

    def ends(self) -> list[int]:
        return [self._end(self.topic, number) for number in range(PARTITIONS)]

    def dead_letters(self) -> int:
        return sum(self._end(self.letters, number) for number in range(PARTITIONS))

    def _end(self, topic: str, partition: int) -> int:
        return self._consumer.get_watermark_offsets(TopicPartition(topic, partition))[1]

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()
        self._consumer.close()
        for removed in self._admin.delete_topics([self.topic, self.letters]).values():
            removed.result()


@pytest.fixture
def sinks(kafka_bootstrap: str, topic_prefix: str) -> Iterator[SinkTest]:
    test = SinkTest(kafka_bootstrap, topic_prefix)
    yield test
    test.close()


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=DEADLINE)


def flows(seed: int, minute: float = 0.0) -> FlowBatch:
    batch = replace(random_batch(seed, 12, now=START + int(minute * MINUTE)), site="", probe="edge")
    batch.records["ethertype"] = [0x0800, 0x86DD] * 6
    batch.records["src_address"][::2, :12] = list(IPV4_MAPPED)
    return batch


def minutes(first: int, last: int) -> list[FlowBatch]:
    """Flows of one probe that arrive a quarter of a minute of event time after each other, some of them late."""
    return [flows(seed, (seed - 6 * (seed % 7 == 3)) / 4) for seed in range(first, last)]


def files_options(directory: Path) -> list[str]:
    return ["--data", str(directory), "--pattern", "%H.%M.%S", "--rotate", "1m", "--grace", "30"]


def sorted_keys(batches: list[FlowBatch]) -> list[bytes]:
    return sorted(key for batch in batches for key in keys(batch))


def test_all_flows_end_up_in_files_and_their_offsets_are_committed(sinks: SinkTest, tmp_path: Path) -> None:
    batches = minutes(0, 30)
    sinks.publish([*batches, FlowBatch(watermark=END_OF_RUN), FlowBatch(watermark=END_OF_RUN)])
    status, said = sinks.run("files", *files_options(tmp_path))
    assert (status, said) == (0, "argosy sink files: 360 flows kept\n")
    assert stored(tmp_path) == sorted_keys(batches)
    assert sinks.committed() == sinks.ends() == [16, 16]


def test_files_survive_kills_without_loss_or_doubles(sinks: SinkTest, tmp_path: Path) -> None:
    published: list[FlowBatch] = []
    for round_ in range(2):
        more = minutes(40 * round_, 40 * (round_ + 1))
        sinks.publish(more)
        published += more
        before = len(list(tmp_path.glob("*.parquet")))
        process = sinks.start("files", *files_options(tmp_path))
        wait_until(lambda before=before: len(list(tmp_path.glob("*.parquet"))) > before + 2, process=process)  # type: ignore[misc]
        kill(process)
    assert any(low < high for low, high in zip(sinks.committed(), sinks.ends(), strict=True))
    assert sinks.run("files", *files_options(tmp_path))[0] == 0
    assert stored(tmp_path) == sorted_keys(published)
    assert sinks.committed() == sinks.ends()
    assert not list(tmp_path.glob(".*.partial"))


def test_several_outputs_survive_a_kill_without_loss_or_doubles(sinks: SinkTest, tmp_path: Path) -> None:
    settings = tmp_path / "files.yaml"
    settings.write_text(f"""
outputs:
  - {{directory: {tmp_path}/all, name: "%H.%M.%S", time: 1m, grace: 30, count: 20}}
  - {{directory: {tmp_path}/text, name: "$proto.%H.%M.%S", time: 5m, grace: 30, format: jsonl, filter: src pkts gt 3}}
""")
    published = minutes(0, 60)
    sinks.publish(published)
    process = sinks.start("files", "-f", str(settings))
    wait_until(lambda: len(list((tmp_path / "all").glob("*.parquet"))) > 4, process=process)
    kill(process)
    sinks.group += "-anew"  # nothing is known but what the files say
    assert sinks.run("files", "-f", str(settings))[0] == 0
    assert stored(tmp_path / "all") == sorted_keys(published)
    assert all(facts_of(path)["records"] <= 20 for path in (tmp_path / "all").glob("*.parquet"))
    rows = [row for path in (tmp_path / "text").glob("*.jsonl") for row in path.read_text().splitlines()]
    wanted = concatenate(published).records
    ids = [value.tobytes().hex() for value in wanted["flow_id"][wanted["src_packets"] > 3]]
    assert sorted(json.loads(row)["flow_id"] for row in rows) == sorted(ids)


def test_files_are_finished_when_the_sink_is_asked_to_stop(sinks: SinkTest, tmp_path: Path) -> None:
    batches = minutes(0, 4)
    sinks.publish(batches)
    process = sinks.start("files", *files_options(tmp_path))
    wait_until(lambda: bool(list(tmp_path.glob(".*.partial"))), process=process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert sinks.run("files", *files_options(tmp_path))[0] == 0
    assert stored(tmp_path) == sorted_keys(batches)
    assert sinks.committed() == sinks.ends()


def test_all_flows_end_up_in_duckdb_and_once_when_read_again(sinks: SinkTest, tmp_path: Path) -> None:
    batches = [flows(seed) for seed in range(10)]
    sinks.publish(batches)
    database = str(tmp_path / "flows.duckdb")
    assert sinks.run("sql", "--url", database)[0] == 0
    sinks.group += "-again"
    sinks.publish(batches[:3])
    assert sinks.run("sql", "--url", database)[0] == 0
    assert_holds(duckdb_rows(database), concatenate(batches))


@pytest.mark.parametrize("kind", ["postgresql", "mariadb", "sqlite"])
def test_databases_survive_kills_without_loss_or_doubles(
    sinks: SinkTest, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    address = str(tmp_path / "x.sqlite") if kind == "sqlite" else request.getfixturevalue(f"{kind}_database")
    published = [flows(seed) for seed in range(30)]
    sinks.publish(published)
    process = sinks.start("sql", "--url", address, "--linger", "0")
    wait_until(lambda: rows_in(address) > 0, process=process)
    kill(process)
    sinks.publish(last := [flows(99)])
    assert sinks.run("sql", "--url", address)[0] == 0
    assert_holds(database_rows(address), concatenate(published + last))
    assert sinks.committed() == sinks.ends()


def test_rows_merged_in_mariadb_survive_kills_without_loss_or_doubles(sinks: SinkTest, mariadb_database: str) -> None:
    table = f"{mariadb_database}/pairs"
    options = ("--url", table, "-m", "proto", "-s", "proto", "pkts")
    published = [flows(seed) for seed in range(20)]
    for batch in published:
        batch.records["src_packets"] = batch.records["dst_packets"] = 1
    sinks.publish(published[:-1])
    process = sinks.start("sql", *options, "--linger", "0")
    wait_until(lambda: merged_in(table) > 0, process=process)
    kill(process)
    sinks.publish(published[-1:])
    assert sinks.run("sql", *options)[0] == 0
    assert merged_in(table) == 2 * sum(map(len, published))
    assert sinks.committed() == sinks.ends()


def merged_in(table: str) -> int:
    """Packets in the rows of a table that may not be there yet."""
    with suppress(DatabaseError):
        return int(ask(table, "SELECT sum(pkts) FROM {table}")[0][0] or 0)
    return 0


def test_a_database_that_is_away_is_waited_for_without_taking_more_than_fits(
    sinks: SinkTest, postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, at_once = 100_000, 10_000
    monkeypatch.setattr(kafka, "MOST_HELD", most)
    monkeypatch.setattr(kafka, "LESS_HELD", most // 2)
    monkeypatch.setattr(subscriber, "MOST_RECEIVED", at_once)
    monkeypatch.setattr(sql_sink, "RETRY_SECONDS", 0.05)
    sink, stop = SqlSink(postgresql_database, linger=0.0), threading.Event()
    run = kafka._SinkRun(sink, Subscription(sinks.url, sinks.group, sinks.topic, sinks.letters), kafka.SinkState())
    published, held = [flows(seed) for seed in range(60)], [0]
    largest = max(batch.records.nbytes + batch.heap.nbytes for batch in published)
    allow(postgresql_database, connections=False)
    sinks.publish(published)
    thread = threading.Thread(target=run.until, args=(stop,))
    thread.start()
    try:
        deadline = monotonic() + DEADLINE
        while not run._paused and monotonic() < deadline:
            held.append(sink.held)
            stop.wait(0.001)
        held += [sink.held for _ in range(500) if not stop.wait(0.001)]
        assert run._paused
        assert most < max(held) < most + (at_once + 2) * largest
        assert sinks.committed() == [0] * PARTITIONS
        allow(postgresql_database, connections=True)
        wait_until(lambda: sinks.committed() == sinks.ends())
    finally:
        allow(postgresql_database, connections=True)
        stop.set()
        thread.join()
    assert not run._paused
    assert_holds(postgresql_rows(postgresql_database), concatenate(published))
    sink.close()


def allow(url: str, *, connections: bool) -> None:
    """Let a database be away, its present connections cut, or back."""
    server, name = url.rsplit("/", 1)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as other:
        other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {'true' if connections else 'false'}".encode())
        if not connections:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


def rows_in(address: str) -> int:
    """Rows of a table that may not be there yet."""
    with suppress(DatabaseError):
        return int(ask(address, "SELECT count(*) FROM {table}")[0][0])
    return 0


def test_a_message_that_cannot_be_read_goes_to_the_dead_letters_and_the_others_are_kept(
    sinks: SinkTest, tmp_path: Path
) -> None:
    sinks.publish([flows(1)])
    sinks.publish_bytes(b"no batch")
    sinks.publish([flows(2)])
    status, said = sinks.run("files", *files_options(tmp_path))
    assert (status, said) == (0, "argosy sink files: 24 flows kept, 1 messages could not be read\n")
    assert sinks.dead_letters() == 1
    assert sinks.committed() == sinks.ends()


def test_what_is_refused_is_one_line_and_nothing_is_committed(
    sinks: SinkTest, tmp_path: Path, postgresql_database: str
) -> None:
    sinks.publish([flows(1)])
    (tmp_path / "x.duckdb").write_text("no database, just a text\n" * 400)
    (tmp_path / "full").write_text("no directory")
    with psycopg.connect(postgresql_database) as connection:
        connection.execute("CREATE TABLE flows (nothing int)")
    for kind, options, said in (
        ("sql", ["--url", str(tmp_path / "x.duckdb")], "x.duckdb"),
        ("sql", ["--url", postgresql_database], "lacks the column flow_id"),
        ("files", files_options(tmp_path / "full" / "x"), "full"),
    ):
        status, line = sinks.run(kind, *options)
        assert status == 1
        assert line.startswith(f"argosy sink: {'postgresql://argosy@' if 'flow_id' in said else tmp_path}")
        assert said in line
        assert line.count("\n") == 1
    assert sinks.committed() == [0] * PARTITIONS


def test_a_broker_or_topic_that_is_not_there_is_named(kafka_bootstrap: str, tmp_path: Path) -> None:
    with pytest.raises(BusError, match=r"topic absent"):
        topic_identity(f"kafka://{kafka_bootstrap}", "absent")
    sink = FileSink(tmp_path)
    with pytest.raises(BusError, match=r"^kafka://127\.0\.0\.1:9: [^\n]+$"):
        run_sink(sink, Subscription("kafka://127.0.0.1:9", "group", connect=0.5), threading.Event())
    sink.close()


def test_a_topic_made_anew_is_another_one(sinks: SinkTest) -> None:
    before = topic_identity(sinks.url, sinks.topic)
    assert before == topic_identity(sinks.url, sinks.topic)
    assert before != topic_identity(sinks.url, sinks.letters)


FULL_DISK = """
mount -t tmpfs -o size=24m tmpfs "$1" && cd "$1" || exit 9
cat /dev/zero > ballast 2> /dev/null
shift; "$@"; status=$?
cp kept/*.parquet .. && exit $status
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system: run as root")
def test_a_full_disk_is_waited_for_and_then_nothing_is_lost_or_doubled(sinks: SinkTest, tmp_path: Path) -> None:
    (disk := tmp_path / "disk").mkdir()
    batches = minutes(0, 30)
    sinks.publish([*batches, FlowBatch(watermark=END_OF_RUN), FlowBatch(watermark=END_OF_RUN)])
    inside = ["unshare", "--mount", "sh", "-c", FULL_DISK, "sh", str(disk)]
    process = sinks.start("files", *files_options(disk / "kept"), "--until-idle", "2", wrapped=inside)
    seen = Path(f"/proc/{process.pid}/root{disk}")
    assert "files wait for room" in line_that_says(process, "wait")
    assert not [path for path in (seen / "kept").iterdir() if path.suffix in {".parquet", ".partial"}]
    assert sinks.committed() == [0, 0]
    (seen / "ballast").unlink()
    _, said = process.communicate(timeout=DEADLINE)
    assert (process.returncode, said.splitlines()[-1]) == (0, "argosy sink files: 360 flows kept"), said
    assert said.count("files are written again") == 1
    assert stored(tmp_path) == sorted_keys(batches)
    assert sinks.committed() == sinks.ends()


def line_that_says(process: subprocess.Popen[str], word: str) -> str:
    assert process.stderr is not None
    return next((line for line in process.stderr if word in line), "")
