"""ARGOSY_BUS_WAIT: brokers, topics and databases that are not there yet."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from clients.sink import shared
from clients.sink.shared import opened_when_there
from deploy.kafka.ports import free_port
from topics.bus import administration, create_topics, partition_count
from topics.definitions import TopicDefinition
from topics.errors import BusError, DatabaseAwayError, SettingsError


class Relay:
    """The way to a broker, closed until `open`. Only the first question goes through it: brokers name themselves."""

    def __init__(self, target: str) -> None:
        self.port, self.is_open = free_port(), False
        self._target = target.rsplit(":", 1)
        self._sockets: list[socket.socket] = []

    def open(self) -> None:
        self.is_open = True
        listener = socket.create_server(("127.0.0.1", self.port))
        self._sockets.append(listener)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self) -> None:
        for each in self._sockets:
            each.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
                broker = socket.create_connection((self._target[0], int(self._target[1])))
            except OSError:
                return
            self._sockets += [caller, broker]
            for source, sink in ((caller, broker), (broker, caller)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        return


@pytest.fixture
def relay(kafka_bootstrap: str) -> Iterator[Relay]:
    made = Relay(kafka_bootstrap)
    yield made
    made.close()


def topic(name: str) -> TopicDefinition:
    return TopicDefinition(f"test-waiting-{name}", "key", "message", 1, partitions=2)


def test_a_topic_that_is_made_later_is_waited_for(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url, made, pause = f"kafka://{kafka_bootstrap}", list[float](), time.sleep

    def make_it_meanwhile(seconds: float) -> None:
        made.append(seconds)
        if len(made) == 1:
            create_topics(url, [topic("later")])
        else:
            pause(min(seconds, 0.05))

    monkeypatch.setenv("ARGOSY_BUS_WAIT", "60")
    monkeypatch.setattr(time, "sleep", make_it_meanwhile)
    assert partition_count(url, topic("later").name) == 2
    assert made


def test_without_it_a_missing_topic_is_an_error_at_once(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_waits(_: float) -> None:
        raise AssertionError("waited for a topic that nobody makes")

    monkeypatch.setattr(time, "sleep", nobody_waits)
    with pytest.raises(BusError, match="does not exist"):
        partition_count(f"kafka://{kafka_bootstrap}", "test-waiting-never")


def test_a_broker_that_comes_later_is_waited_for(
    relay: Relay, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_topics(f"kafka://{kafka_bootstrap}", [topic("there")])
    url, ask = f"kafka://127.0.0.1:{relay.port}", administration._topics
    with pytest.raises(BusError, match=r"no Kafka broker answered within 0.2 s"):
        partition_count(url, topic("there").name, 0.2)

    def come_after_the_first_time(client: Any, name: str | None, left: float, refusals: list[Any]) -> Any:
        if relay.is_open:
            return ask(client, name, left, refusals)
        try:
            return ask(client, name, 0.2, refusals)
        finally:
            relay.open()

    monkeypatch.setattr(administration, "_topics", come_after_the_first_time)
    monkeypatch.setenv("ARGOSY_BUS_WAIT", "60")
    assert partition_count(url, topic("there").name, 0.2) == 2


def test_a_database_that_comes_later_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = list[int]()

    def open_database() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise DatabaseAwayError("nobody listens there")
        return "open"

    monkeypatch.setattr(shared, "RETRY_SECONDS", 0.0)
    with pytest.raises(DatabaseAwayError):
        opened_when_there(open_database)
    assert len(tries) == 1

    monkeypatch.setenv("ARGOSY_BUS_WAIT", "60")
    assert opened_when_there(open_database) == "open"
    assert len(tries) == 3


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "1e9"])
def test_a_time_that_is_none_is_an_error_that_names_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_BUS_WAIT", text)
    with pytest.raises(SettingsError, match=r"^ARGOSY_BUS_WAIT: "):
        partition_count("kafka://127.0.0.1:1", "any")
