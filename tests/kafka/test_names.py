"""Names on a real Kafka: payloads become transactions and names, and flows of workers get those of the local engine."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from clients.main import main
from probes.captures import CaptureSource
from probes.control.plane import ControlPlane
from probes.flows.probe import ProbeSettings
from probes.sensor import Sensor
from processors.labels import Labeller, NoLists
from processors.merge import FlowMerge, MergeSettings
from processors.names import Naming
from tests.kafka.workers import PARTITIONS, STOP_SECONDS, Bench, flows_by_key
from tests.processors.names.test_browsing import START, trace
from tests.traffic.pcap import write_pcap
from tests.waiting import wait_until
from topics.bus import Publisher, Subscriber, create_topics
from topics.bus.producer import ConfirmedProducer
from topics.control import ControlBatch, encode_control, split_control
from topics.definitions import TopicDefinition
from topics.dns import decode_dns
from topics.names import decode_name, name_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.kafka.workers import Flows
    from topics.batch import FlowBatch
    from topics.dns import DnsBatch
    from topics.names import AddressName

SETTINGS = MergeSettings(idle_timeout=12, other_idle_timeout=12, active_timeout=25)
PATIENCE = 60.0


def observed(path: Path) -> tuple[list[ControlBatch], list[FlowBatch]]:
    """The payloads and the status records of a capture."""
    settings = ProbeSettings(probe="edge")
    plane = ControlPlane(settings, ("dns",))
    sensor = Sensor(settings, protocols=plane.protocols)
    payloads: list[ControlBatch] = []
    records: list[FlowBatch] = []
    for block in CaptureSource([str(path)]):
        records += sensor.take(block)
        payloads += plane.take(block, sensor.marks(block))
    return [*payloads, *plane.flush()], [*records, *sensor.flush()]


def named_locally(payloads: list[ControlBatch], records: list[FlowBatch]) -> tuple[Flows, int, list[AddressName]]:
    """What the local engine makes of them: flows, how many transactions, and names."""
    naming, merge = Naming(), FlowMerge(SETTINGS)
    results = [naming.process(batch) for batch in payloads] + naming.flush()
    transactions, told = sum(len(batch) for batch, _ in results), [name for _, names in results for name in names]
    labeller = Labeller(NoLists(), naming.table)
    flows = [done for batch in records for done in merge.process(batch)]
    labelled = [named for batch in [*flows, *merge.flush()] for named in labeller.process(batch)]
    return flows_by_key(labelled), transactions, told


def everything(url: str, topic: str, decode: Callable[[bytes], Any], count: Callable[[list[Any]], bool]) -> list[Any]:
    found: list[Any] = []
    end = time.monotonic() + PATIENCE
    with Subscriber(url, topic, decode=decode, dead_letters=None) as subscriber:
        while not count(found):
            assert time.monotonic() < end, f"only {len(found)} messages"
            found += [received.value for received in subscriber.receive(0.2)]
    return found


def cut(batch: ControlBatch) -> list[ControlBatch]:
    return [batch.replace(records=batch.records[at : at + 20]) for at in range(0, len(batch), 20)]


def rows(batch: DnsBatch) -> list[tuple[int, int, int, bytes]]:
    return [
        (int(row["time"]), int(row["answered"]), int(row["id"]), row["flow_id"].tobytes()) for row in batch.transactions
    ]


def has_rows(count: int, batches: list[DnsBatch]) -> bool:
    return sum(map(len, batches)) >= count


def test_a_crash_leaves_every_transaction_and_name_once(bench: Bench, tmp_path: Path) -> None:
    frames, _ = trace()
    write_pcap(tmp_path / "browsing.pcap", [(round((START + at) * 1e9), frame) for at, frame in frames])
    payloads, _ = observed(tmp_path / "browsing.pcap")
    pieces = [part for batch in payloads for piece in cut(batch) for part in split_control(piece, PARTITIONS)]
    parts = [part.replace(sequence=number) for number, part in enumerate(pieces)]
    namings = [Naming() for _ in range(PARTITIONS)]
    results = [namings[part.partition].process(part) for part in parts]
    expected = sorted(row for found, _ in results for row in rows(found))
    keys = {name_key(name) for _, names in results for name in names}

    url, prefix = f"kafka://{bench.bootstrap}", bench.prefix
    control, dns, names = (prefix + name for name in ("control", "dns", "names"))
    create_topics(url, [TopicDefinition(name, "", "", 1) for name in (control, dns, names)], partitions=PARTITIONS)
    command = [sys.executable, "-m", "clients.main", "names", "--bus", url, "--group", prefix + "names"]
    command += ["--input", control, "--dns", dns, "--names", names, "--dead-letters", bench.dead_letters]
    producer = ConfirmedProducer(url, PATIENCE)
    got: list[DnsBatch] = []
    half = len(parts) // 2
    sent_again = parts[:half]  # by a probe that died before it had noted that they were confirmed
    for share, number in ((parts[:half], signal.SIGKILL), ([*sent_again, *parts[half:]], signal.SIGTERM)):
        for part in share:
            producer.send(control, encode_control(part), part.partition)
        producer.flush()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
        wanted = 1 if number == signal.SIGKILL else len(expected)
        try:
            got = everything(url, dns, decode_dns, functools.partial(has_rows, wanted))
        finally:
            process.send_signal(number)
            process.wait(STOP_SECONDS)
        assert number == signal.SIGKILL or process.returncode == 0
    got = everything(url, dns, decode_dns, functools.partial(has_rows, len(expected)))
    assert sorted(row for batch in got for row in rows(batch)) == expected
    found = everything(url, names, decode_name, lambda found: {name_key(name) for name in found} >= keys)
    assert {name_key(name) for name in found} == keys


def test_flows_get_the_names_of_the_local_engine_however_late_these_are_made(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames, _ = trace()
    write_pcap(tmp_path / "browsing.pcap", [(round((START + at) * 1e9), frame) for at, frame in frames])
    payloads, records = observed(tmp_path / "browsing.pcap")
    expected, transactions, told = named_locally(payloads, records)
    assert sum("dname=" in fields for fields in expected.values()) > 200

    url, prefix = f"kafka://{bench.bootstrap}", bench.prefix
    control, dns, names = (prefix + name for name in ("control", "dns", "names"))
    create_topics(url, [TopicDefinition(name, "", "", 1) for name in (control, dns, names)], partitions=PARTITIONS)
    producer = ConfirmedProducer(url, PATIENCE)
    for batch in payloads:
        for part in split_control(batch, PARTITIONS):
            producer.send(control, encode_control(part), part.partition)
    for number in range(PARTITIONS):
        producer.send(control, b"no payloads", number)  # nothing to wait for
    producer.flush()
    with Publisher(url, bench.input) as publisher:
        for reported in records:
            publisher.publish(reported)
    for number in range(PARTITIONS):
        bench.publish_bytes(b"behind all", number)

    options = ("--names", names, "--control", control, "--names-group", prefix + "names")
    bench.start(*options)
    wait_until(lambda: sum(bench.ends(bench.dead_letters)) >= PARTITIONS, "flows that all wait for their names")
    assert not bench.flows()
    command = [sys.executable, "-m", "clients.main", "names", "--bus", url, "--group", prefix + "names"]
    command += ["--input", control, "--dns", dns, "--names", names, "--dead-letters", bench.dead_letters]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    try:
        wait_until(lambda: flows_by_key(bench.flows()).keys() >= expected.keys(), "flows of the worker")
        assert flows_by_key(bench.flows()) == expected
        bench.wait_until_all_is_acknowledged()
        bench.end_workers()
        keys = {name_key(name) for name in told}
        everything(url, names, decode_name, lambda found: {name_key(name) for name in found} >= keys)
        got = everything(url, dns, decode_dns, lambda found: sum(map(len, found)) >= transactions)
        assert sum(map(len, got)) == transactions
        whose = {each.tobytes() for batch in got for each in batch.transactions["flow_id"]}
        assert whose <= {each.tobytes() for batch in records for each in batch.records["flow_id"]}
        assert main(["who", "site7.example", "-S", f"{url}/{names}", "-M", "json"]) == 0
        assert '"name": "site7.example"' in capsys.readouterr().out

        bench.group, bench.output = prefix + "again", prefix + "flows-again"
        create_topics(url, [TopicDefinition(bench.output, "", "", 1)], partitions=PARTITIONS)
        bench.start(*options)  # with all the names there from the start
        wait_until(lambda: flows_by_key(bench.flows()).keys() >= expected.keys(), "flows of the second worker")
        assert flows_by_key(bench.flows()) == expected
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
