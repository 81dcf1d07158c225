"""`argosy audit` over the whole way: probe, Kafka, worker, sinks; and where something was taken away."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.kafka.workers import PARTITIONS
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames
from topics.bus import create_topics, encode_message
from topics.definitions import TopicDefinition

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.workers import Bench


def argosy(*arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "clients.main", *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert finished.returncode == status, finished.stderr + finished.stdout
    return finished.stdout


@pytest.mark.timeout(240)
def test_the_numbers_agree_until_something_is_taken_away(
    bench: Bench, postgresql_database: str, tmp_path: Path
) -> None:
    capture = tmp_path / "one.pcap"
    write_pcap(capture, sample_frames(1), nanoseconds=True)
    packets = f"{sum(1 for _ in sample_frames(1)):,}"
    bus, probes = f"kafka://{bench.bootstrap}", bench.prefix + "probes"
    create_topics(bus, [TopicDefinition(probes, "probe", "status", 24, partitions=2)])
    worker = bench.start()
    to_bus = ["--bus", bus, "--topic", bench.input, "--status-topic", probes, "--spool", str(tmp_path / "spool")]
    argosy("probe", "-r", str(capture), "-e", "edge", *to_bus)
    bench.wait_until_all_is_acknowledged()
    assert worker.stop() == 0
    where = ["--bus", bus, "--dead-letters", bench.dead_letters, "--topic", bench.output, "--until-idle", "3"]
    argosy("sink", "sql", "--url", postgresql_database, "--group", bench.prefix + "sql", *where)
    argosy("sink", "files", "--data", str(tmp_path / "kept"), "--group", bench.prefix + "files", *where)

    topics = ["--input", bench.input, "--output", bench.output, "--probes", probes, "--group", bench.group]
    audit = ["audit", "--bus", bus, *topics, "--data", str(tmp_path / "kept"), "--url", postgresql_database]
    said = argosy(*audit)
    lines = {line.split("  ")[1]: line.split() for line in said.splitlines() if line.startswith("  ")}
    assert [lines[name][1] for name in ("interface", "read", "reported", "published", "received", "merged")] == [
        packets
    ] * 6
    assert said.count(packets) == 8
    assert "every packet is accounted for" in said

    with psycopg.connect(postgresql_database) as connection:
        connection.execute("DELETE FROM flows WHERE ctid IN (SELECT ctid FROM flows LIMIT 1)")
    said = argosy(*audit, status=1)
    assert "numbers part at 'kept in postgresql://" in said

    replay = next(iter(bench.read(bench.input))).value() or b""
    bench.publish_bytes(replay, 0)
    assert "1 batches came twice and count once" in argosy(*audit, status=1)
    flows = next(batch for batch in bench.flows() if len(batch))
    forged = flows.records.copy()
    forged["flow_id"] ^= 1
    bench._producer.produce(bench.output, encode_message(flows.replace(records=forged)), partition=PARTITIONS - 1)
    bench._producer.flush()
    assert "numbers part at 'merged': " in argosy(*audit, status=1)
