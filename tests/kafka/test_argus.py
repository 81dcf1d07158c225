"""The protocol of Argus at both ends of a topic: `radium` serves it to the real ra, `probe --argus` fills it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deploy.kafka.ports import free_port
from tests.argus_records import argus_tools, run_ra
from tests.clients.flows import ten
from tests.clients.test_radium import LSOF, batches, event, serving
from tests.kafka.removal import delete_topics
from topics.bus import Publisher, Subscriber
from topics.bus.administration import create_topics
from topics.definitions import EVENTS, FLOW_STATUS, FLOWS, PROBES
from topics.events import decode_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from topics.batch import FlowBatch
    from topics.events import EventRecord

LONG = 150.0
COMMAND = (sys.executable, "-m", "clients.main")


@pytest.fixture
def bus(kafka_bootstrap: str, topic_prefix: str) -> Iterator[tuple[str, str]]:
    """Address of the brokers, and what the names of the test's topics begin with."""
    url = f"kafka://{kafka_bootstrap}"
    definitions = [replace(each, name=topic_prefix + each.name) for each in (FLOWS, FLOW_STATUS, PROBES, EVENTS)]
    create_topics(url, definitions, partitions=1)
    yield url, topic_prefix
    delete_topics(url, [each.name for each in definitions])


@pytest.mark.timeout(400)
def test_ra_attaches_to_a_topic(bus: tuple[str, str], tmp_path: Path) -> None:
    argus_tools()
    url, prefix = bus
    topic = prefix + FLOWS.name
    radium = [*COMMAND, "radium", "-S", f"{url}/{topic}", "-P", "0"]
    out = tmp_path / "got.argus"
    with subprocess.Popen(radium, stderr=subprocess.PIPE, text=True) as serving_topic:
        assert serving_topic.stderr is not None
        line = serving_topic.stderr.readline()
        port = re.search(r"listening on \S+:(\d+)", line)
        if port is None:
            serving_topic.kill()
            pytest.fail(line)
        attach = ["ra", "-S", f"127.0.0.1:{port[1]}", "-N", "3", "-w", str(out), "-", "udp"]
        with subprocess.Popen(attach, env=os.environ | {"HOME": str(tmp_path)}) as ra:
            end = time.monotonic() + LONG
            while ra.poll() is None and time.monotonic() < end:  # again until it has begun to listen
                with Publisher(url, topic) as publisher:
                    publisher.publish(ten())
                with suppress(subprocess.TimeoutExpired):
                    ra.wait(0.5)
            ra.kill()
        serving_topic.send_signal(signal.SIGINT)
    shown = run_ra(out, "-nn", "-c", ",", "-s", "proto", "saddr").splitlines()
    assert {line for line in shown if line[0].isdigit()} == {
        "17,10.0.0.3",
        "17,10.0.0.6",
        "17,10.0.0.9",
    }


@pytest.mark.timeout(400)
def test_records_of_an_argus_come_to_the_topic_once(bus: tuple[str, str], tmp_path: Path) -> None:
    url, prefix = bus
    whole = sum(map(len, batches()))
    names = ("--topic", FLOW_STATUS, "--status-topic", PROBES, "--events-topic", EVENTS)
    topics = [each if isinstance(each, str) else prefix + each.name for each in names]
    with serving(close=False) as server:
        probe = [*COMMAND, "probe", "-X", "--argus", f"127.0.0.1:{server.port}", "--bus", url, *topics]
        with subprocess.Popen([*probe, "--spool", str(tmp_path / "spool")], stderr=subprocess.DEVNULL) as process:
            found = 0
            watcher = threading.Timer(LONG, process.kill)
            watcher.start()
            subscriber: Subscriber[FlowBatch] = Subscriber(url, prefix + FLOW_STATUS.name, dead_letters=None)
            with subscriber:
                while found < whole and process.poll() is None:
                    found += sum(len(each.value) for each in subscriber.receive(0.5))
                process.send_signal(signal.SIGTERM)
                assert process.wait(LONG) == 0
                found += sum(len(each.value) for each in subscriber.receive(0.5))
            watcher.cancel()
    assert found == whole


@pytest.mark.timeout(400)
def test_events_of_an_argus_come_to_their_topic(bus: tuple[str, str]) -> None:
    url, prefix = bus
    names = ("--topic", FLOW_STATUS, "--status-topic", PROBES, "--events-topic", EVENTS)
    topics = [each if isinstance(each, str) else prefix + each.name for each in names]
    place = ("127.0.0.1", free_port())
    probe = [*COMMAND, "probe", "-X", "--argus", f"argus-udp://127.0.0.1:{place[1]}", "--bus", url, *topics]
    found: list[EventRecord] = []
    subscriber = Subscriber(url, prefix + EVENTS.name, decode=decode_event, dead_letters=None)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with subscriber, sender, subprocess.Popen(probe, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + LONG
        while not found and process.poll() is None and time.monotonic() < end:  # again until it has begun to listen
            sender.sendto(event(b"prog:/usr/local/bin/argus-lsof -n\n" + LSOF), place)
            found += [each.value for each in subscriber.receive(0.5)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONG) == 0
    assert (found[0].source, found[0].kind, found[0].status) == ("prog:/usr/local/bin/argus-lsof", "lsof", "ok")
    assert found[0].started == 1_700_000_000_000_005_000
