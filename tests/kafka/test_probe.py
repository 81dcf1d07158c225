"""The probe on a real bus: records, its own status and payloads of the control plane, straight and by the spool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from clients import topics as topics_command
from clients.main import main
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames
from topics.batch import packets_of
from topics.bus import Subscriber, create_topics
from topics.control import decode_control
from topics.control.partitions import control_hash
from topics.definitions import CONTROL, FLOW_STATUS, PROBES, SCHEMAS, SPANS, TopicDefinition
from topics.partitions import flow_hash
from topics.probe_status import read_probe_status
from topics.spans import read_span_finding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PARTITIONS = 3
DEADLINE = 60.0


def everything(url: str, topic: str, is_all: Callable[[list[Any]], bool], **options: Any) -> list[Any]:
    """All messages of a topic, read until they are all."""
    found: list[Any] = []
    end = time.monotonic() + DEADLINE
    with Subscriber(url, topic, dead_letters=None, **options) as subscriber:
        while not is_all([message.value for message in found]):
            assert time.monotonic() < end, f"only {len(found)} messages"
            found += subscriber.receive(0.2)
    return found


def records(batches: list[Any]) -> int:
    return sum(map(len, batches))


@pytest.mark.parametrize("spooled", [False, True])
def test_everything_arrives_in_the_partition_of_its_flow(
    kafka_bootstrap: str,
    topic_prefix: str,
    tmp_path: Path,
    spooled: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, capture = f"kafka://{kafka_bootstrap}", tmp_path / "a.pcap"
    write_pcap(capture, sample_frames(1))
    names = {each: topic_prefix + each.name for each in (FLOW_STATUS, PROBES, CONTROL)}
    create_topics(url, [TopicDefinition(name, "", "", 1) for name in names.values()], partitions=PARTITIONS)
    options = ["--topic", names[FLOW_STATUS], "--status-topic", names[PROBES], "--control-topic", names[CONTROL]]
    options += ["--spool", str(tmp_path / "spool")] if spooled else []
    files = ["-w", str(tmp_path / "all.arrow"), "-w", url]
    assert main(["probe", "-X", "-C", "-M", "200", "-r", str(capture), *files, *options]) == 0
    statuses = everything(url, names[PROBES], lambda found: len(found) == 4, decode=read_probe_status)
    stop = statuses[-1].value
    kept = sum(count for name, count in stop.control.items() if name.startswith("payloads_"))
    flows = [each.value for each in everything(url, names[FLOW_STATUS], lambda found: records(found) == stop.records)]
    payloads = everything(url, names[CONTROL], lambda found: records(found) == kept, decode=decode_control)

    packets = sum(1 for _ in sample_frames(1))
    assert sum(packets_of(batch.records) for batch in flows) == packets
    assert [each.value.cause for each in statuses] == ["start", "status", "status", "stop"]
    assert len({each.partition for each in statuses}) == 1
    assert stop.record_packets == packets
    assert stop.output["offered_records" if spooled else "sent_records"] == stop.records
    assert kept > 500

    homes: dict[int, int] = {}
    for batch in flows:
        homes |= dict.fromkeys(flow_hash(batch.records).tolist(), batch.partition)
    for each in payloads:
        at_home = [homes[flow] == each.partition for flow in control_hash(each.value.records).tolist() if flow in homes]
        assert at_home
        assert all(at_home)
    kept = sum(len(each.value) for each in payloads)
    assert (
        kept == sum(count for name, count in statuses[-1].value.control.items() if name.startswith("payloads_")) > 500
    )
    for partition in range(PARTITIONS):
        sequences = [each.value.sequence for each in payloads if each.partition == partition]
        assert sequences == list(range(len(sequences)))

    monkeypatch.setattr(topics_command, "TAILED", [TopicDefinition(name, "", "", 1) for name in names.values()])
    for constant in (PROBES, CONTROL):
        monkeypatch.setattr(
            topics_command,
            "PROBES" if constant is PROBES else "CONTROL",
            TopicDefinition(names[constant], "", "", 1),
        )
    capsys.readouterr()
    assert main(["topics", "tail", names[PROBES], "--bus", url, "--from-beginning", "-n", "4"]) == 0
    assert [json.loads(line)["cause"] for line in capsys.readouterr().out.splitlines()][-1] == "stop"
    assert main(["topics", "tail", names[CONTROL], "--bus", url, "--from-beginning", "-n", "50"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 50
    assert {line["kind"] for line in lines} >= {"dns", "ntp"}
    assert all(len(line["payload"]) // 2 <= line["wire_length"] for line in lines)


def test_a_missing_status_topic_does_not_stop_the_probe(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, capture, topic = f"kafka://{kafka_bootstrap}", tmp_path / "a.pcap", topic_prefix + "flows"
    write_pcap(capture, sample_frames(1))
    create_topics(url, [TopicDefinition(topic, "", "", 1)], partitions=1)
    options = ["--topic", topic, "--status-topic", topic_prefix + "absent"]
    assert main(["probe", "-X", "-r", str(capture), "-w", f"{url}", *options]) == 0
    assert 'event="probe status is not published"' in capsys.readouterr().err
    assert everything(url, topic, lambda found: records(found) > 400)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving rights up takes root")
def test_a_directory_without_python_is_no_obstacle(kafka_bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    url, capture, jail = f"kafka://{kafka_bootstrap}", tmp_path / "a.pcap", tmp_path / "jail"
    write_pcap(capture, sample_frames(1))
    jail.mkdir()
    jail.chmod(0o777)
    names = {each: topic_prefix + each.name for each in (FLOW_STATUS, PROBES, CONTROL, SPANS)}
    create_topics(url, [TopicDefinition(name, "", "", 1) for name in names.values()], partitions=1)
    create_topics(url, [SCHEMAS])  # where it is, schemas are announced there
    options = ["--topic", names[FLOW_STATUS], "--status-topic", names[PROBES], "--control-topic", names[CONTROL]]
    options += ["--spool", "/spool", "--spans-topic", names[SPANS]]
    command = [sys.executable, "-m", "clients.main", "probe", "-X", "-C", "-c", str(jail), "-u", "nobody"]
    command += ["-r", str(capture), "-w", url, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()  # the sample is of a port that is mirrored both ways
    (found,) = everything(url, names[SPANS], bool, decode=read_span_finding)
    assert found.value.diagnosis in line
    stop = everything(
        url, names[PROBES], lambda found: any(each.cause == "stop" for each in found), decode=read_probe_status
    )
    assert everything(url, names[FLOW_STATUS], lambda found: records(found) == stop[-1].value.records)
