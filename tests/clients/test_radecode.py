"""Payload back in packets, and what tshark says of them."""

import io
import shutil
from pathlib import Path

import dpkt
import polars as pl
import pytest

from clients.main import main
from clients.reading.sources import to_frame
from processors.payload.packets import PCAP_HEAD, packets
from tests.clients.flows import record, write
from tests.clients.test_radump import listed, question, talk
from topics.batch import FlowBatch, concatenate

Capture = pytest.CaptureFixture[bytes]


def flows() -> FlowBatch:
    """A request and its answer, of which more was said than kept; a question to DNS; silence."""
    web = talk(1, 6, 80, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n")
    web.records["dst_app_bytes"] = 5000
    return concatenate([web, talk(2, 17, 53, question(b"www.example.com")), record(3)])


def test_each_side_becomes_a_packet_of_its_length() -> None:
    made = list(packets(to_frame(flows())))
    assert [(packet.row, packet.side) for packet in made] == [(0, "src"), (0, "dst"), (1, "src")]
    capture = dpkt.pcap.Reader(io.BytesIO(PCAP_HEAD + b"".join(packet.data for packet in made)))
    frames = [dpkt.ethernet.Ethernet(data) for _, data in capture]
    assert frames[0].ip.tcp.data.startswith(b"GET /a")
    assert (frames[0].ip.tcp.dport, frames[1].ip.tcp.sport) == (80, 80)
    assert frames[1].ip.len == 40 + 5000
    assert frames[2].ip.udp.data == question(b"www.example.com")
    assert frames[2].ip.udp.ulen == 8 + len(question(b"www.example.com"))


def test_flows_of_ipv6_become_packets_of_ipv6() -> None:
    six = to_frame(flows()).head(1).with_columns(pl.lit(bytes(15) + b"\1").alias("src_address"))
    data = next(packets(six)).data[16:]
    assert dpkt.ethernet.Ethernet(data).ip6.tcp.dport == 80


def test_tshark_says_what_both_sides_say(tmp_path: Path, capfdbinary: Capture) -> None:
    if not shutil.which("tshark"):
        pytest.skip("tshark is not installed: apt-get install tshark")
    file = write(tmp_path / "flows.parquet", flows())
    assert main(["radecode", "-r", file, "-s", "saddr"]) == 0
    found = listed(capfdbinary)
    assert found[:3] == ["SrcAddr", "10.0.0.1", "-> HTTP GET /a HTTP/1.1"]
    assert found[3].startswith("<- HTTP HTTP/1.1 200 OK")
    assert found[4] == "10.0.0.2"
    assert "A www.example.com" in found[5]
    assert found[6:] == ["10.0.0.3"]
    assert main(["radecode", "-r", file, "-s", "saddr", "-O", "dns", "-", "udp"]) == 0
    assert "Domain Name System (query)" in " ".join(listed(capfdbinary))
    assert main(["radecode", "-r", file, "--decode-as", "nonsense"]) == 2
    assert "nonsense" in capfdbinary.readouterr().err.decode()


def test_without_tshark_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Capture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["radecode", "-r", write(tmp_path / "flows.parquet", flows())]) == 2
    assert capfdbinary.readouterr().err == b"argosy radecode: tshark is not installed: apt-get install tshark\n"
