"""Alerts as Suricata's EVE has them, and the flows of the capture that they are about: from one to the other and back.

Ids come from the words of the Community ID specification, not from our code.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections import Counter
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

import dpkt
import pytest

from clients.main import main
from tests.traffic.packets import icmp_frame, udp_frame
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECOND = 1_000_000_000
NAMES = {6: "TCP", 17: "UDP", 1: "ICMP", 58: "IPv6-ICMP"}
ANSWERS = {1: {8: 0, 0: 8}, 58: {128: 129, 129: 128, 135: 136, 136: 135, 133: 134, 134: 133}}


class Packet(NamedTuple):
    """Ends of a packet: ports, or type and code."""

    protocol: int
    source: bytes
    destination: bytes
    ports: tuple[int, int]


def by_the_specification(packet: Packet) -> str:
    """seed, addresses in order, protocol, a zero and ports: SHA-1, base64, after the version."""
    first, second = (packet.source, packet.ports[0]), (packet.destination, packet.ports[1])
    if packet.protocol in ANSWERS:
        answer = ANSWERS[packet.protocol].get(packet.ports[0])
        if answer is not None:
            second = (packet.destination, answer)
            first, second = sorted([first, second])
    else:
        first, second = sorted([first, second])
    data = struct.pack(">H", 0) + first[0] + second[0] + bytes([packet.protocol, 0])
    data += struct.pack(">HH", first[1], second[1])
    return "1:" + base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def packets(frames: list[tuple[int, bytes]]) -> Iterator[tuple[int, Packet]]:
    """The packets with ports, or messages of ICMP, by another decoder than ours."""
    for time, frame in frames:
        ip = dpkt.ethernet.Ethernet(frame).data
        if isinstance(ip, dpkt.ip.IP) and (ip.mf or ip.offset):
            continue
        upper = getattr(ip, "data", None)
        if isinstance(upper, dpkt.tcp.TCP | dpkt.udp.UDP):
            protocol = 6 if isinstance(upper, dpkt.tcp.TCP) else 17
            yield time, Packet(protocol, ip.src, ip.dst, (upper.sport, upper.dport))
        elif isinstance(upper, dpkt.icmp.ICMP | dpkt.icmp6.ICMP6):
            protocol = 1 if isinstance(upper, dpkt.icmp.ICMP) else 58
            yield time, Packet(protocol, ip.src, ip.dst, (upper.type, upper.code))


def alert(number: int, time: int, packet: Packet, community_id: str) -> dict[str, Any]:
    """A line of EVE as its manual has it; every other one without a community id, as by default."""
    stamp = datetime.fromtimestamp(time // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    names = ("icmp_type", "icmp_code") if packet.protocol in ANSWERS else ("src_port", "dest_port")
    line: dict[str, Any] = {
        "timestamp": f"{stamp}.{time % SECOND // 1000:06d}+0000",
        "flow_id": 1_000_000 + number,
        "in_iface": "eth0",
        "event_type": "alert",
        "src_ip": str(ip_address(packet.source)),
        "dest_ip": str(ip_address(packet.destination)),
        "proto": NAMES[packet.protocol],
        **dict(zip(names, packet.ports, strict=True)),
        "alert": {"action": "allowed", "gid": 1, "signature_id": 2_000_000 + number, "rev": 3,
                  "signature": f"TEST signature {number}", "category": "Misc activity", "severity": 2},
    }  # fmt: skip
    return line | {"community_id": community_id} if number % 2 else line


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str], str]:
    """Data of a run, the ids of the flows by signature, and what was printed."""
    directory = tmp_path_factory.mktemp("alerts")
    frames = list(sample_frames(1))
    begin = frames[0][0]
    frames += [
        (begin + SECOND, icmp_frame("10.0.0.1", "10.0.0.2", 3, 1)),
        (begin + 2 * SECOND, udp_frame("::1", "::2", 5, 6)),
    ]
    frames.sort(key=lambda timed: timed[0])
    write_pcap(directory / "office.pcap", frames)
    last: dict[str, tuple[int, Packet]] = {}
    for time, packet in packets(frames):
        last[by_the_specification(packet)] = time, packet
    lines = [alert(number, *seen, name) for number, (name, seen) in enumerate(last.items())]
    eve = directory / "eve.json"
    others = [{"event_type": "flow", "src_ip": "10.0.0.1"}, {"event_type": "stats", "stats": {}}]
    eve.write_text("".join(json.dumps(line) + "\n" for line in [*others, *lines]))
    return directory, {line["alert"]["signature_id"]: name for line, name in zip(lines, last, strict=True)}, str(eve)


def test_every_alert_is_joined_to_its_flow(
    audited: tuple[Path, dict[int, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    directory, ids, eve = audited
    assert len(ids) > 300
    data = str(directory / "data")
    assert main(["run", "-r", str(directory / "office.pcap"), "--events", eve, "--data", data]) == 0
    assert " flows have alerts of a detection system" in capsys.readouterr().out
    assert main(["ra", "-R", data, "-c", "\t", "-u", "-s", "communityid", "alert", "-", 'alert ~ "."']) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()[1:]]
    found = Counter(int(number) for _, numbers in rows for number in numbers.split(","))
    assert found.keys() == ids.keys()
    assert all(ids[int(number)] == community for community, numbers in rows for number in numbers.split(","))


def test_from_an_alert_to_its_session_and_back(
    audited: tuple[Path, dict[int, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    directory, ids, eve = audited
    events, records = str(directory / "a.events"), str(directory / "records.parquet")
    assert main(["events", f"file:{eve}:0", "-w", events]) == 0
    assert main(["probe", "-r", str(directory / "office.pcap"), "-w", records]) == 0
    capsys.readouterr()
    number, community = next(iter(ids.items()))
    assert main(["ra", "-r", records, "-s", "communityid", "-", f'communityid eq "{community}"']) == 0
    assert set(capsys.readouterr().out.split()[1:]) == {community}
    assert main(["raevent", "-r", events, "--id", community, "-M", "rows"]) == 0
    assert {json.loads(line)["signature"] for line in capsys.readouterr().out.splitlines()} == {number}


def test_lines_that_nobody_can_read_do_not_hide_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = json.dumps(alert(1, SECOND, Packet(6, b"\n\0\0\1", b"\n\0\0\2", (1, 2)), "1:x")) + "\n"
    path = tmp_path / "eve.json"
    path.write_text("x" * 9_000_000 + "\n" + good)
    assert main(["raevent", "-r", str(path), "-M", "rows"]) == 0
    assert json.loads(capsys.readouterr().out)["signature"] == 2_000_001
    path.write_text("x" * 9_000_000)
    assert main(["raevent", "-r", str(path)]) == 1
    assert capsys.readouterr().err == f"argosy raevent: {path}: no lines of JSON\n"
    assert main(["raevent", "-r", str(tmp_path / "absent.json")]) == 1
    assert capsys.readouterr().err == f"argosy raevent: {tmp_path / 'absent.json'}: No such file or directory\n"
