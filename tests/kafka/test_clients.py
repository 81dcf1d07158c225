"""The clients on a live topic of a real Kafka."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from clients.main import main
from tests.clients.flows import ten
from topics.bus import Publisher
from topics.bus.administration import admin_client, create_topics
from topics.definitions import FLOWS

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
    for deleted in admin_client(url).delete_topics([name]).values():
        deleted.exception()


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


@pytest.mark.parametrize("source", ["kafka://host", "kafka:///topic", "argus://host:561"])
def test_what_is_no_topic_is_refused(source: str, capfdbinary: Capture) -> None:
    assert main(["ra", "-S", source]) == 2
    assert b"option -S takes kafka://HOST[:PORT]/TOPIC" in capfdbinary.readouterr().err
