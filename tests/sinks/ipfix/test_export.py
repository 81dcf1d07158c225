"""Records that are exported as IPFIX say the same to a collector."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from clients.main import main
from probes.exporters.framing import Framing
from sinks.formats import open_writer
from sinks.ipfix import Exporting
from sinks.ipfix.messages import DTYPES
from tests.certificates import INSTALL, Authority, openssl
from tests.probes.exporters.collected import collected, collector, told
from tests.traffic.exports import SENT, sender
from topics.batch import FlowBatch, Observer, records_like

if TYPE_CHECKING:
    from pathlib import Path

COMMON = (
    "src_packets",
    "dst_packets",
    "src_bytes",
    "dst_bytes",
    "src_tcp_flags",
    "dst_tcp_flags",
    "src_tos",
    "protocol",
)
OBSERVER = Observer("", "edge", "")


def batch(count: int = 100) -> FlowBatch:
    records = records_like(count)
    numbers = np.arange(count)
    records["ethertype"] = np.where(numbers % 3, 0x0800, 0x86DD)
    for row in range(count):
        four = row % 3 != 0
        records["src_address"][row] = np.frombuffer(
            sender(f"10.0.0.{row % 250}" if four else f"2001:db8::{row + 1:x}"), "u1"
        )
        records["dst_address"][row] = np.frombuffer(sender("192.0.2.9" if four else "2001:db8::1"), "u1")
    records["protocol"], records["src_port"], records["dst_port"] = 6, 10_000 + numbers, 443
    records["src_packets"], records["src_bytes"] = 10 + numbers, 1000 + numbers
    records["dst_packets"], records["dst_bytes"] = 5 + numbers, 50_000_000_000 + numbers
    records["src_first"] = records["flow_start"] = SENT * 10**9 - 5_000_000_000 + numbers * 1_000_000
    records["src_last"] = records["dst_last"] = SENT * 10**9
    records["dst_first"] = records["src_first"] + 1_000_000
    records["src_tcp_flags"], records["dst_tcp_flags"], records["src_tos"] = 0x1B, 0x13, 8
    records["observer"], records["cause"] = OBSERVER.id, 2
    return FlowBatch(records, probe="edge", observers={OBSERVER.id: OBSERVER})


@pytest.mark.parametrize("largest", [400, 1400, 65535])
def test_a_collector_reads_what_was_exported(largest: int) -> None:
    sent, exporting, one = batch(), Exporting(7, largest, 10), collector()
    messages = list(exporting.messages(sent, SENT))
    assert max(map(len, messages)) <= largest
    found = collected(messages, one)
    order, again = np.argsort(sent.records["src_port"]), np.argsort(found.records["src_port"])
    for name in (*COMMON, "src_address", "dst_address", "src_port", "dst_port", "cause"):
        assert np.array_equal(sent.records[name][order], found.records[name][again]), name
    for name in ("src_first", "src_last", "dst_first", "dst_last"):
        assert np.array_equal(sent.records[name][order] // 10**6, found.records[name][again] // 10**6), name
    (exporter,) = one.exporters.values()
    assert [each.sequence.lost for each in exporter.streams.values()] == [0]
    assert (exporting.records, exporting.left_out) == (100, 0)


def test_what_has_no_ip_addresses_is_left_out_and_counted() -> None:
    sent, exporting = batch(10), Exporting(7, 1400, 0)
    sent.records["ethertype"][:4] = 0x0806
    assert len(collected(exporting.messages(sent, SENT))) == 6
    assert exporting.left_out == 4


def test_ping_and_one_way_traffic_come_through() -> None:
    sent = batch(2)
    sent.records["ethertype"], sent.records["protocol"], sent.records["src_port"] = 0x0800, 1, 0x0800
    sent.records["src_address"][:, :12] = sent.records["dst_address"][:, :12] = np.frombuffer(sender("0.0.0.0"), "u1")[
        :12
    ]
    for name in ("dst_packets", "dst_bytes", "dst_first", "dst_last"):
        sent.records[name] = 0
    flows = told(collected(Exporting(7, 1400, 0).messages(sent, SENT)))
    assert [each["ports"] for each in flows] == [(0x0800, 0)] * 2
    assert [each["packets"][1] for each in flows] == [0, 0]


def received(listening: socket.socket, found: list[bytes], context: ssl.SSLContext | None) -> None:
    plain, _ = listening.accept()
    with context.wrap_socket(plain, server_side=True) if context else plain as stream:
        while data := stream.recv(65536):
            found.append(data)


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_the_command_sends_over_streams(scheme: str, tmp_path: Path) -> None:
    path = str(tmp_path / "records.parquet")
    with open_writer(path) as writer:
        writer.write(batch())
    options: list[str] = []
    context = None
    if scheme == "tls":
        if openssl() is None:
            pytest.skip(f"needs openssl: {INSTALL}")
        authority = Authority(tmp_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.sign("collector"))
        options = ["--ca", str(authority.certificate)]
    found: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=received, args=(listening, found, context))
        thread.start()
        port = listening.getsockname()[1]
        status = main(
            ["export", "-r", path, "--to", f"{scheme}://127.0.0.1:{port}", *options, "-", "dst", "port", "443"]
        )
        thread.join(60)
    assert status == 0
    one = collector()
    assert len(collected(list(Framing().take(b"".join(found))), one)) == 100


def test_the_command_sends_datagrams(tmp_path: Path) -> None:
    path = str(tmp_path / "records.parquet")
    with open_writer(path) as writer:
        writer.write(batch())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(60)
        port = listening.getsockname()[1]
        assert main(["export", "-r", path, "--to", f"udp://127.0.0.1:{port}"]) == 0
        one, found = collector(), 0
        while found < 100:
            one.take("netflow", sender("127.0.0.1"), listening.recv(65536), SENT * 10**9)
            found += sum(map(len, one.decoded(SENT * 10**9)))
    assert found == 100


@pytest.mark.parametrize("url", ["", "http://a", "udp://", "tcp://host:99999", "udp://a b"])
def test_a_collector_that_is_none_is_named(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "-r", "none.parquet", "--to", url]) == 2
    assert "udp://HOST" in capsys.readouterr().err


def test_a_collector_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "records.parquet")
    with open_writer(path) as writer:
        writer.write(batch(3))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert main(["export", "-r", path, "--to", f"tcp://127.0.0.1:{port}"]) == 2
    assert f"tcp://127.0.0.1:{port}: Connection refused" in capsys.readouterr().err


def test_layouts_have_no_holes() -> None:
    for kind in DTYPES.values():
        assert kind.itemsize == sum(kind[name].itemsize for name in kind.names or ())
