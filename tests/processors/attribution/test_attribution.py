"""Flows and what events tell of them: made-up tables, and connections that this process really makes."""

import dataclasses
import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from clients.main import main
from probes.events.parsing import parser
from probes.events.parsing.lsof import socket_row
from processors.attribution import Attributor, SocketTable
from sinks.formats import open_writer
from sinks.formats.events import EventWriter
from tests.clients.flows import SECOND, START, record
from topics.batch import concatenate
from topics.events import EventRecord, encode_event


def sixteen(text: str) -> bytes:
    return bytes(10) + b"\xff\xff" + ip_address(text).packed


HERE, THERE, ANY = sixteen("10.0.0.1"), sixteen("192.0.2.9"), bytes(16)


def snapshot(seconds: int, *sockets: dict[str, Any]) -> EventRecord:
    at = START + seconds * SECOND
    body = {"sockets": list(sockets), "destroyed": 0, "unknown": 0, "lost": 0}
    return EventRecord("", "p", 1, seconds, "lsof", "lsof", at, at, body=body)


def held(pid: int, port: int, remote: bytes = THERE, remote_port: int = 443, **more: Any) -> dict[str, Any]:
    ends = {"local": HERE, "local_port": port, "remote": remote, "remote_port": remote_port}
    return socket_row(protocol=6, pid=pid, process=f"p{pid}", user="ann", **ends) | more


def asked(table: SocketTable, port: int, seconds: int) -> tuple[str, int] | str | None:
    time = START + seconds * SECOND
    found = table.owner((6, HERE, port, THERE, 443), time, time)
    return found if found is None else (found[0], found[1].pid) if found[1] else found[0]


def test_a_port_belongs_to_whoever_held_it_at_the_time() -> None:
    table = SocketTable()
    table.add(snapshot(0, held(1, 5000)))
    table.add(snapshot(10, held(1, 5000)))
    table.add(snapshot(20))
    table.add(snapshot(30))
    table.add(snapshot(40, held(2, 5000)))
    assert [asked(table, 5000, seconds) for seconds in (5, 10, 35, 40)] == [
        ("exact", 1), ("exact", 1), ("exact", 2), ("exact", 2),
    ]  # fmt: skip
    assert asked(table, 5000, 25) == "unknown"


def test_two_who_may_have_held_it_are_not_told_apart() -> None:
    table = SocketTable()
    table.add(snapshot(0, held(1, 5000)))
    table.add(snapshot(10, held(2, 5000)))
    table.add(snapshot(20, held(2, 5000)))
    assert [asked(table, 5000, seconds) for seconds in (0, 19)] == ["unknown", ("exact", 2)]


def test_a_connection_counts_until_it_is_over_or_the_next_look_is_due() -> None:
    table = SocketTable()
    for seconds in (0, 10):
        table.add(snapshot(seconds, held(1, 5000), held(1, 6000)))
    assert [asked(table, 5000, seconds) for seconds in (19, 21)] == [("exact", 1), "unknown"]
    table.add(snapshot(20, held(1, 6000, state="DESTROYED")))
    assert [asked(table, 6000, seconds) for seconds in (19, 21)] == [("exact", 1), "unknown"]


def test_a_snapshot_in_several_parts_is_one() -> None:
    table = SocketTable()
    for seconds in range(0, 200, 10):
        for part, port in enumerate((5000, 6000)):
            table.add(dataclasses.replace(snapshot(seconds, held(1, port)), part=part))
    assert [asked(table, port, 5) for port in (5000, 6000)] == [("exact", 1), ("exact", 1)]


def test_a_listening_socket_is_second_best_and_strangers_are_none_of_ours() -> None:
    table = SocketTable()
    table.add(snapshot(0, held(1, 22, remote=ANY, remote_port=0), held(3, 80, remote=ANY, remote_port=0, local=ANY)))
    assert (asked(table, 22, 0), asked(table, 80, 0), asked(table, 81, 0)) == (
        ("listening", 1),
        ("listening", 3),
        "unknown",
    )
    assert table.owner((6, THERE, 22, HERE, 5), START, START) is None


def test_what_was_too_short_to_be_seen_is_unknown() -> None:
    table = SocketTable()
    table.add(snapshot(0, held(1, 22, remote=ANY, remote_port=0)))
    table.add(snapshot(10, held(0, 5001, state="DESTROYED")))
    assert asked(table, 5001, 9) == "unknown"


def test_what_was_too_short_came_to_whoever_waited_at_its_port() -> None:
    table = SocketTable()
    table.add(snapshot(0, held(1, 22, remote=ANY, remote_port=0)))
    table.add(snapshot(10, held(1, 22, remote=ANY, remote_port=0), held(0, 22, state="DESTROYED")))
    assert asked(table, 22, 9) == ("listening", 1)


def test_each_host_has_a_loopback_of_its_own() -> None:
    table, local = SocketTable(), sixteen("127.0.0.1")
    ours, theirs = ("", "p"), ("", "q")
    for probe, pid in ((ours, 1), (theirs, 2)):
        waiting = held(pid, 80, remote=ANY, remote_port=0, local=local)
        table.add(dataclasses.replace(snapshot(0, waiting), probe=probe[1]))
    ends = (6, local, 80, local, 5000)
    found = [table.owner(ends, START, START, observer) for observer in (ours, theirs, ("", "r"))]
    assert [each and each[1] and each[1].pid for each in found] == [1, 2, None]


def test_of_two_hosts_with_one_address_only_the_connection_tells() -> None:
    table = SocketTable()
    for probe, sockets in (
        ("p", [held(1, 22, remote=ANY, remote_port=0), held(1, 5000)]),
        ("q", [held(2, 80, remote=ANY, remote_port=0)]),
    ):
        table.add(dataclasses.replace(snapshot(0, *sockets), probe=probe))
    assert [asked(table, port, 0) for port in (5000, 22, 80)] == [("exact", 1), "unknown", "unknown"]
    assert table.owner((6, HERE, 80, THERE, 443), START, START, ("", "q")) is not None


def test_memory_is_bounded() -> None:
    table = SocketTable(most=10)
    table.add(snapshot(0, *(held(1, port) for port in range(1, 100))))
    assert (len(table), table.evicted) == (10, 89)


def test_flows_get_processes_alerts_and_switch_ports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records, events = (str(tmp_path / name) for name in ("a.arrow", "a.events"))
    with open_writer(records) as writer:
        writer.write(concatenate([record(1, port=443), record(7, port=443)]))
    alert = {"event_type": "alert", "timestamp": "2023-11-14T22:13:22+0000", "src_ip": "192.0.2.1", "src_port": 443,
             "dest_ip": "10.0.0.1", "dest_port": 40001, "proto": "TCP", "alert": {"signature_id": 77}}  # fmt: skip
    snmp = dict.fromkeys(("version", "name", "description", "object_id", "location"), "") | {
        "device": "core", "uptime": 0, "interfaces": [],
        "neighbours": [{"address": HERE, "mac": b"\2\0\0\0\0\1", "interface": 3}],
        "stations": [{"mac": b"\2\0\0\0\0\1", "port": 7, "port_name": "ge7", "vlan": 1}],
    }  # fmt: skip
    with EventWriter(events) as kept:
        for event in (
            snapshot(0, held(12, 40001, remote=sixteen("192.0.2.1"), process="curl", container="abc")),
            snapshot(10, held(12, 40001, remote=sixteen("192.0.2.1"), process="curl", container="abc")),
            EventRecord("", "p", 1, 1, "eve", "ids", START, START, body=parser("ids")(json.dumps(alert))),
            EventRecord("", "p", 1, 2, "snmp", "snmp", START, START, body=snmp),
        ):
            kept.write(encode_event(event))
    fields = "saddr sprocess spid sowner scontainer ssure sswitch sswport alert communityid"
    capsys.readouterr()
    assert main(["ralabel", "--events", events, "-r", records, "-n", "-c", ",", "-s", *fields.split()]) == 0
    shown = capsys.readouterr()
    rows = {line.split(",")[0]: line.split(",")[1:] for line in shown.out.splitlines()[1:]}
    assert rows["10.0.0.1"][:-1] == ["curl", "12", "ann", "abc", "exact", "core", "ge7", "77"]
    assert rows["10.0.0.7"][:-1] == [""] * 8
    assert shown.err.endswith("processes of ends of flows: 1 exact\n")
    wanted = f'communityid eq "{rows["10.0.0.1"][-1]}"'
    assert main(["ra", "-r", records, "-s", "saddr", "-", wanted]) == 0
    assert capsys.readouterr().out.split()[1:] == ["10.0.0.1"]
    assert main(["raevent", "-r", events, "--id", rows["10.0.0.1"][-1], "-M", "rows"]) == 0
    assert json.loads(capsys.readouterr().out)["signature"] == 77


def test_nothing_known_changes_nothing() -> None:
    assert Attributor().flush() == []
