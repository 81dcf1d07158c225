"""Browsers look names up and connect: every TLS flow gets the name its own client had asked for, as of its start."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import polars as pl
import pytest

from clients.main import main
from tests.traffic.dns import address_record, alias_record, dns_answer, dns_query
from tests.traffic.packets import tcp_frame, udp_frame
from tests.traffic.pcap import write_pcap

if TYPE_CHECKING:
    from pathlib import Path

START = 1_700_000_000
SERVER = "192.0.2.53"
CLIENTS = [f"10.0.0.{number}" for number in range(1, 9)]
GRACE = 60
Frames = list[tuple[float, bytes]]


def lookup(frames: Frames, at: float, client: str, name: str, address: str, ttl: int = 300, port: int = 40000) -> None:
    number = len(frames) % 65536
    chain = [alias_record(name, f"edge.{name}", 600), alias_record(f"edge.{name}", "pop.cdn.example", ttl)]
    answer = dns_answer(number, name, answers=[*chain, address_record("pop.cdn.example", address, 900)])
    frames.append((at, udp_frame(client, SERVER, port, 53, dns_query(number, name))))
    frames.append((at + 0.02, udp_frame(SERVER, client, 53, port, answer)))


def connection(frames: Frames, at: float, client: str, address: str, port: int, seconds: float = 0.3) -> None:
    def segment(after: float, flags: str, *, back: bool = False, payload: bytes = b"", sequence: int = 1) -> None:
        ends = (address, client, 443, port) if back else (client, address, port, 443)
        frames.append((at + after, tcp_frame(*ends, flags=flags, sequence=sequence, payload=payload)))

    segment(0, "S", sequence=0)
    segment(0.01, "SA", back=True, sequence=0)
    segment(0.02, "PA", payload=b"\x16\x03\x01hello")
    for step in range(1, int(seconds // 20) + 1):
        segment(20.0 * step, "PA", payload=b"more", sequence=1 + 8 * step)
    segment(seconds, "FA", sequence=10_000)
    segment(seconds + 0.01, "FA", back=True)
    segment(seconds + 0.02, "A", sequence=10_001)


def trace() -> tuple[Frames, dict[tuple[str, int], str | None]]:
    """A browser-like trace, and by client and port the name that each TLS flow should get."""
    chance, frames, truth = random.Random(7), Frames(), dict[tuple[str, int], str | None]()
    port = 50_000
    shared = [f"198.51.100.{number}" for number in range(1, 6)]  # many sites live on few addresses
    for number in range(300):
        client, port, at = CLIENTS[number % 8], port + 1, number * 3.0
        name = f"site{chance.randrange(60)}.example"
        address = shared[(number // 8 + CLIENTS.index(client)) % 5]
        kind = number % 10
        if kind == 0:  # before its answer
            connection(frames, at, client, f"203.0.113.{number % 250}", port)
            lookup(frames, at + 0.5, client, name, f"203.0.113.{number % 250}")
            truth[client, port] = None
        elif kind == 1:  # after it has expired
            lookup(frames, at, client, name, f"192.0.2.{100 + number % 100}", ttl=5)
            connection(frames, at + 5 + GRACE + 1, client, f"192.0.2.{100 + number % 100}", port)
            truth[client, port] = None
        elif kind == 2:  # another client had asked
            lookup(frames, at, CLIENTS[(number + 1) % 8], name, f"203.0.114.{number % 250}")
            connection(frames, at + 0.1, client, f"203.0.114.{number % 250}", port)
            truth[client, port] = None
        elif kind == 3:  # for longer than a flow is kept, and than the answer holds
            lookup(frames, at, client, name, f"203.0.115.{number % 250}", ttl=10)
            connection(frames, at + 0.1, client, f"203.0.115.{number % 250}", port, seconds=400)
            truth[client, port] = name
        else:  # on an address where other sites of the same and other clients are
            lookup(frames, at, client, name, address, ttl=30)
            connection(frames, at + 0.1 + chance.random(), client, address, port)
            truth[client, port] = name
    return sorted(frames, key=lambda frame: frame[0]), truth


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("browsing")
    frames, _ = trace()
    write_pcap(directory / "browsing.pcap", [(round((START + at) * 1e9), frame) for at, frame in frames])
    assert main(["run", "-q", "-r", str(directory / "browsing.pcap"), "--data", str(directory / "data")]) == 0
    return directory / "data"


def test_every_flow_gets_the_right_name_or_none(data: Path) -> None:
    flows = pl.read_parquet(data / "**/*.parquet").filter(pl.col("protocol") == 6)
    said: dict[tuple[str, int], set[str | None]] = {}
    for client, port, label in flows.select("src_address", "src_port", "labels").iter_rows():
        name = next((pair[6:] for pair in label.split(":") if pair.startswith("dname=")), None)
        said.setdefault((".".join(str(byte) for byte in client[12:]), port), set()).add(name)
    _, truth = trace()
    assert said == {key: {name} for key, name in truth.items()}
    assert sum(name is not None for name in truth.values()) > 200


def test_flows_are_found_by_name_and_those_without_one_too(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ra", "-R", str(data), "-n", "-s", "dname:30", "-", "dname", "=", "site7.example"]) == 0
    lines = capsys.readouterr().out.split()
    assert set(lines[1:]) == {"site7.example"}
    assert main(["racount", "-R", str(data), "-", "tcp", "and", "not", "dname", "~", "."]) == 0
    counted = capsys.readouterr().out
    assert counted.split()[counted.split().index("sum") + 1] == str(3 * 30)


def test_who_an_address_was_for_a_client(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*more: str) -> list[dict[str, str]]:
        assert main(["who", "198.51.100.1", "-R", str(data), "-M", "json", *more]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    everything = told()
    clients = {name["client"] for name in everything}
    assert len(clients) > 1
    one = min(clients)
    assert told("-c", one) == [name for name in everything if name["client"] == one]
    assert {name["source"] for name in everything} == {"dns"}
    assert main(["who", "192.0.2.254", "-R", str(data)]) == 1


def test_transactions_are_listed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["radns", "-R", str(data), "-n", "^site7[.]", "-a", SERVER]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["StartTime", "Client", "Server"]
    assert all(f"{SERVER}.53" in line and "CNAME=edge.site7.example" in line for line in lines[1:])
    assert main(["radns", "-R", str(data), "-n", "nothing.like.it"]) == 1
