"""Signatures of services: learnt, written, read, and told by."""

import re
from pathlib import Path

import polars as pl
import pytest

from clients.main import main
from processors.payload.services import Learner, Services, labelled
from processors.payload.signatures import Signature, read_signatures, signature_lines
from tests.clients.flows import write
from tests.clients.test_radump import listed, talk
from topics.batch import concatenate
from topics.errors import InputError

NAMES = {6: {80: "http", 22: "ssh"}, 17: {53: "domain"}}
HTTP = Signature("http", 6, 80, 9, tuple(b"GET /"), tuple(b"HTTP/1.1 200"))
Capture = pytest.CaptureFixture[bytes]


def flows(*rows: tuple[int, int, bytes, bytes, str]) -> pl.DataFrame:
    """Records of a protocol, to a port, with what both sides said and labels."""
    names = ("protocol", "dst_port", "src_payload", "dst_payload", "labels")
    frame = pl.DataFrame(list(rows), schema=names, orient="row")
    return frame.with_columns(pl.lit(50_000, pl.UInt16).alias("src_port"), pl.col("dst_port").cast(pl.UInt16))


def learnt(*rows: tuple[int, int, bytes, bytes, str], width: int = 16) -> list[Signature]:
    learner = Learner(width, NAMES)
    for row in rows:
        learner.learn(flows(row))
    return learner.signatures()


def test_what_flows_of_a_service_have_in_common_is_learnt() -> None:
    found = learnt(
        (6, 80, b"GET /index.html HTTP", b"HTTP/1.1 200 OK\r\n", ""),
        (6, 80, b"GET /index.htm1 HTTP", b"HTTP/1.1 404 Not", ""),
        (6, 22, b"SSH-2.0-x", b"SSH-2.0-y", ""),
        (6, 9000, b"QUIT", b"", "sco=DE:srv=chat"),
        (6, 9001, b"\1\2\3\4", b"", ""),
        (1, 0, b"echo", b"", ""),
    )
    assert [(one.name, one.port, one.count) for one in found] == [
        ("ssh", 22, 1), ("http", 80, 2), ("chat", 9000, 1), ("9001", 9001, 1),
    ]  # fmt: skip
    http = found[1]
    assert http.src == (*b"GET /index.htm", None, 0x20)
    assert http.dst[:9] == tuple(b"HTTP/1.1 ")
    assert None in http.dst


def test_a_file_of_signatures_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "own.sig"
    known = [HTTP, Signature("x", 17, 53, 1, (0, None, 255), (), encrypted=True)]
    path.write_text("# a comment\n\n" + "\n".join(signature_lines(known, 16)))
    assert read_signatures(str(path)) == known
    path.write_text('Service: ssh             tcp port 22    n =    12 src = "5353482D  2E  "  encrypted\n')
    assert read_signatures(str(path)) == [Signature("ssh", 6, 22, 12, (*b"SSH-", None, 0x2E), encrypted=True)]
    path.write_text('Service: a tcp port 1 n = 1 src = "XY"')
    with pytest.raises(InputError, match=r"own.sig:1: a pattern is at most 64 pairs"):
        read_signatures(str(path))
    path.write_text("Service: nothing")
    with pytest.raises(InputError, match=r"own.sig:1: no signature"):
        read_signatures(str(path))


@pytest.mark.parametrize(
    ("protocol", "port", "source", "target", "service"),
    [
        (6, 80, b"GET /a", b"HTTP/1.1 200 OK", "http"),
        (6, 8081, b"GET /a", b"HTTP/1.1 200 OK", "http"),
        (6, 8081, b"GET /a", b"", "http"),
        (6, 8081, b"GET /a", b"HTTP/1.1 404 No", None),  # elsewhere all of it
        (6, 80, b"GET /a", b"HTTP/1.1 404 No", "http"),  # on its port most of it
        (17, 80, b"GET /a", b"HTTP/1.1 200 OK", None),
        (6, 80, b"", b"", None),
        (6, 80, b"GE", b"", None),
    ],
)
def test_services_are_told_by_payload(
    protocol: int, port: int, source: bytes, target: bytes, service: str | None
) -> None:
    assert Services([HTTP]).named(flows((protocol, port, source, target, ""))).to_list() == [service]


def test_of_several_the_one_of_the_port_and_with_more_bytes_is_taken() -> None:
    other = Signature("other", 6, 8080, 1, tuple(b"GET /index"))
    services = Services([HTTP, other])
    said = [(6, port, b"GET /index", b"", "") for port in (80, 8080, 99)]
    assert services.named(flows(*said)).to_list() == ["http", "other", "other"]
    assert Services([]).named(flows(*said)).to_list() == [None] * 3


def test_a_label_takes_the_place_of_the_old_one() -> None:
    frame = flows(*[(6, 80, b"", b"", label) for label in ("", "srv=a", "x=1:srv=a:y=2", "x=1")])
    made = labelled(frame, pl.Series(["http", "http", "http", None]))
    assert made["labels"].to_list() == ["srv=http", "srv=http", "x=1:y=2:srv=http", "x=1"]


def test_traffic_is_learnt_from_and_labelled(tmp_path: Path, capfdbinary: Capture) -> None:
    said = [
        talk(1, 6, 80, b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n"),
        talk(2, 6, 9999, b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n"),
        talk(3, 6, 22, b"SSH-2.0-OpenSSH", b"SSH-2.0-OpenSSH"),
        talk(4, 6, 22, b"something else", b""),
    ]
    records, file = write(tmp_path / "flows.parquet", concatenate(said)), str(tmp_path / "own.sig")
    assert main(["rauserdata", "-r", records, "-w", file, "-", "src host 10.0.0.1 or src host 10.0.0.3"]) == 0
    assert re.match(r"# 2 signatures of 2 flows\nService: ssh ", Path(file).read_text())
    command = ["raservices", "-f", file, "-r", records, "-s", "saddr", "label:20", "-L", "-1"]
    assert main(command) == 0
    assert listed(capfdbinary) == [
        "10.0.0.1 srv=http", "10.0.0.2 srv=http", "10.0.0.3 srv=ssh", "10.0.0.4",
    ]  # fmt: skip
    assert main([*command, "-M", "diff"]) == 0
    assert listed(capfdbinary) == ["10.0.0.2 srv=http"]
    assert main(["raservices", "-r", records]) == 2
