"""A topic goes to a collector of IPFIX: what a group has sent is not sent again, what was not confirmed is."""

from __future__ import annotations

import socket
import struct
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from clients.main import main
from probes.exporters.framing import Framing
from tests.clients.flows import ten
from tests.kafka.removal import delete_topics
from tests.probes.exporters.collected import collected
from topics.bus import Publisher
from topics.bus.administration import create_topics
from topics.definitions import DEAD_LETTERS, FLOWS

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = 60.0


@pytest.fixture
def source(kafka_bootstrap: str, topic_prefix: str) -> Iterator[str]:
    url, name = f"kafka://{kafka_bootstrap}", f"{topic_prefix}flows"
    create_topics(url, [replace(FLOWS, name=name)], partitions=2)
    create_topics(url, [DEAD_LETTERS])
    yield f"{url}/{name}"
    delete_topics(url, [name])


def publish(source: str) -> None:
    url, _, name = source.rpartition("/")
    with Publisher(url, name) as publisher:
        publisher.publish(ten())


def exported(source: str, *more: str, refuse: bool = False, status: int = 0) -> list[bytes]:
    """Run until nothing comes; return what a collector got, which hangs up at once when it is to refuse.

    At once: what its host has confirmed counts as sent, whether the collector has read it or not.
    """
    heard: list[bytes] = []

    def listen() -> None:
        connection, _ = server.accept()
        with connection:
            if refuse:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            framing = Framing()
            while data := connection.recv(65536):
                heard.extend(framing.take(data))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        to = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        options = ["-S", source, "--to", to, "--group", source.rpartition("/")[2], "--until-idle", "2", *more]
        assert main(["export", *options]) == status
        thread.join(LONG)
    return heard


@pytest.mark.timeout(180)
def test_a_restart_neither_loses_nor_repeats(source: str) -> None:
    publish(source)
    exported(source, refuse=True, status=2)
    assert len(collected(exported(source))) == 10
    assert not exported(source, status=1)
    publish(source)
    assert set(collected(exported(source, "-", "udp")).records["protocol"].tolist()) == {17}
    assert not exported(source, status=1)


@pytest.mark.parametrize("more", [["-r", "x"], ["-N", "5"], ["-T", "5"], ["--rate", "10"]])
def test_what_a_group_cannot_do_is_refused(more: list[str], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    options = ["-S", "kafka://127.0.0.1:1/flows", "--to", "udp://127.0.0.1:1", "--group", "g"]
    assert main(["export", *options, *more]) == 2
    assert b"group" in capfdbinary.readouterr().err
