"""The filter language and time ranges, asked of events."""

import json
from pathlib import Path
from typing import Any

import pytest

from clients.events.event_filter import event_filter
from clients.events.raevent import described
from clients.main import main
from probes.events.parsing import parser
from probes.events.parsing.lsof import socket_row
from sinks.formats.events import EventWriter
from tests.processors.attribution.test_attribution import sixteen
from topics.errors import FilterError
from topics.events import EventRecord, encode_event

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
ENDS = {"local": sixteen("10.0.0.1"), "local_port": 40_000, "remote": sixteen("192.0.2.9"), "remote_port": 443}


def event(kind: str, body: dict[str, Any], **more: Any) -> EventRecord:
    return EventRecord("berlin", "edge", 1, 0, kind, kind, START, START + 2 * SECOND, body=body, **more)


SOCKETS = event(
    "lsof",
    {
        "sockets": [
            socket_row(protocol=6, pid=12, process="curl", user="ann", state="ESTABLISHED", opened=START, **ENDS)
        ]
    },
)
ALERTS = event(
    "ids",
    parser("ids")(
        '{"event_type":"alert","src_ip":"2001:db8::1","src_port":53,"dest_ip":"2001:db8::2","dest_port":9,"proto":"UDP",'
        '"in_iface":"eth1","alert":{"signature_id":77,"severity":1,"signature":"ET SCAN"}}'
    ),
)
COUNTERS = event("netstat", parser("netstat")("Tcp: InSegs RetransSegs\nTcp: 50 7\n"))
STATION = {"mac": b"\2\0\0\0\0\1", "port": 7, "port_name": "ge7", "vlan": 4}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tcp", 1),
        ("udp or icmp", 0),
        ("host 10.0.0.1", 1),
        ("src host 192.0.2.9", 0),
        ("dst net 192.0.2.0/24 and dst port https", 1),
        ("port (80 or 443)", 1),
        ("tcp and dst port 400-500 and user = ann", 1),
        ("rmt port 443 and not process = wget", 1),
        ("pid gt 11 and pid lte 12", 1),
        ("process ~ ^cu and state != LISTEN", 1),
        ("local = 10.0.0.1", 1),
        ("kind = lsof and srcid edge and site berlin", 1),
        ("source = lsof", 1),
        ("dur gte 2", 1),
        ("start gt 2023/11/14", 1),
        ("opened lt 1600000000", 0),
        ("table = sockets and ip and not ipv6", 1),
        ("event and not flow", 1),
        ("signature eq 77", 0),
    ],
)
def test_rows_of_sockets(text: str, expected: int) -> None:
    assert chosen(SOCKETS, text, "sockets") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("udp and ipv6 and src host 2001:db8::1 and dst port 9", 1),
        ("severity = 1 and message ~ SCAN and inf eth1", 1),
        ("source = 2001:DB8:0::1", 1),
        ("port http", 0),
    ],
)
def test_rows_of_alerts(text: str, expected: int) -> None:
    assert chosen(ALERTS, text, "alerts") == expected


def chosen(asked: EventRecord, text: str, table: str) -> int:
    asks, found = event_filter(text), described(asked)
    assert asks is not None
    return sum(asks({"table": table} | row, found) for row in found["body"][table])


def test_a_word_that_is_not_known_leads_to_one_of_events() -> None:
    with pytest.raises(FilterError, match="unknown word 'proces' at column 1; did you mean 'process'"):
        event_filter("proces = curl")


def test_lists_in_files(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("192.0.2.0/28\n")
    (tmp_path / "names").write_text("curl\n")
    assert chosen(SOCKETS, f"dst host in {tmp_path}/hosts and process in {tmp_path}/names", "sockets") == 1
    assert chosen(SOCKETS, f"src host in {tmp_path}/hosts", "sockets") == 0


@pytest.mark.parametrize(
    "text", ["syn", "spkts gt 3", "pkts gt 3", "vlan", "retrans", "nothing = 3", "encaps gre", "con"]
)
def test_what_events_cannot_tell_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        event_filter(text)


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    main(["raevent", "-M", "json", *words])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_raevent_lists_the_rows_that_a_filter_wants(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "a.events")
    with EventWriter(path) as writer:
        for each in (
            SOCKETS,
            ALERTS,
            COUNTERS,
            event("load", dict.fromkeys(("one", "five", "fifteen"), 2.5) | {"running": 1, "threads": 9}),
        ):
            writer.write(encode_event(each))
    (counters,) = listed(capsys, "-r", path, "-", "name ~ Retrans and value gt 5")
    assert counters["body"]["counters"] == {"Tcp.RetransSegs": 7}
    assert [each["kind"] for each in listed(capsys, "-r", path, "-", "one gt 2")] == ["load"]
    assert [each["kind"] for each in listed(capsys, "-r", path, "-", "host 192.0.2.9 or severity lt 2")] == [
        "lsof",
        "ids",
    ]
    assert main(["raevent", "-r", path, "-", "user ="]) == 2
    assert capsys.readouterr().err.startswith("argosy raevent: filter: ")


def test_time_ranges_mean_what_they_mean_to_ra(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, begin = str(tmp_path / "a.events"), START // SECOND
    with EventWriter(path) as writer:
        writer.write(encode_event(SOCKETS))
    spans = {f"{begin + 1}-{begin + 9}": 1, f"c{begin + 1}-{begin + 9}": 0, f"c{begin - 1}-{begin + 9}": 1,
             f"n{begin + 1}-{begin + 2}": 1, f"x{begin + 1}-{begin + 9}": 0, f"{begin + 5}-{begin + 9}": 0}  # fmt: skip
    assert {span: len(listed(capsys, "-r", path, "-t", span)) for span in spans} == spans
