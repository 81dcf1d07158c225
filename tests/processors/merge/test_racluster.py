"""Aggregation beside the real racluster: the same records of argus through both."""

from __future__ import annotations

import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from processors.merge import Aggregation
from tests.argus_records import read_argus, run_argus
from tests.processors.merge import model
from tests.traffic.packets import (
    CLIENT_MAC,
    SERVER_MAC,
    arp_frame,
    echo_frame,
    ethernet,
    frame,
    icmp_error_frame,
    ipv4,
    tcp_frame,
    udp,
    udp_frame,
)
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from topics.batch import FlowBatch

SECOND = 1_000_000_000
EPOCH = 1_700_000_000 * SECOND
A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"

KEY = ("ethertype", "protocol", "src_address", "dst_address", "src_port", "dst_port")
# What is in the records of argus as exactly as in ours, and merged by the same rule.
COMPARED = (
    *("packets", "bytes", "app_bytes", "first", "last", "ttl", "tos", "interval_count", "interval_min", "interval_max"),
    *("idle_interval_count", "idle_interval_min", "idle_interval_max", "size_max", "vlan"),
)


@pytest.fixture(scope="module", autouse=True)
def argus_installed() -> None:
    if not (shutil.which("argus") and shutil.which("racluster")):
        pytest.skip("argus is not installed: apt-get install argus-server argus-client")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of an office, reported every five seconds."""
    place = tmp_path_factory.mktemp("office")
    write_pcap(place / "capture.pcap", sample_frames(1))
    run_argus(place / "capture.pcap", place / "records", "-AJZm", "-S", "5")
    return place / "records"


def racluster(records: Sequence[Path], *options: str) -> FlowBatch:
    target = records[0].with_suffix(".merged")
    target.unlink(missing_ok=True)
    read = [str(path) for path in records]
    # norep: a merged record that holds one record only has no count of its own in the file
    subprocess.run(["racluster", "-X", "-r", *read, *options, "norep", "-w", str(target)], check=True)
    return read_argus(target)


def ours(records: Sequence[Path], keys: Sequence[str] = (), *, correct: bool = True) -> list[model.Record]:
    aggregation = Aggregation(keys, correct=correct)
    for path in records:
        aggregation.add(read_argus(path))
    return model.records_of(aggregation.finish())


def key(record: model.Record) -> list[object]:
    return [record[name] for name in KEY]


def compared(record: model.Record) -> dict[str, object]:
    return {name: record[name] for side in ("src", "dst") for name in (f"{side}_{field}" for field in COMPARED)}


def from_frames(place: Path, name: str, frames: Sequence[tuple[float, bytes]]) -> Path:
    """Records of argus of frames at seconds after EPOCH, reported every five seconds."""
    timed = [(EPOCH + int(second * SECOND), packet) for second, packet in sorted(frames, key=lambda timed: timed[0])]
    write_pcap(place / f"{name}.pcap", timed)
    run_argus(place / f"{name}.pcap", place / name, "-AJZm", "-S", "5")
    return place / name


@pytest.mark.parametrize("correct", [True, False])
def test_flows_of_an_office_are_the_same_in_the_same_order(office: Path, correct: bool) -> None:
    expected = model.records_of(racluster([office], "-M", "correct" if correct else "nocorrect"))
    flows = ours([office], correct=correct)
    assert len(flows) > 100
    assert [key(flow) for flow in flows] == [key(flow) for flow in expected]
    assert [compared(flow) for flow in flows] == [compared(flow) for flow in expected]
    assert len(read_argus(office)) > len(flows)


def dns(number: int) -> bytes:
    return struct.pack(">6H", number, 0x100, 1, 0, 0, 0) + b"\1a\0\0\1\0\1"


def keyed_frames() -> list[tuple[float, bytes]]:
    """Repeated traffic that argus tells apart, and racluster partly does not."""
    frames: list[tuple[float, bytes]] = []
    for number, second in ((1, 0.0), (2, 1.0), (3, 20.0)):  # DNS: the transaction id is no key
        frames.append((second, udp_frame(A, B, 5000, 53, dns(number))))
        frames.append((second + 0.1, udp_frame(B, A, 53, 5000, dns(number))))
    for sequence in range(3):  # ping: the identifier is a key, the sequence number is not
        frames.append((sequence, echo_frame(A, B, 7, sequence)))
        frames.append((sequence + 0.1, echo_frame(B, A, 7, sequence, reply=True)))
    frames += [(3, echo_frame(A, B, 8, 1)), (4, echo_frame(B, A, 7, 1))]
    frames += [(second, arp_frame(1, CLIENT_MAC, A, C)) for second in (0, 1, 20)]  # ARP: who asks is no key
    frames += [(40, arp_frame(1, SERVER_MAC, A, C)), (60, arp_frame(1, SERVER_MAC, C, A))]
    group = b"\xe0\0\0\5"
    for second, kind in ((0, 0x16), (10, 0x16), (30, 0x17)):  # IGMP: the type is no key
        packet = ipv4(bytes((kind, 0, 0, 0)) + group, A, "224.0.0.5", 2, ttl=1, identification=second)
        frames.append((second, frame(packet)))
    quoted = ipv4(udp(A, B, 1000, 2000, b"hi"), A, B, 17)
    frames += [(second, icmp_error_frame(B, A, 3, 3, quoted)) for second in (0, 1)]
    for second, number in ((0, 1), (2, 2), (60, 1)):  # lone fragments: their id is no key
        frames.append((second, frame(ipv4(b"z" * 32, A, C, 17, identification=number, fragment_offset=64))))
    frames += [(second, ethernet(b"lldp" * 10, 0x88CC)) for second in (0, 10, 30)]
    frames += [(0, frame(ipv4(b"z" * 32, A, C, 89))), (70, frame(ipv4(b"z" * 32, C, A, 89)))]
    frames += [(0, udp_frame(A, C, 1, 2, b"a", vlans=(5,))), (60, udp_frame(A, C, 1, 2, b"a", vlans=(6,)))]
    return frames


@pytest.mark.parametrize("correct", [True, False])
def test_what_is_no_key_for_racluster_is_none_for_us(tmp_path: Path, correct: bool) -> None:
    records = from_frames(tmp_path, "keyed", keyed_frames())
    expected = model.records_of(racluster([records], "-M", "correct" if correct else "nocorrect"))
    flows = ours([records], correct=correct)
    assert [key(flow) for flow in flows] == [key(flow) for flow in expected]
    assert [flow["src_packets"] for flow in flows] == [flow["src_packets"] for flow in expected]


def printed(records: Sequence[Path], *fields: str) -> list[str]:
    """What racluster prints: in its files, the direction of a flow it has turned is undone by another flag."""
    read = [str(path) for path in records]
    command = ["racluster", "-X", "-r", *read, "-M", "correct", "-nn", "-c", ",", "-L", "-1", "-s", *fields]
    done = subprocess.run([*command, "-", "not", "man"], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def address_text(address: bytes) -> str:
    return ".".join(map(str, address[12:]))


def segment(source: str, destination: str, ports: tuple[int, int], flags: str) -> bytes:
    return tcp_frame(source, destination, *ports, flags=flags)


# What is seen first and what much later, from A:1000 to B:80 (`>`) or back (`<`): TCP flags, or UDP.
DIRECTIONS = {
    "acknowledgement, then a SYN from the other side": ((">", "A"), ("<", "S")),
    "SYN, then an acknowledgement from the other side": ((">", "S"), ("<", "A")),
    "SYN from both sides": ((">", "S"), ("<", "S")),
    "acknowledgements from both sides": ((">", "A"), ("<", "A")),
    "acknowledgement, then SYN-ACK from the other side": ((">", "A"), ("<", "SA")),
    "the same SYN again": ((">", "S"), (">", "S")),
    "reset, then SYN": ((">", "R"), (">", "S")),
    "datagrams from both sides": ((">", "udp"), ("<", "udp")),
}


@pytest.fixture(scope="module")
def directions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What is seen first and what much later, of all cases, the n-th of them on port 1000 + n."""
    place = tmp_path_factory.mktemp("directions")
    files = []
    for step, second in enumerate((0.0, 100.0)):
        frames = []
        for port, case in enumerate(DIRECTIONS.values(), 1000):
            way, what = case[step]
            ends = (A, B, port, 80) if way == ">" else (B, A, 80, port)
            packet = udp_frame(*ends) if what == "udp" else segment(ends[0], ends[1], ends[2:], what)
            frames.append((second, packet))
        files.append(from_frames(place, str(step), frames))
    return files


@pytest.mark.parametrize("case", DIRECTIONS)
def test_direction_is_corrected_alike(directions: list[Path], case: str) -> None:
    port = 1000 + list(DIRECTIONS).index(case)
    expected = printed(directions, "saddr", "sport", "daddr", "dport", "spkts", "dpkts")
    assert [
        f"{address_text(flow['src_address'])},{flow['src_port']},{address_text(flow['dst_address'])},{flow['dst_port']}"
        f",{flow['src_packets']},{flow['dst_packets']}"
        for flow in ours(directions)
        if port in (flow["src_port"], flow["dst_port"])
    ] == [line for line in expected if f",{port}," in line]


def test_direction_is_corrected_unasked_as_the_manual_of_racluster_says(directions: list[Path]) -> None:
    read = [word for records in directions for word in ("-r", str(records))]
    only = ("-nn", "-s", "sport", "-", "port", str(1000 + list(DIRECTIONS).index("acknowledgements from both sides")))
    unasked = subprocess.run(["racluster", "-X", *read, *only], capture_output=True, text=True, check=True)
    assert len(unasked.stdout.split()) == len(["Sport", "of the first", "of the second"])
    flows = [flow for flow in ours(directions) if int(only[-1]) in (flow["src_port"], flow["dst_port"])]
    assert [(flow["src_packets"], flow["dst_packets"]) for flow in flows] == [(1, 1)]


@pytest.mark.parametrize(
    "keys",
    [
        "saddr",
        "saddr/24",
        "daddr/8 proto",
        "proto",
        "sport",
        "dport",
        "matrix",
        "smac",
        "smac dmac",
        "sttl",
        "stos daddr",
    ],
)
def test_other_keys_merge_the_same_records(office: Path, keys: str) -> None:
    """Racluster sorts by the key then, so the order is not compared.

    Of a matrix only the pair of sides is: which address is the smaller one, racluster tells by the bytes of a machine.
    """
    expected = model.records_of(racluster([office], "-m", *keys.split(), "-M"))
    flows = ours([office], keys.split())
    assert sorted(sides(flow, keys) for flow in flows) == sorted(sides(flow, keys) for flow in expected)


def sides(flow: model.Record, keys: str) -> list[tuple[int, int]]:
    counted = [(flow[f"{side}_packets"], flow[f"{side}_bytes"]) for side in ("src", "dst")]
    return sorted(counted) if keys == "matrix" else counted
