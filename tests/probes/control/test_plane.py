"""Payloads of the control plane out of packets: which, byte for byte, and what hostile ones lead to."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from probes.capture.link_types import KNOWN
from probes.capture.packets import PacketBlock
from probes.control.plane import ControlPlane
from probes.control.protocols import MORE, NAMED, Protocols
from probes.control.streams import SECOND, Limits
from probes.flows.probe import ProbeSettings
from probes.sensor import Sensor
from tests.checked_kernels import run_checked
from tests.probes.observed import CLIENT, SERVER, START, block
from tests.traffic import packets
from topics.control import ControlBatch, ControlFlags
from topics.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from topics.batch import FlowBatch

TimedFrame = tuple[float, bytes]
V6_CLIENT, V6_SERVER = "2001:db8::5", "2001:db8::9"
DATA = bytes(range(1, 101))


def taken(blocks: Iterable[PacketBlock], *words: str, limits: Limits | None = None) -> list[ControlBatch]:
    plane = ControlPlane(ProbeSettings("berlin", "edge", boot_id=7), words, limits=limits or Limits())
    batches = [batch for part in blocks for batch in plane.take(part)]
    return [*batches, *plane.flush()]


def rows(batches: Iterable[ControlBatch]) -> list[dict[str, Any]]:
    names = ("time", "src_port", "dst_port", "flags", "stream", "stream_offset", "missing", "wire_length", "vlan")
    return [
        {name: int(batch.records[name][row]) for name in names}
        | {"kind": batch.kind(row), "payload": batch.payload(row), "ends": ends(batch, row)}
        for batch in batches
        for row in range(len(batch))
    ]


def ends(batch: ControlBatch, row: int) -> tuple[bytes, bytes]:
    record = batch.records[row]
    return record["src_address"].tobytes(), record["dst_address"].tobytes()


def payloads(frames: Sequence[bytes], *words: str) -> list[tuple[str, bytes]]:
    found = rows(taken([block([(float(place), frame) for place, frame in enumerate(frames)])], *words))
    return [(row["kind"], row["payload"]) for row in found]


def udp(port: int, payload: bytes = DATA) -> bytes:
    return packets.udp_frame(CLIENT, SERVER, 40000, port, payload)


def over_ip(protocol: int, payload: bytes = DATA) -> bytes:
    return packets.frame(packets.ip(payload, CLIENT, SERVER, protocol))


def llc(access_points: int, payload: bytes = DATA) -> bytes:
    body = struct.pack(">HB", access_points, 3) + payload
    return bytes.fromhex("0180c2000000020000000001") + struct.pack(">H", len(body)) + body


def arp() -> bytes:
    return packets.arp(1, "02:00:00:00:00:01", CLIENT, "00:00:00:00:00:00", SERVER)


def over_link(packet: bytes, ethertype: bytes = b"\x08\x06") -> bytes:
    return bytes.fromhex("ffffffffffff020000000001") + ethertype + packet


PORTS = {
    "dns": 53,
    "mdns": 5353,
    "llmnr": 5355,
    "netbios": 138,
    "dhcp": 67,
    "dhcpv6": 547,
    "rip": 520,
    "sip": 5060,
    "ntp": 123,
    "snmp": 162,
    "ldp": 646,
}


@pytest.mark.parametrize(("kind", "port"), PORTS.items())
def test_datagrams_are_given_whole_and_either_way(kind: str, port: int) -> None:
    answer = packets.udp_frame(SERVER, CLIENT, port, 40000, DATA[::-1])
    assert payloads([udp(port), answer, udp(9)]) == [(kind, DATA), (kind, DATA[::-1])]


@pytest.mark.parametrize(("kind", "protocol"), [("ospf", 89), ("rsvp", 46)])
def test_what_ip_carries_itself_is_given_whole(kind: str, protocol: int) -> None:
    assert payloads([over_ip(protocol), over_ip(47)]) == [(kind, DATA)]


def test_icmp_is_given_from_its_own_header_on() -> None:
    echo, unreachable = packets.icmp(8, 0, DATA), packets.icmp(3, 1, DATA)
    neighbour = packets.icmpv6(V6_CLIENT, V6_SERVER, 135, 0, DATA)
    frames = [
        over_ip(1, echo),
        over_ip(1, unreachable),
        packets.frame(packets.ip(neighbour, V6_CLIENT, V6_SERVER, 58)),
    ]
    assert payloads(frames) == [("icmp", echo), ("icmp", unreachable), ("icmpv6", neighbour)]


def test_padding_of_short_frames_is_left_out_of_ip_and_arp() -> None:
    question = arp()
    assert payloads([over_ip(1, packets.icmp(8)) + bytes(20), over_link(question) + bytes(30)]) == [
        ("icmp", packets.icmp(8)),
        ("arp", question),
    ]


def test_link_layer_protocols_are_given_from_their_llc_header_on() -> None:
    assert payloads([llc(0x4242), llc(0xFEFE), llc(0xE0E0)]) == [
        ("stp", b"\x42\x42\x03" + DATA),
        ("isis", b"\xfe\xfe\x03" + DATA),
    ]


def test_every_protocol_of_the_list_can_be_asked_for_alone() -> None:
    for kind, selectors in {**NAMED, **MORE}.items():
        tables = Protocols([kind])
        count = sum(int((table == 1).sum()) for table in (tables.ports, tables.ip, tables.ether))
        assert (tables.kinds, count) == ((kind,), len(selectors))


def test_protocols_may_be_given_as_numbers_and_services() -> None:
    frames = [udp(9053), over_ip(112), udp(53), udp(123), llc(0x4242)]
    words = ("udp:9053", "ip:112", "udp:domain", "llc:0x4242")
    assert payloads(frames, *words) == [
        ("udp:9053", DATA),
        ("ip:112", DATA),
        ("udp:domain", DATA),
        ("llc:0x4242", b"\x42\x42\x03" + DATA),
    ]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("dsn", "'dsn' is unknown; did you mean 'dns'?"),
        ("upd:53", "'upd:53' is unknown; did you mean 'udp:'?"),
        ("udp:65536", "'udp:65536': udp goes from 0 to 65535"),
        ("ip:-1", "'ip:-1': ip goes from 0 to 255"),
        ("tcp:nowhere", "'tcp:nowhere' names no number and no service"),
    ],
)
def test_a_word_that_means_nothing_is_named(word: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Protocols([word])
    assert str(caught.value) == message


def test_more_kinds_than_there_are_numbers_for_are_refused() -> None:
    with pytest.raises(SettingsError, match="has 300 entries, at most 255"):
        Protocols(f"udp:{port}" for port in range(300))


def test_who_sent_what_to_whom_and_when_is_kept() -> None:
    frames = [
        (0.5, packets.udp_frame(CLIENT, SERVER, 40000, 53, DATA, vlans=(7,))),
        (1.5, packets.udp_frame(V6_SERVER, V6_CLIENT, 53, 40000, b"x")),
    ]
    (batch,) = taken([PacketBlock(*_parts(block(frames)), interface="eth0")])
    first, second = rows([batch])
    assert (batch.site, batch.probe, batch.interface, batch.boot_id) == ("berlin", "edge", "eth0", 7)
    assert (first["time"] - START, second["time"] - START) == (SECOND // 2, 3 * SECOND // 2)
    assert (first["src_port"], first["dst_port"], first["vlan"]) == (40000, 53, 7)
    assert first["ends"] == tuple(
        bytes(10) + b"\xff\xff" + bytes(map(int, each.split("."))) for each in (CLIENT, SERVER)
    )
    assert [end.hex() for end in second["ends"]] == ["20010db8" + "0" * 22 + "09", "20010db8" + "0" * 22 + "05"]
    assert batch.records["protocol"].tolist() == [17, 17]
    assert batch.records["ethertype"].tolist() == [0x0800, 0x86DD]


def _parts(whole: PacketBlock) -> tuple[Any, Any]:
    return whole.data, whole.packets


def test_what_was_not_captured_in_full_says_so() -> None:
    whole = block([(0.0, udp(53)), (1.0, udp(53))])
    whole.packets["captured"][0] -= 60
    cut, full = rows(taken([whole]))
    assert (cut["payload"], cut["wire_length"], cut["flags"]) == (DATA[:40], 100, ControlFlags.TRUNCATED)
    assert (full["payload"], full["flags"]) == (DATA, 0)


def test_a_first_fragment_says_that_more_follows_and_later_ones_are_left_out() -> None:
    datagram = packets.udp(CLIENT, SERVER, 40000, 53, DATA)
    first = packets.frame(packets.ipv4(datagram[:48], CLIENT, SERVER, 17, more_fragments=True))
    later = packets.frame(packets.ipv4(datagram[48:], CLIENT, SERVER, 17, fragment_offset=48))
    (found,) = rows(taken([block([(0.0, first), (0.1, later)])]))
    assert (found["payload"], found["flags"]) == (DATA[:40], ControlFlags.FRAGMENT)


def test_tunnels_are_opened_as_for_flow_records() -> None:
    inner = packets.udp(CLIENT, SERVER, 40000, 53, DATA)
    frame = packets.frame(packets.ip(packets.ip(inner, CLIENT, SERVER, 17), "192.0.2.1", "192.0.2.2", 4))
    assert payloads([udp(9), frame]) == [("dns", DATA)]
    closed = ControlPlane(ProbeSettings(tunnels=0))
    assert rows(closed.take(block([(0.0, frame)]))) == []


def tcp(sequence: int, payload: bytes = b"", flags: str = "A", *, reply: bool = False) -> bytes:
    end = (SERVER, CLIENT, 179, 40000) if reply else (CLIENT, SERVER, 40000, 179)
    return packets.tcp_frame(*end, flags=flags, sequence=sequence, payload=payload)


def test_tcp_comes_in_stream_order_between_the_datagrams_around_it() -> None:
    frames = [tcp(99, flags="S"), tcp(120, DATA[20:40]), udp(53), tcp(100, DATA[:20]), udp(123), tcp(140, flags="FA")]
    found = rows(taken([block([(float(place), frame) for place, frame in enumerate(frames)])]))
    assert [(row["kind"], row["stream_offset"], row["payload"]) for row in found] == [
        ("dns", 0, DATA),
        ("bgp", 0, DATA[:20]),
        ("bgp", 20, DATA[20:40]),
        ("ntp", 0, DATA),
        ("bgp", 40, b""),
    ]
    streamed = [row for row in found if row["kind"] == "bgp"]
    assert {row["stream"] for row in streamed} == {START}
    assert [row["flags"] for row in streamed] == [1, 1, ControlFlags.STREAM | ControlFlags.LAST]


def test_a_loss_in_tcp_is_marked_at_the_end() -> None:
    frames = [(0.0, tcp(99, flags="S")), (1.0, tcp(100, DATA[:10])), (2.0, tcp(150, DATA[50:60]))]
    found = rows(taken([block(frames)]))
    assert [(row["stream_offset"], row["missing"], row["payload"]) for row in found] == [
        (0, 0, DATA[:10]),
        (50, 40, DATA[50:60]),
        (60, 0, b""),
    ]


def test_idle_streams_are_given_up_by_the_time_of_packets_and_of_blocks() -> None:
    plane = ControlPlane(ProbeSettings(), limits=Limits(idle=60 * SECOND))
    assert list(plane.take(block([(0.0, tcp(99, flags="S")), (0.0, tcp(120, DATA))]))) == []
    assert list(plane.take(block([(50.0, udp(9))]))) == []
    (batch,) = plane.take(PacketBlock(*_parts(block([])), now=START + 61 * SECOND))
    assert [row["missing"] for row in rows([batch])] == [20, 0]
    assert plane.counts()["streams"] == 0


def test_a_flood_of_segments_is_cut_off_and_counted() -> None:
    plane = ControlPlane(ProbeSettings(), limits=Limits(rate=10))
    frames = [(place / 100, tcp(100 + place, DATA[place : place + 1])) for place in range(50)]
    frames += [(1.5, tcp(160, b"later"))]
    found = rows(
        [batch for part in (block(frames[:25]), block(frames[25:50]), block(frames[50:])) for batch in plane.take(part)]
    )
    assert [row["stream_offset"] for row in found] == list(range(10))
    assert plane.counts()["dropped_segments"] == 40
    assert [row["missing"] for row in rows(plane.flush())] == [50, 0]


def test_interfaces_have_streams_and_names_of_their_own() -> None:
    plane = ControlPlane(ProbeSettings(probe="edge"), names={"eth1": "edge-1"})
    whole = block([(0.0, tcp(100, DATA))])
    batches = [batch for name in ("eth0", "eth1") for batch in plane.take(PacketBlock(*_parts(whole), interface=name))]
    assert [(batch.interface, batch.probe, batch.payload(0)) for batch in batches] == [
        ("eth0", "edge", DATA),
        ("eth1", "edge-1", DATA),
    ]


def test_other_protocols_can_be_followed_from_now_on() -> None:
    plane = ControlPlane(ProbeSettings())
    early = block([(0.0, tcp(99, flags="S")), (0.0, tcp(120, DATA))])
    assert list(plane.take(early)) == []
    assert [row["payload"] for row in rows(plane.follow(["ntp"]))] == [DATA, b""]
    assert rows(plane.take(block([(1.0, udp(53)), (1.0, udp(123))])))[0]["kind"] == "ntp"
    with pytest.raises(SettingsError):
        list(plane.follow(["nonsense"]))
    assert plane.protocols.kinds == ("ntp",)


def test_payloads_tell_the_flow_they_belong_to() -> None:
    plane = ControlPlane(ProbeSettings(probe="edge"), ("dns", "bgp"))
    sensor = Sensor(plane.settings, protocols=plane.protocols)
    frames = [(0.0, udp(53)), (0.1, udp(9)), (0.2, udp(54)), (0.3, tcp(99, flags="S")), (0.4, tcp(120, DATA))]
    frames += [(0.5, tcp(100, DATA[:20])), (300.0, udp(53)), (300.1, udp(53)), (300.2, tcp(500, b"x", reply=True))]
    records: list[FlowBatch] = []
    batches: list[ControlBatch] = []
    for part in (block(frames[:5]), block([]), block(frames[5:])):
        records += sensor.take(part)
        batches += plane.take(part, sensor.marks(part))
    records += sensor.flush()
    started = {
        (int(row["flow_start"]), int(row["protocol"])): row["flow_id"].tobytes()
        for batch in records
        for row in batch.records
    }
    found = [
        (int(row["time"]), int(row["protocol"]), row["flow_id"].tobytes()) for each in batches for row in each.records
    ]
    early, late = START, START + 300 * SECOND
    assert [id_ for _, protocol, id_ in found if protocol == 17] == [
        started[early, 17],
        *2 * [started[late, 17]],
    ]
    connection = started[START + round(0.3 * SECOND), 6]
    assert [id_ for time, protocol, id_ in found if protocol == 6 and time < late] == 2 * [connection]
    assert plane.counts()["payloads_dns"] == 3


def test_marks_follow_other_protocols() -> None:
    plane = ControlPlane(ProbeSettings())
    sensor = Sensor(plane.settings, protocols=plane.protocols)
    frames = [(0.0, udp(53)), (0.1, udp(123))]
    for words, count in ((("dns",), 1), (("ntp", "dns"), 2), (("bgp",), 0)):
        list(plane.follow(words))
        sensor.follow(plane.protocols)
        assert list(sensor.take(block(frames))) == []
        assert len(sensor.marks(block(frames)).places) == count


def test_counts_say_what_was_taken() -> None:
    plane = ControlPlane(ProbeSettings())
    list(plane.take(block([(0.0, udp(53)), (0.0, udp(53)), (0.0, udp(123)), (0.0, udp(9))])))
    counts = plane.counts()
    assert (counts["payloads_dns"], counts["payloads_ntp"], counts["bytes"]) == (2, 1, 300)


def test_the_same_packets_give_the_same_payloads_however_they_are_cut() -> None:
    shuffled = random.Random(3)
    frames = [(place / 10, tcp(100 + 10 * place, DATA[place : place + 10])) for place in range(90)]
    frames += [(place / 10, udp(shuffled.choice([53, 123, 9]))) for place in range(90)]
    shuffled.shuffle(frames)
    whole = block([(0.0, tcp(99, flags="S")), *frames])

    def cut(size: int) -> list[PacketBlock]:
        return [PacketBlock(whole.data, whole.packets[at : at + size]) for at in range(0, len(whole.packets), size)]

    expected = rows(taken([whole]))
    assert len(expected) > 100
    for size in (1, 7, 64):
        assert rows(taken(cut(size))) == expected


def unlengthed() -> list[bytes]:
    """ICMP whose IP header leaves the length to the hardware, as segmentation offload does."""
    version4, version6 = packets.icmp(8, 0, DATA), packets.icmpv6(V6_CLIENT, V6_SERVER, 128, 0, DATA)
    frames = [bytearray(over_ip(1, version4)), bytearray(packets.frame(packets.ip(version6, V6_CLIENT, V6_SERVER, 58)))]
    frames[0][16:18] = frames[1][18:20] = bytes(2)
    return [bytes(frame) for frame in frames]


def test_packets_without_a_length_are_as_long_as_their_frame() -> None:
    found = payloads([udp(9), *unlengthed()])
    assert [(kind, payload[8:]) for kind, payload in found] == [("icmp", DATA[4:]), ("icmpv6", DATA[4:])]


def hostile(seed: int, count: int) -> PacketBlock:
    """Valid frames with bytes changed and ends cut off, of every link type."""
    chance = random.Random(seed)
    seeds = [udp(53), over_ip(89), over_ip(1, packets.icmp(3, 1, DATA)), llc(0x4242), tcp(100, DATA), tcp(5, flags="S")]
    seeds += [over_link(arp()), *unlengthed()]
    seeds += [packets.udp_frame(V6_CLIENT, V6_SERVER, 546, 547, DATA, vlans=(3, 4))]
    frames: list[TimedFrame] = []
    for place in range(count):
        frame = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(6)):
            frame[chance.randrange(len(frame))] = chance.randrange(256)
        frames.append((place / 1000, bytes(frame[: chance.randrange(1, len(frame) + 1)])))
    made = block(frames)
    made.packets["length"] += np.array([chance.choice([0, 0, 1, 1500]) for _ in frames], np.uint32)
    made.packets["link_type"] = [chance.choice([1, 1, *sorted(KNOWN)]) for _ in frames]
    return made


def test_hostile_packets_give_no_byte_that_was_not_theirs() -> None:
    for seed in range(5):
        made = hostile(seed, 2000)
        for row in rows(taken([made], "ether:0x0800", *NAMED)):
            assert len(row["payload"]) <= min(row["wire_length"], 200)


def check_bounds() -> None:
    for seed in range(3):
        taken([hostile(seed, 3000)], *NAMED)


@pytest.mark.timeout(300)
def test_no_access_outside_the_arrays() -> None:
    done = run_checked("-c", "from tests.probes.control.test_plane import check_bounds; check_bounds()")
    assert done.returncode == 0, done.stderr[-3000:]
