"""Sockets that exporters send to, on loopback."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from probes.exporters import binding
from probes.exporters.framing import Framing
from probes.exporters.listening import Listener
from tests.probes.exporters.collected import collector
from tests.traffic.exports import SENT, USUAL, flow_sample, ipfix, one_set, sflow, template, usual
from tests.traffic.packets import udp_frame
from topics.errors import InterfaceError

if TYPE_CHECKING:
    from collections.abc import Callable

RECORD = usual("10.0.0.1", "10.0.0.2", (40000, 443), 10, 1000, SENT * 1000, SENT * 1000)
GOOD = ipfix([template(256, USUAL), one_set(256, RECORD)])
DEADLINE = 60


def until(listener: Listener, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds() and time.monotonic() < deadline:
        listener.poll(0.05)
    assert holds()


def test_datagrams_and_streams_are_heard() -> None:
    one = collector()
    listener = Listener((("netflow", "127.0.0.1", 0), ("ipfix", "127.0.0.1", 0), ("sflow", "127.0.0.1", 0)), one)
    listener.open()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(GOOD, ("127.0.0.1", listener.ports["netflow", "udp"]))
            datagrams.sendto(GOOD, ("127.0.0.1", listener.ports["ipfix", "udp"]))
            samples = sflow([flow_sample(udp_frame("10.0.0.1", "10.0.0.2", 4000, 53, b"x"))])
            datagrams.sendto(samples, ("127.0.0.1", listener.ports["sflow", "udp"]))
        with socket.create_connection(("127.0.0.1", listener.ports["ipfix", "tcp"])) as stream:
            stream.sendall((GOOD * 3)[:-10])
            until(listener, lambda: sum(each.datagrams for each in one.exporters.values()) == 5)
            stream.sendall(GOOD[-10:])
            until(listener, lambda: sum(each.datagrams for each in one.exporters.values()) == 6)
        list(one.finish())
        assert sum(each.counts["records"] for each in one.exporters.values()) == 6
        assert {each.name for each in one.exporters.values()} == {"127.0.0.1", "192.0.2.9"}
        listener.stop()
        assert not listener.poll(0)
    finally:
        listener.close()


def test_a_stream_of_something_else_is_ended() -> None:
    one = collector()
    listener = Listener((("ipfix", "127.0.0.1", 0),), one)
    listener.open()
    try:
        with socket.create_connection(("127.0.0.1", listener.ports["ipfix", "tcp"])) as stream:
            stream.sendall(b"GET / HTTP/1.0\r\n\r\n")
            until(listener, lambda: one.counts["broken_streams"] == 1)
    finally:
        listener.close()


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        listener = Listener((("netflow", "127.0.0.1", port),), collector())
        with pytest.raises(InterfaceError, match=rf"--netflow 127\.0\.0\.1:{port}: Address already in use"):
            listener.open()
        listener.close()


def test_any_port_is_one_that_all_protocols_have_free(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[socket.socket] = []
    real = binding._bound

    def taken_by_another(host: str, port: int, what: int, protocol: int) -> socket.socket:
        if protocol == socket.IPPROTO_TCP and len(taken) < 3:
            taken.append(socket.create_server((host, port), reuse_port=False))
        return real(host, port, what, protocol)

    monkeypatch.setattr(binding, "_bound", taken_by_another)
    listener = Listener((("ipfix", "127.0.0.1", 0),), collector())
    listener.open()
    try:
        assert len(taken) == 3
        assert listener.ports["ipfix", "tcp"] == listener.ports["ipfix", "udp"]
        with socket.create_connection(("127.0.0.1", listener.ports["ipfix", "tcp"])):
            pass
    finally:
        listener.close()
        for each in taken:
            each.close()


def test_messages_come_out_of_a_stream_however_it_was_cut() -> None:
    stream = GOOD * 5
    for size in (1, 7, 100, 10_000):
        framing = Framing()
        found = [each for begin in range(0, len(stream), size) for each in framing.take(stream[begin : begin + size])]
        assert found == [GOOD] * 5
