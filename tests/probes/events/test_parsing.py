"""What outputs mean: those of this host, samples of our own, and whatever hypothesis makes up."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.events.answer import Answer
from probes.events.asking import understood
from probes.events.parsing import parser
from probes.events.parsing.text import UnreadableError, address
from topics.community_id import community_id
from topics.events import KINDS, EventRecord, encode_event

PARSED = [kind for kind in KINDS if kind not in ("snmp", "syslog")]
BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "&b;&b;&b;"><!ENTITY b "lol">]><ArgusEvents>&a;</ArgusEvents>'


def test_counters_of_this_host() -> None:
    assert parser("vmstat")(Path("/proc/vmstat").read_text())["counters"]["nr_free_pages"] > 0
    text = Path("/proc/net/snmp").read_text() + Path("/proc/net/netstat").read_text()
    counters = parser("netstat")(text)["counters"]
    assert counters["Ip.InReceives"] >= 0
    assert "Tcp.RetransSegs" in counters
    assert "TcpExt.TCPTimeouts" in counters
    assert parser("load")(Path("/proc/loadavg").read_text())["threads"] > 0


def test_programs_that_print_the_same() -> None:
    assert parser("load")(" 10:00:00 up 1 day,  2 users,  load average: 0.10, 0.20, 0.30\n")["five"] == 0.2
    table = "procs ---memory---\n r  b   swpd   free\n 1  0      0 182000\n"
    assert parser("vmstat")(table)["counters"]["free"] == 182_000
    frame = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 60 40 60% /mnt/a b\n"
    (disk,) = parser("disk")(frame)["filesystems"]
    assert (disk["mount"], disk["size"], disk["available"]) == ("/mnt/a b", 102_400, 40_960)
    (drive,) = parser("disk")("   8  0 sda 10 1 80 5 20 2 160 6 0 7 11 0 0 0 0 0 0\n")["devices"]
    assert (drive["reads"], drive["read_bytes"], drive["written_bytes"], drive["busy"]) == (
        10,
        40_960,
        81_920,
        7_000_000,
    )
    (link,) = parser("wifi")(" wlan0: 0000   70.  -40.  -256        1      2      3      4      5        0\n")["links"]
    assert (link["interface"], link["signal"], link["discarded"]) == ("wlan0", -40.0, 15)


def test_lsof_with_and_without_file_fields() -> None:
    fields = "p12\ncsshd\nu0\nLroot\nf3\nPTCP\nn*:22\nTST=LISTEN\nTQR=0\n"
    fields += "f4\nPTCP\nn10.0.0.1:22->10.0.0.2:5000\nTST=ESTABLISHED\n"
    listening, connected = parser("lsof")(fields)["sockets"]
    assert (listening["local"], listening["local_port"], listening["state"]) == (bytes(16), 22, "LISTEN")
    assert (connected["pid"], connected["process"], connected["remote_port"]) == (12, "sshd", 5000)
    assert connected["remote"] == address("10.0.0.2")
    without = "".join(line + "\n" for line in fields.split() if not line.startswith("f"))
    assert parser("lsof")(without) == parser("lsof")(fields)
    row = "sshd 12 root 4u IPv6 123 0t0 TCP [2001:db8::1]:22->[2001:db8::2]:5000 (ESTABLISHED)\n"
    (found,) = parser("lsof")("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n" + row)["sockets"]
    assert (found["user"], found["local"], found["state"]) == ("root", address("2001:db8::1"), "ESTABLISHED")


def eve(**more: object) -> str:
    event = {
        "timestamp": "2026-03-10T09:00:01.500000+0000", "event_type": "alert", "src_ip": "10.0.0.1", "src_port": 4000,
        "dest_ip": "192.0.2.1", "dest_port": 80, "proto": "TCP",
        "alert": {"gid": 1, "signature_id": 9000001, "rev": 2, "signature": "odd", "category": "c", "severity": 2},
    }  # fmt: skip
    return json.dumps(event | more) + "\n"


def test_alerts_of_suricata_and_snort() -> None:
    body = parser("ids")(eve() + eve(event_type="dns") + "{broken\n" + eve(community_id="1:said"))
    assert (len(body["alerts"]), body["others"], body["unreadable"]) == (2, 1, 1)
    first, second = body["alerts"]
    assert first["community_id"] == community_id(address("10.0.0.1"), address("192.0.2.1"), 4000, 80, 6)
    assert (first["time"], first["signature"], second["community_id"]) == (
        1_773_133_201_500_000_000,
        9_000_001,
        "1:said",
    )
    snort = {"seconds": 1_773_133_201, "proto": "UDP", "rule": "1:77:3", "msg": "m", "priority": 1,
             "src_ap": "10.0.0.1:53", "dst_ap": "10.0.0.2:5000", "action": "allow"}  # fmt: skip
    (alert,) = parser("ids")(json.dumps(snort))["alerts"]
    assert (alert["signature"], alert["revision"], alert["source_port"], alert["protocol"]) == (77, 3, 53, 17)


def test_json_and_xml_are_taken_apart() -> None:
    assert parser("generic")('{"a": {"b": [1, "x"]}}')["values"] == {"a.b.0": "1", "a.b.1": "x"}
    xml = '<ArgusEvents><ArgusStatus name="a" /><ArgusStatus name="b">t</ArgusStatus></ArgusEvents>'
    values = parser("generic")(xml)["values"]
    assert values == {"ArgusStatus.name": "a", "ArgusStatus.1.name": "b", "ArgusStatus.1": "t"}


def test_xml_of_scripts_of_argus_is_opened() -> None:
    xml = """<ArgusEvent>
  <ArgusEventData Type = "Program: /usr/sbin/lsof -i -n -P" >
COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME
sshd 12 root 4u IPv4 123 0t0 TCP 10.0.0.1:22-&gt;10.0.0.2:5000 (ESTABLISHED)
  </ArgusEventData>
</ArgusEvent>
"""
    told = understood("generic", Answer(xml.encode()))
    assert told.kind == "lsof"
    assert told.body is not None
    assert told.body["sockets"][0]["remote_port"] == 5000


@pytest.mark.parametrize("text", [BOMB, "<a>" * 5000, "<a><b></a>", "<ArgusEvent>nothing</ArgusEvent>"])
def test_hostile_xml_is_unreadable_and_expands_nothing(text: str) -> None:
    told = understood("generic", Answer(text.encode()))
    assert (told.answer.status, told.body) == ("unreadable", None)
    assert "\n" not in told.answer.reason


def test_binary_output_is_called_that_and_other_encodings_are_replaced() -> None:
    assert understood("generic", Answer(b"\x7fELF\0\0")).body == {"format": "binary", "values": {}}
    told = understood("generic", Answer("gr\xfc\xdfe from an old system".encode("latin-1")))
    assert told.body == {"format": "text", "values": {}}
    assert understood("vmstat", Answer(b"nothing of the kind")).answer.status == "unreadable"


@given(kind=st.sampled_from(PARSED), data=st.one_of(st.binary(max_size=400), st.text(max_size=400).map(str.encode)))
def test_no_output_is_too_strange(kind: str, data: bytes) -> None:
    told = understood(kind, Answer(data))
    event = EventRecord("", "", 0, 0, "", told.kind, 0, 0, told.answer.status, body=told.body)
    assert encode_event(event)


@given(
    kind=st.sampled_from(["lsof", "ids", "disk", "netstat"]),
    lines=st.lists(
        st.sampled_from([
            "p1", "p99999999999999999999", "cx", "f1", "PTCP", "PXX", "n*:*", "n[::1]:5->1.2.3.4:99999", "TST=\u00e4",
            '{"event_type":"alert","alert":{}}',
            '{"event_type":"alert","alert":{"severity":1e400,"rev":[1]},"proto":5}',
            '{"msg":1,"sid":"x","src_port":-5}', "1 1 a 1 1 1 1 1 1 1 1 1 1 1", "a 1 2 3 4% /", "Tcp: a b", "Tcp: 1 2",
            '{"event_type":"alert","alert":{"signature_id":99999999999999999999999},"src_ip":"::1","timestamp":"9999"}',
        ]),
        max_size=8,
    ),
)  # fmt: skip
def test_no_line_is_too_strange(kind: str, lines: list[str]) -> None:
    try:
        body = parser(kind)("\n".join(lines))
    except UnreadableError:
        return
    assert encode_event(EventRecord("", "", 0, 0, "", kind, 0, 0, body=body))
