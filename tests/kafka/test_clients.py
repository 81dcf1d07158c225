"""The clients on a live topic of a real Kafka."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

import numpy as np
import pytest
from confluent_kafka import Producer
from textual.pilot import Pilot

from clients.main import main
from clients.options import parse
from clients.ratop import command
from clients.ratop.app import Top
from clients.ratop.detail import Detail
from probes.events.parsing.lsof import socket_row
from tests.clients.flows import START, ten
from tests.clients.ratop.test_ratop import drive, lines
from tests.clients.test_radump import question as question_of
from tests.kafka.removal import delete_topics
from topics.bus import Publisher
from topics.bus.administration import create_topics
from topics.control import CONTROL_DTYPE, ControlBatch, encode_control
from topics.definitions import CONTROL, EVENTS, FLOWS
from topics.events import EventRecord, encode_event

Capture = pytest.CaptureFixture[bytes]


@pytest.fixture
def source(kafka_bootstrap: str, topic_prefix: str) -> Iterator[str]:
    """Address of a topic that holds ten records."""
    url = f"kafka://{kafka_bootstrap}"
    name = f"{topic_prefix}flows"
    create_topics(url, [replace(FLOWS, name=name)], partitions=1)
    with Publisher(url, name) as publisher:
        publisher.publish(ten())
    yield f"{url}/{name}"
    delete_topics(url, [name])


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["ra", "-L", "-1", "-s", "saddr", "-", "port 53"], ["10.0.0.3", "10.0.0.6", "10.0.0.9"]),
        (["racluster", "-m", "proto", "-L", "-1", "-s", "trans", "-", "udp"], ["3"]),
        (["rasort", "-m", "bytes", "-L", "-1", "-N", "o1", "-s", "saddr"], ["10.0.0.9"]),
        (["ra", "-L", "-1", "-N", "2", "-s", "saddr"], ["10.0.0.1", "10.0.0.2"]),
        (["rahosts", "-M", "src", "-L", "-1", "-s", "host", "-", "udp"], ["10.0.0.3", "10.0.0.6", "10.0.0.9"]),
    ],
)
def test_a_live_topic_is_read_like_a_file(
    command: list[str], expected: list[str], source: str, capfdbinary: Capture
) -> None:
    name, *options = command
    assert main([name, "-S", source, "--from-beginning", "--until-idle", "3", *options]) == 0
    assert capfdbinary.readouterr().out.decode().split() == expected


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["ragraph", "bytes", "-M", "1s", "--term"], "bit/s"),
        (["ratree"], '"10.0.0.9" -> "192.0.2.1"'),
        (["rahisto", "-H", "sbytes", "2:0-2k", "-N", "10"], " N = 10 "),
    ],
)
def test_a_live_topic_is_drawn(command: list[str], said: str, source: str, capfdbinary: Capture) -> None:
    name, *options = command
    assert main([name, *options, "-S", source, "--from-beginning", "--until-idle", "3"]) == 0
    assert said in capfdbinary.readouterr().out.decode()


def test_ratop_shows_a_live_topic_and_looks_into_its_flows(source: str) -> None:
    words = ["-S", source, "--from-beginning", "--until-idle", "3", "--period", "3600", "-n", "-P", "bytes"]

    async def act(app: Top, pilot: Pilot[None]) -> None:
        assert len(lines(app)) == 1 + 9
        assert "10.0.0.9.40009" in lines(app)[1]
        await pilot.press("end", "enter")
        assert isinstance(app.screen, Detail)
        assert "its last 2 records" in app.screen.text()

    drive(command.screen(parse(command.OPTIONS, [*words, "--idle", "600"])), act)


def test_ratop_tells_what_comes_on_a_topic_of_events_of_the_hosts_of_a_flow(
    source: str, kafka_bootstrap: str, topic_prefix: str
) -> None:
    url, name = f"kafka://{kafka_bootstrap}", f"{topic_prefix}{EVENTS.name}"
    create_topics(url, [replace(EVENTS, name=name)], partitions=2)
    producer = Producer({"bootstrap.servers": kafka_bootstrap})

    def publish(number: int, program: str) -> None:
        remote = bytes(10) + b"\xff\xff" + ip_address("10.0.0.9").packed
        row = socket_row(local=bytes(16), remote=remote, protocol=6, local_port=80, pid=7, process=program)
        body = {"sockets": [row], "destroyed": 0, "unknown": 0, "lost": 0}
        event = EventRecord("", "web1", 1, number, "lsof", "lsof", START + number, START, body=body)
        producer.produce(name, encode_event(event))
        assert not producer.flush(30)

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("home", "enter")
        assert isinstance(app.screen, Detail)
        for number, program in enumerate(("before", "while")):
            if number:
                publish(number, program)
            text = await _said(app.screen, pilot, f"process={program}")
            assert f"process={program}" in text
            assert f"the last {number + 1} events about its hosts" in text

    publish(0, "before")
    words = ["-S", source, "--from-beginning", "--until-idle", "3", "--period", "3600", "-n", "-P", "bytes"]
    try:
        drive(command.screen(parse(command.OPTIONS, [*words, "--idle", "600", "--events", f"{url}/{name}"])), act)
    finally:
        delete_topics(url, [name])


async def _said(page: Detail, pilot: Pilot[None], words: str) -> str:
    """Return the text of a page once it holds some words, or after half a minute."""
    for _ in range(600):
        if words in page.text():
            break
        await pilot.pause(0.05)
    return page.text()


def test_payloads_of_the_control_plane_are_listed_from_their_topic(
    kafka_bootstrap: str, topic_prefix: str, capfdbinary: Capture
) -> None:
    url, name = f"kafka://{kafka_bootstrap}", f"{topic_prefix}{CONTROL.name}"
    create_topics(url, [replace(CONTROL, name=name)], partitions=1)
    question = question_of(b"a.example")
    records = np.zeros(1, CONTROL_DTYPE)
    for field, value in {"time": START, "ethertype": 0x0800, "protocol": 17, "dst_port": 53}.items():
        records[field] = value
    records["payload_length"] = records["wire_length"] = len(question)
    message = encode_control(ControlBatch(records, np.frombuffer(question, np.uint8), kinds=("dns",)))
    try:
        producer = Producer({"bootstrap.servers": kafka_bootstrap})
        producer.produce(name, message)
        assert not producer.flush(30)
        until = ["--from-beginning", "-N", "1"]
        assert main(["radump", "-S", f"{url}/{name}", *until, "-L", "-1", "-s", "app", "suser"]) == 0
        assert capfdbinary.readouterr().out.decode().split() == ["dns", "9+", "A?", "a.example"]
    finally:
        delete_topics(url, [name])


@pytest.mark.parametrize("source", ["kafka://host", "kafka:///topic", "argus://host:561"])
def test_what_is_no_topic_is_refused(source: str, capfdbinary: Capture) -> None:
    assert main(["ra", "-S", source]) == 2
    assert b"option -S takes kafka://HOST[:PORT]/TOPIC" in capfdbinary.readouterr().err
