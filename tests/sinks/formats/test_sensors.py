"""Logs of Zeek and Suricata in and out: the same conversations, told in their words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sinks.formats import open_reader, open_writer
from tests.traffic.exports import SENT, sender
from topics.address_text import ip_text
from topics.batch import FlowBatch, Observer, concatenate, records_like
from topics.community_id import community_id
from topics.errors import InputError
from topics.flags import TcpState

if TYPE_CHECKING:
    from pathlib import Path

ZEEK = {
    "ts": 1773133216.403622,
    "uid": "CHhAvVGS1DHFjwGM9",
    "id.orig_h": "10.20.1.22",
    "id.orig_p": 48734,
    "id.resp_h": "10.20.5.10",
    "id.resp_p": 80,
    "proto": "tcp",
    "service": "http",
    "duration": 0.25,
    "orig_bytes": 115,
    "resp_bytes": 4675,
    "conn_state": "SF",
    "local_orig": True,
    "missed_bytes": 0,
    "history": "ShADadFf",
    "orig_pkts": 7,
    "orig_ip_bytes": 487,
    "resp_pkts": 6,
    "resp_ip_bytes": 5047,
    "tunnel_parents": ["a"],
}
EVE = {
    "timestamp": "2026-03-10T09:00:20.000001+0000",
    "flow_id": 1106940039738571,
    "in_iface": "eth0",
    "event_type": "flow",
    "vlan": [20],
    "src_ip": "2001:db8::1",
    "src_port": 39620,
    "dest_ip": "2001:db8::2",
    "dest_port": 443,
    "proto": "TCP",
    "app_proto": "tls",
    "flow": {
        "pkts_toserver": 6,
        "pkts_toclient": 5,
        "bytes_toserver": 985,
        "bytes_toclient": 3707,
        "start": "2026-03-10T10:00:00.200000+0100",
        "end": "2026-03-10T09:00:00.381927+0000",
        "age": 0,
        "state": "closed",
    },
    "tcp": {"tcp_flags": "1b", "tcp_flags_ts": "1b", "tcp_flags_tc": "1b", "syn": True, "state": "closed"},
}


def read(path: Path, *lines: Any) -> FlowBatch:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return concatenate(open_reader(str(path)))


def said(batch: FlowBatch, row: int = 0) -> dict[str, Any]:
    each = batch.records[row]
    sides = {
        name: (int(each[f"src_{name}"]), int(each[f"dst_{name}"])) for name in ("packets", "bytes", "port", "app_bytes")
    }
    ends = tuple(ip_text(each[f"{side}_address"].tobytes()) for side in ("src", "dst"))
    return {
        **sides,
        "ends": ends,
        "labels": batch.heap_value(row, "labels").decode(),
        "protocol": int(each["protocol"]),
    }


def test_a_connection_of_zeek_is_a_record(tmp_path: Path) -> None:
    batch = read(tmp_path / "conn.log", ZEEK, "", ZEEK | {"uid": "other", "service": None, "duration": None})
    assert said(batch) == {
        "packets": (7, 6),
        "bytes": (487, 5047),
        "port": (48734, 80),
        "app_bytes": (115, 4675),
        "ends": ("10.20.1.22", "10.20.5.10"),
        "labels": "service=http",
        "protocol": 6,
    }
    first, second = batch.records
    assert first["src_first"] == 1773133216403622000
    assert first["dst_last"] - first["src_first"] == 250_000_000
    assert int(first["tcp_state"]) & TcpState.NORMAL_CLOSE
    assert second["src_last"] == second["src_first"]
    assert first["flow_id"].tobytes() != second["flow_id"].tobytes()
    assert [each.probe for each in batch.observers.values()] == ["zeek"]


def test_a_flow_of_suricata_is_a_record_and_other_events_are_none(tmp_path: Path) -> None:
    batch = read(tmp_path / "eve.json", {"event_type": "alert", "alert": {"severity": 1}}, EVE, {"event_type": "stats"})
    assert len(batch) == 1
    assert said(batch) == {
        "packets": (6, 5),
        "bytes": (985, 3707),
        "port": (39620, 443),
        "app_bytes": (0, 0),
        "ends": ("2001:db8::1", "2001:db8::2"),
        "labels": "service=tls",
        "protocol": 6,
    }
    (each,) = batch.records
    assert (each["src_first"], each["src_last"]) == (1773133200200000000, 1773133200381927000)
    assert (each["src_vlan"], each["src_tcp_flags"]) == (20, 0x1B)
    assert int(each["tcp_state"]) & TcpState.NORMAL_CLOSE


@pytest.mark.parametrize("name", ["conn.log", "eve.json"])
def test_ping_has_type_and_code(name: str, tmp_path: Path) -> None:
    zeek = ZEEK | {"proto": "icmp", "id.orig_p": 8, "id.resp_p": 0}
    eve = EVE | {"proto": "IPv6-ICMP", "icmp_type": 128, "icmp_code": 0}
    batch = read(tmp_path / name, zeek if name == "conn.log" else eve)
    expected = (1, (0x0800, 0)) if name == "conn.log" else (58, (0x8000, 0))
    assert (said(batch)["protocol"], said(batch)["port"]) == expected


def flows() -> FlowBatch:
    observer, records = Observer("", "edge", ""), records_like(3)
    for name, address in (("src_address", "10.0.0.1"), ("dst_address", "192.0.2.9")):
        records[name] = np.frombuffer(sender(address), np.uint8)
    records["ethertype"], records["observer"] = 0x0800, observer.id
    records["protocol"], records["src_port"], records["dst_port"] = (6, 17, 1), (40000, 5353, 0x0800), (443, 53, 9)
    records["src_packets"], records["src_bytes"] = 5, 570
    records["dst_packets"][:1], records["dst_bytes"][:1] = 4, 456
    records["src_encapsulations"] = records["dst_encapsulations"] = 2
    records["src_first"] = records["flow_start"] = SENT * 10**9 + 123_456_000
    records["src_last"] = SENT * 10**9 + 923_456_000
    records["dst_first"][:1] = records["dst_last"][:1] = SENT * 10**9 + 200_000_000
    records["src_tcp_flags"][:1] = records["dst_tcp_flags"][:1] = 0x1B
    records["tcp_state"][:1] = int(TcpState.SYN | TcpState.SYN_ACK | TcpState.ESTABLISHED | TcpState.FIN)
    records["flow_id"][:, 0] = range(1, 4)
    return FlowBatch(records, probe="edge", observers={observer.id: observer})


@pytest.mark.parametrize("name", ["conn.log", "eve.json"])
def test_what_is_written_is_read_again(name: str, tmp_path: Path) -> None:
    path, sent = tmp_path / name, flows()
    arp = sent.select(slice(0, 1)).replace(records=sent.records[:1].copy())
    arp.records["ethertype"] = 0x0806
    with open_writer(str(path)) as writer:
        writer.write(sent)
        writer.write(arp)
    found = concatenate(open_reader(str(path)))
    assert len(found) == 3
    for field in (
        "src_address",
        "dst_address",
        "protocol",
        "src_port",
        "src_packets",
        "dst_packets",
        "src_first",
        "src_last",
    ):
        assert np.array_equal(found.records[field], sent.records[field]), field
    link = 14 if name == "conn.log" else 0
    assert np.array_equal(found.records["src_bytes"], sent.records["src_bytes"] - 5 * link)


def test_lines_have_states_and_community_ids(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    with open_writer(str(path)) as writer:
        writer.write(flows())
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["conn_state"] for line in lines] == ["SF", "S0", "S0"]
    assert lines[0]["community_id"] == community_id(sender("10.0.0.1"), sender("192.0.2.9"), 40000, 443, 6)
    assert (lines[2]["id.orig_p"], lines[2]["id.resp_p"], lines[2]["proto"]) == (8, 0, "icmp")
    assert lines[0]["ts"] == pytest.approx(SENT + 0.123456)


@pytest.mark.parametrize("name", ["conn.log", "eve.json"])
def test_a_line_that_is_none_is_named(name: str, tmp_path: Path) -> None:
    good = ZEEK if name == "conn.log" else EVE
    for bad in ("no json", "[1, 2]", '{"ts": '):
        with pytest.raises(InputError, match=rf"{name}: line 3 is no JSON object"):
            read(tmp_path / name, good, good, bad, good)
    with pytest.raises(InputError, match=rf"{name}: lines 1 to 1 are not what such a log has"):
        read(tmp_path / name, good | {"orig_pkts": {"a": 1}, "src_port": {"b": 2}})


@pytest.mark.parametrize("name", ["conn.log", "eve.json"])
def test_addresses_that_are_none_are_left_out(name: str, tmp_path: Path) -> None:
    good = ZEEK if name == "conn.log" else EVE
    bad = good | {"id.orig_h": "nowhere", "src_ip": None}
    assert len(read(tmp_path / name, bad, good)) == 1
