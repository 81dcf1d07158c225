"""Records over the protocol of port 561: ours to ra, and ours from what speaks it."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import threading
import zlib
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from clients.options import Parsed
from clients.radium import peer as peers
from clients.radium.feeds import Live, Replay, Status
from clients.radium.peer import GoneError, Peer
from clients.radium.server import Server
from clients.reading.sources import Source
from clients.sensor.attached import Attached
from probes.argus.address import parsed
from probes.argus.attachment import Attachment
from probes.settings import Output, Settings
from sinks.formats import open_reader
from sinks.formats.events import read_events
from tests.argus_records import argus_tools, run_ra
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.argus.management import Management
    from topics.batch import FlowBatch

SAMPLE = Path(__file__).parents[1] / "topics" / "argus" / "sample.argus"
LONG = 60.0  # seconds, on however busy a machine


def batches() -> Iterator[FlowBatch]:
    return Source(Parsed(), [str(SAMPLE)]).batches()


def status() -> Status:
    return Status("lab1", 60)


@contextmanager
def serving(close: bool = True, **more: Any) -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Replay(batches, status, close=close), status, **more)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server
    server.stop()
    thread.join(LONG)
    assert not thread.is_alive()


def ra(port: int, target: Path, *expression: str) -> list[str]:
    argus_tools()
    options = ("-S", f"127.0.0.1:{port}", "-w", str(target), *(("-", *expression) if expression else ()))
    environment = os.environ | {"HOME": str(target.parent)}
    subprocess.run(["ra", *options], check=True, timeout=LONG, env=environment, capture_output=True)
    return run_ra(
        target, "-nn", "-u", "-c", ",", "-s", "stime", "proto", "saddr", "daddr", "pkts", "bytes"
    ).splitlines()


def test_ra_gets_all_records_of_a_file(tmp_path: Path) -> None:
    with serving() as server:
        everything = ra(server.port, tmp_path / "all.argus")
        chosen = ra(server.port, tmp_path / "some.argus", "udp", "and", "port", "53")
    shown = ("-nn", "-u", "-c", ",", "-s", "stime", "proto", "saddr", "daddr", "pkts", "bytes")
    ip = [line for line in run_ra(SAMPLE, *shown).splitlines() if ":" not in line.split(",")[2] or "::" in line]
    assert len(everything) == len(run_ra(SAMPLE, *shown).splitlines())
    assert set(ip) <= set(everything)
    assert chosen == run_ra(SAMPLE, *shown, "-", "udp and port 53").splitlines()
    assert server.clients == 2


def followed(address: str, expression: str = "", until: int = 1) -> tuple[list[FlowBatch], list[Management], list[str]]:
    """Attach until so many calls have come to their end."""
    taken: list[FlowBatch] = []
    noted: list[Management] = []
    said: list[str] = []

    def say(what: str, reason: str) -> None:
        said.append(f"{what}: {reason}")
        if sum("away" in line for line in said) == until:
            attachment.stop()

    attachment = Attachment(parsed(address), expression, "berlin", taken.append, noted.append, lambda _: None, say)
    thread = threading.Thread(target=attachment.run, daemon=True)
    thread.start()
    thread.join(LONG)
    assert not thread.is_alive()
    return taken, noted, said


def test_what_is_served_can_be_attached_to_and_is_called_again() -> None:
    whole = sum(map(len, batches()))
    with serving() as server:
        taken, noted, said = followed(f"127.0.0.1:{server.port}", until=2)
        udp, *_ = followed(f"127.0.0.1:{server.port}", "udp")
    assert sum(map(len, taken)) == 2 * whole
    assert 0 < sum(map(len, udp)) < whole
    assert {int(number) for batch in udp for number in batch.records["protocol"]} == {17}
    assert {o.site for batch in taken for o in batch.observers.values()} == {"berlin"}
    assert [management.cause for management in noted] == [1, 3, 1, 3]
    assert sum("attached" in line for line in said) == 2


def test_who_is_not_allowed_is_told() -> None:
    with serving(allowed=[ip_network("192.0.2.0/24")]) as server:
        taken, _, said = followed(f"127.0.0.1:{server.port}")
    assert not taken
    assert "lets nobody else in" in said[0]
    assert (server.refused, server.clients) == (1, 0)


def test_a_filter_that_is_none_is_refused() -> None:
    with serving() as server:
        _, _, said = followed(f"127.0.0.1:{server.port}", "tcp and and")
    assert "answers the filter 'tcp and and' with a syntax error" in said[0]


def test_a_client_that_talks_nonsense_is_gone() -> None:
    with serving() as server, socket.create_connection(("127.0.0.1", server.port)) as stream:
        assert stream.recv(128, socket.MSG_WAITALL)[:4] == b"\x83\x10\x00\x20"
        stream.sendall(b"\x16\x03\x01\x02\x00")
        assert stream.recv(1) == b""


def test_a_client_that_takes_too_little_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "MOST_QUEUED", 100_000)
    said: list[str] = []
    live = Live(status(), said.append)
    near, far = socket.socketpair()
    gone: list[str] = []

    def serve() -> None:
        try:
            live.serve(Peer(near, "slow:1"))
        except GoneError as error:
            gone.append(str(error))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    (batch,) = batches()
    for _ in range(10_000):
        live.publish(batch)
        if live.dropped:
            break
    far.close()
    thread.join(LONG)
    near.close()
    assert live.dropped == 1
    assert "slow:1 was dropped" in said[0]
    assert gone


LSOF = b"""COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME
sshd    812 root 3u IPv4  20112      0t0  TCP 192.0.2.5:22->192.0.2.9:40122 (ESTABLISHED)
"""


def event(text: bytes) -> bytes:
    """An event record as argus 3.0.8 sends it: source, time, text with zlib."""
    packed = zlib.compress(text)
    body = struct.pack(">HH", len(text), len(packed)) + packed + bytes(-len(packed) % 4)
    parts = bytes.fromhex("010321036c61623100000001") + struct.pack(">BBBBII", 3, 0x1D, 0x18, 3, 1_700_000_000, 5)
    parts += struct.pack(">BBH", 0x50, 0x98, 1 + len(body) // 4) + body
    return struct.pack(">BBH", 0x43, 0x20, 1 + len(parts) // 4) + parts


def test_datagrams_of_an_argus_are_taken_and_bad_ones_left_out(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    out = tmp_path / "udp.parquet"
    settings = Settings(argus=(f"argus-udp://127.0.0.1:{port}",), outputs=(Output(to=str(out)),), probe="here")
    attached = Attached(settings)
    whole = SAMPLE.read_bytes()
    datagram, place = event(b"prog:/usr/local/bin/argus-lsof -n\n" + LSOF), 0
    while len(datagram) < 20_000:
        length = 4 * int.from_bytes(whole[place + 2 : place + 4])
        datagram, place = datagram + whole[place : place + length], place + length
    sent = threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
            while not attached.attachments[0].records or not attached.attachments[0].damaged:
                stream.sendto(b"\x13\x10\0\0", ("127.0.0.1", port))
                stream.sendto(datagram, ("127.0.0.1", port))
                sent.wait(0.05)
        attached.stop()

    threading.Thread(target=send, daemon=True).start()
    attached.run()
    records = [batch for batch in open_reader(str(out)) if len(batch)]
    assert sum(map(len, records)) >= 60
    assert {o.probe for batch in records for o in batch.observers.values()} == {
        o.probe or "127.0.0.1" for batch in batches() for o in batch.observers.values()
    }
    events = list(read_events(f"{out}.events"))
    assert {(each.probe, each.source, each.kind) for each in events} == {
        ("lab1", "prog:/usr/local/bin/argus-lsof", "lsof")
    }
    assert [each.sequence for each in events] == list(range(len(events)))
    assert (events[0].started, events[0].status) == (1_700_000_000_000_005_000, "ok")
    (row,) = (events[0].body or {})["sockets"]
    assert (row["pid"], row["local_port"], row["remote_port"]) == (812, 22, 40122)
    told = [json.loads(line) for line in Path(f"{out}.status.jsonl").read_text().splitlines()]
    assert told[0]["cause"] == "start"


@pytest.mark.parametrize(
    ("text", "kind", "host", "port"),
    [
        ("probe.example", "tcp", "probe.example", 561),
        ("[2001:db8::1]:562", "tcp", "2001:db8::1", 562),
        ("argus://10.0.0.1:563", "tcp", "10.0.0.1", 563),
        ("/run/argus.sock", "unix", "/run/argus.sock", 561),
        ("argus-udp://:9995", "udp", "127.0.0.1", 9995),
    ],
)
def test_addresses(text: str, kind: str, host: str, port: int) -> None:
    address = parsed(text)
    assert (address.kind, address.host, address.port) == (kind, host, port)


@pytest.mark.parametrize("text", ["", ":561", "host:99999", "kafka://host:1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="option --argus takes HOST"):
        parsed(text)
