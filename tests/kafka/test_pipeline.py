"""The whole path on real servers: captures, probe, Kafka, two workers, PostgreSQL; the same flows as in one process."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from probes.captures import CaptureSource
from probes.flows.probe import ProbeSettings
from probes.sensor import Sensor, flow_batches
from processors.engine import local
from processors.merge import FlowMerge, MergeSettings
from tests.sinks.sql.fields import assert_holds, postgresql_rows
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames
from topics.batch import FlowBatch, concatenate, packets_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.workers import Bench

# As the workers of Bench are started.
SETTINGS = MergeSettings(idle_timeout=12, other_idle_timeout=12, active_timeout=25)


class Kept:
    """A sink that keeps flows in memory."""

    def __init__(self) -> None:
        self.batches: list[FlowBatch] = []

    def write(self, batch: FlowBatch) -> None:
        self.batches.append(batch)

    def advance(self, watermark: int) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


def argosy(*arguments: str) -> None:
    command = [sys.executable, "-m", "clients.main", *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert finished.returncode == 0, finished.stderr


def in_one_process(paths: list[Path]) -> FlowBatch:
    kept = Kept()
    for path in paths:
        batches = flow_batches(CaptureSource([str(path)]), Sensor(ProbeSettings(probe=path.stem)))
        local.run(batches, [FlowMerge(SETTINGS)], [kept])
    return concatenate(kept.batches)


@pytest.mark.timeout(240)
def test_captures_through_kafka_give_the_flows_of_one_process_though_a_worker_is_killed(
    bench: Bench, postgresql_database: str, tmp_path: Path
) -> None:
    paths = [tmp_path / "one.pcap", tmp_path / "two.pcap"]
    for seed, path in enumerate(paths, start=1):
        write_pcap(path, sample_frames(seed), nanoseconds=True)
    expected = in_one_process(paths)
    bus = f"kafka://{bench.bootstrap}"
    victim = bench.start()
    victim.wait_for("started")
    bench.start().wait_for("started")
    argosy("probe", "-r", str(paths[0]), "-e", "one", "--bus", bus, "--topic", bench.input)
    bench.wait_for_flows(100)
    victim.kill()
    argosy("probe", "-r", str(paths[1]), "-e", "two", "--bus", bus, "--topic", bench.input)
    bench.wait_until_all_is_acknowledged()
    sink = ["--url", postgresql_database, "--group", f"{bench.prefix}sink", "--until-idle", "3"]
    argosy("sink", "sql", "--bus", bus, "--topic", bench.output, "--dead-letters", bench.dead_letters, *sink)
    assert_holds(postgresql_rows(postgresql_database), expected)
    assert packets_of(expected.records) == sum(1 for seed in (1, 2) for _ in sample_frames(seed))
