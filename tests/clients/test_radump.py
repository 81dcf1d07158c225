"""What payloads say, listed."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from clients.main import main
from tests.clients.flows import record, write
from topics.batch import FlowBatch, concatenate

Capture = pytest.CaptureFixture[bytes]


def talk(number: int, protocol: int, port: int, source: bytes, target: bytes = b"") -> FlowBatch:
    """A record whose two sides said this, and no more."""
    batch = record(number, protocol, port)
    batch.records["src_payload_length"], batch.records["dst_payload_length"] = len(source), len(target)
    batch.records["dst_payload_offset"] = len(source)
    batch.records["src_app_bytes"], batch.records["dst_app_bytes"] = len(source), len(target)
    return batch.replace(heap=np.frombuffer(source + target, np.uint8))


def question(name: bytes) -> bytes:
    labels = b"".join(bytes((len(label),)) + label for label in name.split(b"."))
    return struct.pack("!6H", 9, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


@pytest.fixture
def file(tmp_path: Path) -> str:
    asked = b"GET /secret?password=tiger HTTP/1.1\r\nHost: example.com\r\n\r\n"
    said = [
        talk(1, 6, 80, asked, b"HTTP/1.1 200 OK\r\nServer: web\r\n\r\n"),
        talk(2, 17, 53, question(b"www.example.com")),
        talk(3, 17, 53, question(b"www.example.com")[:-2]),
        record(4, 6, 443),
    ]
    return write(tmp_path / "flows.parquet", concatenate(said))


def listed(capture: Capture) -> list[str]:
    return [" ".join(line.split()) for line in capture.readouterr().out.decode().splitlines()]


def test_what_both_sides_say_is_listed(file: str, capfdbinary: Capture) -> None:
    assert main(["radump", "-r", file, "-L", "-1", "-s", "app", "suser:80", "duser:40"]) == 0
    found = listed(capfdbinary)
    assert found[0] == "http GET /secret?password=tiger host=example.com 200 OK server=web"
    assert found[1] == "dns 9+ A? www.example.com"
    assert found[2].endswith("[malformed: ends too early]")
    assert found[3] == ""


def test_records_without_payload_are_told_of_once(tmp_path: Path, file: str, capfdbinary: Capture) -> None:
    assert main(["radump", "-r", write(tmp_path / "none.parquet", record(4, 6, 443)), file, "-", "port 443"]) == 0
    told = capfdbinary.readouterr().err.decode()
    assert told.count("no record holds payload") == 1
    assert "probe -U" in told
    assert main(["radump", "-r", file]) == 0
    assert b"payload" not in capfdbinary.readouterr().err


def test_facts_are_columns_beside_those_of_records(file: str, capfdbinary: Capture) -> None:
    command = ["radump", "-r", file, "-c", ",", "-s", "dport", "dns.name", "http.status", "-", "port 80 or 53"]
    assert main(command) == 0
    assert listed(capfdbinary) == [
        "Dport,Name,Status", "http,,200", "domain,www.example.com,", "domain,www.example.com,",
    ]  # fmt: skip


def test_objects_hold_all_that_was_said_and_no_credentials(file: str, capfdbinary: Capture) -> None:
    assert main(["radump", "-r", file, "-M", "json", "printer=obfuscate", "-", "port 80"]) == 0
    found = json.loads(listed(capfdbinary)[0])
    assert found["http.host"] == "example.com"
    assert found["http.uri"] == "/secret?password=xxxxx"
    assert "dns.name" not in found


def test_payloads_of_a_capture_are_a_line_each(tmp_path: Path, capfdbinary: Capture) -> None:
    import dpkt

    packet = dpkt.ip.IP(src=b"\x0a\0\0\1", dst=b"\x0a\0\0\2", p=17)
    packet.data = dpkt.udp.UDP(sport=5000, dport=53, data=question(b"a.example"))
    packet.data.ulen = len(packet.data)
    packet.len = len(packet)
    frame = bytes(dpkt.ethernet.Ethernet(src=b"\2" * 6, dst=b"\4" * 6, type=0x800, data=packet))
    path = tmp_path / "asked.pcap"
    with path.open("wb") as file:
        dpkt.pcap.Writer(file).writepkt(frame, ts=1_700_000_000)
    assert main(["radump", "-r", str(path), "-L", "-1", "-s", "saddr", "suser"]) == 0
    assert listed(capfdbinary) == ["10.0.0.1 9+ A? a.example"]


def test_an_unknown_fact_is_refused_and_all_are_listed(file: str, capfdbinary: Capture) -> None:
    assert main(["radump", "-r", file, "-s", "dns.nam"]) == 2
    capfdbinary.readouterr()
    assert main(["radump", "-M", "facts"]) == 0
    assert "tls.ja4 JA4 of the client" in listed(capfdbinary)
