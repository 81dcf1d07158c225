"""What browser tests look at: the ten minutes of the office, audited by the pipeline, and what happens afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clients.main import main
from tests.traffic.attacks import vertical_scan
from tests.traffic.dns import address_record, dns_answer, dns_query
from tests.traffic.packets import tcp_frame, udp_frame
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import START, sample_frames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TimedFrame = tuple[int, bytes]

SECOND, MILLISECOND = 1_000_000_000, 1_000_000
CLIENT, RESOLVER, TRAP = "10.20.1.23", "10.20.5.53", "203.0.113.66"
# A host name that takes over any page that shows it as anything but text.
HOSTILE = '<img/src=x/onerror="document.title=1">'
COUNTRIES = {"192.0.2.0": "DE", "198.51.100.0": "US", "203.0.113.0": "JP"}


def hostile_frames(start: int = START + 120 * SECOND) -> Iterator[TimedFrame]:
    """A client looks the hostile name up and talks to its address."""
    yield start, udp_frame(CLIENT, RESOLVER, 40_001, 53, dns_query(7, HOSTILE))
    answer = dns_answer(7, HOSTILE, answers=[address_record(HOSTILE, TRAP)])
    yield start + MILLISECOND, udp_frame(RESOLVER, CLIENT, 53, 40_001, answer)
    for number, (ours, flags) in enumerate(((True, "S"), (False, "SA"), (True, "A"), (True, "FA"), (False, "FA"))):
        ends = (CLIENT, TRAP, 40_002, 443) if ours else (TRAP, CLIENT, 443, 40_002)
        yield start + (10 + number * 20) * MILLISECOND, tcp_frame(*ends, flags=flags)


def audit(frames: list[TimedFrame], folder: Path, name: str) -> Path:
    """Audit frames with labels and the starter rules; return the directory that holds what was found."""
    registry = folder / "delegated"
    registry.write_text(
        "".join(f"ripencc|{code}|ipv4|{net}|256|20200101|allocated\n" for net, code in COUNTRIES.items())
    )
    (folder / "local.txt").write_text("10.0.0.0/8 255\n")
    (folder / "networks.txt").write_text("10.20.0.0/16 co=NL\n")
    labels = folder / "labels.yaml"
    labels.write_text("delegated: [delegated]\nlocality: [local.txt]\naddresses: [networks.txt]\n")
    capture, data = folder / f"{name}.pcap", folder / "data"
    write_pcap(capture, sorted(frames))
    kept = ["--data", str(data), "--labels", str(labels), "--rules", "starter"]
    assert main(["run", "-r", str(capture), *kept]) == 0
    return data


def office(folder: Path) -> Path:
    """Audit the office, with one hostile name."""
    return audit([*sample_frames(1), *hostile_frames()], folder, "office")


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
