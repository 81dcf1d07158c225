"""What browser tests look at: the ten minutes of the office, audited by the pipeline, and what happens afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from ipaddress import ip_address
from random import Random
from typing import TYPE_CHECKING, Any

from clients.main import main
from probes.events.parsing.lsof import socket_row
from sinks.formats.events import EventWriter
from tests.traffic.attacks import vertical_scan
from tests.traffic.dns import address_record, dns_answer, dns_query
from tests.traffic.packets import mac_bytes, tcp_frame, udp_frame
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.office import ROUTER_MAC
from tests.traffic.sample.story import START, sample_frames
from tests.traffic.sample.tls import client_hello
from topics.events import EventRecord, encode_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TimedFrame = tuple[int, bytes]

SECOND, MILLISECOND, MICROSECOND = 1_000_000_000, 1_000_000, 1_000
CLIENT, RESOLVER, SERVER, TRAP = "10.20.1.23", "10.20.5.53", "10.20.5.30", "203.0.113.66"
CLIENT_MAC = "02:20:00:00:01:17"
# A host name that takes over any page that shows it as anything but text.
HOSTILE = '<img/src=x/onerror="document.title=1">'
COUNTRIES = {"192.0.2.0": "DE", "198.51.100.0": "US", "203.0.113.0": "JP"}


def hostile_frames(start: int = START + 120 * SECOND) -> Iterator[TimedFrame]:
    """A client looks the hostile name up, and says it once more in clear when it talks to its address."""
    yield start, udp_frame(CLIENT, RESOLVER, 40_001, 53, dns_query(7, HOSTILE))
    answer = dns_answer(7, HOSTILE, answers=[address_record(HOSTILE, TRAP)])
    yield start + MILLISECOND, udp_frame(RESOLVER, CLIENT, 53, 40_001, answer)
    yield from trapped_frames(start + 10 * MILLISECOND)


def trapped_frames(start: int, hops: int = 0) -> Iterator[TimedFrame]:
    """The conversation with the trap, as it is seen so many routers nearer to it."""
    hello = client_hello(HOSTILE, Random(1))
    steps = (
        (True, "S", b""),
        (False, "SA", b""),
        (True, "A", b""),
        (True, "PA", hello),
        (True, "FA", b""),
        (False, "FA", b""),
    )
    macs = [f"02:99:00:00:{hops:02x}:{number:02x}" for number in (1, 2)] if hops else [CLIENT_MAC, ROUTER_MAC]
    sent = {True: 1, False: 1}
    for number, (ours, flags, payload) in enumerate(steps):
        ends = (CLIENT, TRAP, 40_002, 443) if ours else (TRAP, CLIENT, 443, 40_002)
        time = start + number * 20 * MILLISECOND + (hops if ours else -hops) * 200 * MICROSECOND
        source, destination = macs if ours else macs[::-1]
        yield time, tcp_frame(
            *ends, flags=flags, sequence=sent[ours], acknowledgement=sent[not ours], payload=payload,
            ttl=64 - hops if ours else 50 + hops, source_mac=source, destination_mac=destination,
            vlans=(99,) if hops else (),
        )  # fmt: skip
        sent[ours] += len(payload) + ("S" in flags) + ("F" in flags)


def told(path: Path) -> None:
    """Write what hosts and devices tell while the office works: whose sockets these were, and who was on which port."""
    here, trap, server, anybody = (_sixteen(text) for text in (CLIENT, TRAP, SERVER, "::"))
    browser = socket_row(
        protocol=6, local=here, local_port=40_002, remote=trap, remote_port=443, pid=4711, process="browser", user="ann"
    )
    shell = socket_row(
        protocol=6, local=server, local_port=22, remote=anybody, remote_port=0, pid=300, process="sshd", user="root"
    )
    with EventWriter(str(path)) as kept:
        for number in range(60):
            for host, row in (("desk", browser), ("server", shell)):
                body = {"sockets": [row], "destroyed": 0, "unknown": 0, "lost": 0}
                at = START + number * 10 * SECOND
                kept.write(encode_event(EventRecord("", host, 1, number, "lsof", "lsof", at, at, body=body)))
        kept.write(encode_event(EventRecord("", "edge", 1, 0, "snmp", "snmp", START, START, body=switch(here))))


def switch(address: bytes) -> dict[str, Any]:
    """Return what a switch tells of a client on its seventh port."""
    mac = mac_bytes(CLIENT_MAC)
    unknown = dict.fromkeys(("version", "name", "description", "object_id", "location"), "")
    return unknown | {
        "device": "switch-1", "uptime": 0, "interfaces": [],
        "neighbours": [{"address": address, "mac": mac, "interface": 7}],
        "stations": [{"mac": mac, "port": 7, "port_name": "Gi1/0/7", "vlan": 1}],
    }  # fmt: skip


def audit(frames: list[TimedFrame], folder: Path, name: str, probe: str = "edge") -> Path:
    """Audit frames with labels, payload, events and the starter rules; return the directory of what was found."""
    registry = folder / "delegated"
    registry.write_text(
        "".join(f"ripencc|{code}|ipv4|{net}|256|20200101|allocated\n" for net, code in COUNTRIES.items())
    )
    (folder / "local.txt").write_text("10.0.0.0/8 255\n")
    (folder / "networks.txt").write_text("10.20.0.0/16 co=NL\n")
    (folder / "origins.txt").write_text(
        "".join(f"{net}/24 as={64_496 + place}\n" for place, net in enumerate(COUNTRIES))
    )
    labels = folder / "labels.yaml"
    labels.write_text("delegated: [delegated]\nlocality: [local.txt]\naddresses: [networks.txt, origins.txt]\n")
    capture, data = folder / f"{name}.pcap", folder / "data"
    write_pcap(capture, sorted(frames))
    told(folder / f"{name}.pcap.events")
    kept = ["--data", str(data), "--labels", str(labels), "--rules", "starter", "-U", "600", "-e", probe]
    assert main(["run", "-r", str(capture), *kept]) == 0
    return data


def office(folder: Path) -> Path:
    """Audit the office, with one hostile name, and what a probe two routers farther saw of that."""
    audit([*sample_frames(1), *hostile_frames()], folder, "office")
    return audit(list(trapped_frames(START + 120 * SECOND + 11 * MILLISECOND, hops=2)), folder, "far", probe="core")


def afterwards(folder: Path) -> Path:
    """Audit what happens a quarter of an hour later, into the same directory: one host scans another."""
    return audit(list(vertical_scan(START + 900 * SECOND)), folder, "afterwards")


@contextmanager
def served(data: Path, folder: Path) -> Iterator[str]:
    """Serve a directory with `argosy web`; gives the address of the page."""
    command = [sys.executable, "-m", "clients.main", "web", "-R", str(data), "--port", "0"]
    places = ["--cache", str(folder / "cache"), "--state", str(folder / "state")]
    environment = {name: value for name, value in os.environ.items() if name != "ARGOSY_WEB_TOKEN"}
    server = subprocess.Popen([*command, *places], stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert server.stderr is not None
        line = server.stderr.readline()
        assert line.startswith("http://"), line
        yield line.split()[0].rstrip("/")
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _sixteen(text: str) -> bytes:
    address = ip_address(text)
    return address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed
