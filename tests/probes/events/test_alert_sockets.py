"""Alerts that a detection system sends to sockets of the host, as Suricata does."""

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from probes.events.alerts import AlertListener
from probes.events.runner import EventRunner
from probes.events.settings import EventSource


def line(number: int) -> bytes:
    alert = {"event_type": "alert", "src_ip": "10.0.0.1", "dest_ip": "10.0.0.2", "src_port": 1, "dest_port": 2,
             "proto": "UDP", "alert": {"signature_id": number, "signature": "x" * 20_000}}  # fmt: skip
    return json.dumps(alert).encode() + b"\n"


def send(kind: socket.SocketKind, path: Path, *lines: bytes) -> None:
    with socket.socket(socket.AF_UNIX, kind) as sender:
        sender.connect(str(path))
        for each in lines:
            sender.sendall(each)


def test_alerts_sent_to_sockets_become_events(tmp_path: Path) -> None:
    streams, datagrams = tmp_path / "eve.sock", tmp_path / "more.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left_behind:
        left_behind.bind(str(streams))
    places = [f"unix://{streams}", f"unixgram://{datagrams}"]
    source = EventSource.model_validate({"name": "eve", "kind": "ids", "listen": places, "every": "0.1s"})
    found: list[dict[str, Any]] = []
    with EventRunner([source], site="", probe="p", boot_id=1) as runner:
        send(socket.SOCK_STREAM, streams, line(1), b"{}\n", line(2)[:-1])
        send(socket.SOCK_DGRAM, datagrams, line(3)[:-1])
        end = time.monotonic() + 60
        while len(found) < 3 and time.monotonic() < end:
            runner.told.wait(0.05)
            found += [row for event, _ in runner.take() for row in (event.body or {})["alerts"]]
    assert sorted(row["signature"] for row in found) == [1, 2, 3]
    assert all(row["community_id"].startswith("1:") for row in found)
    assert list(tmp_path.iterdir()) == []


def test_more_than_is_taken_at_a_time_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "eve.sock"
    listener = AlertListener([("unix", str(path), 0)], most=50_000)
    send(socket.SOCK_STREAM, path, b"".join(line(number) for number in range(5)))
    end = time.monotonic() + 60
    while listener.dropped < 3 and time.monotonic() < end:
        listener.hear(0.1)
    found = listener.take()
    assert found is not None
    assert (found.output.count(b"\n"), found.status) == (2, "flooded")
    assert found.reason == "3 lines more than are taken at a time"
    assert listener.take() is None
    listener.close()


def test_a_file_is_not_taken_for_a_socket_that_was_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match="in use"):
        AlertListener([("unix", str(tmp_path / "file"), 0)], most=1000)
    assert (tmp_path / "file").read_text() == "mine"
