"""Targets whose input is a frame: two bytes of link type, then the frame."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from probes.capture.link_types import ETHERNET, KNOWN
from probes.capture.packets import PACKET_DTYPE, PacketBlock
from probes.control.plane import ControlPlane
from probes.flows.identity import MAC_KEY, MPLS_KEY, UNIDIRECTIONAL, VLAN_KEY
from probes.flows.probe import FlowProbe, ProbeSettings
from tests.fuzz.target import Target
from tests.probes import test_link_layers, test_malformed, test_tunnels
from tests.probes.observed import START
from tests.traffic import encapsulations as e
from tests.traffic import packets as p
from topics.batch import Records, concatenate, packets_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence
    from random import Random

    from topics.batch import FlowBatch

A, B = "10.0.0.1", "10.0.0.2"
A6, B6 = "2001:db8::1", "2001:db8::2"
LINK_TYPES = sorted(KNOWN)
MILLISECOND = 1_000_000
GARBAGE = 512
TOLD = ("ethertype", "protocol", "flow_flags", "src_encapsulations", "tunnel_kind", "tcp_options", "icmp_error")
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"payload_bytes": 16},
    {"count_sizes": True, "count_intervals": True, "payload_bytes": 5},
    {"start_records": True, "early_close": False},
    {"key_additions": VLAN_KEY | MPLS_KEY | MAC_KEY},
    {"key_additions": UNIDIRECTIONAL, "tunnels": 1},
    {"status_interval": 20 * MILLISECOND, "tunnels": 0},
)


def named(frames: Mapping[str, bytes], link_type: int = ETHERNET) -> dict[str, bytes]:
    """Return inputs of frames of one link type, by names that a file may have."""
    head = struct.pack(">H", link_type)
    return {re.sub(r"\W+", "-", name): head + frame for name, frame in frames.items()}


def block(inputs: Iterable[bytes], random: Random, *, first: int = 0) -> PacketBlock:
    """Return the frames behind each other, and their last byte the last of the memory."""
    frames = [(struct.unpack(">H", each[:2].rjust(2, b"\0"))[0], each[2:]) for each in inputs]
    packets = np.zeros(len(frames), PACKET_DTYPE)
    packets["link_type"] = [kind if kind in KNOWN else LINK_TYPES[kind % len(LINK_TYPES)] for kind, _ in frames]
    packets["captured"] = [len(frame) for _, frame in frames]
    packets["length"] = packets["captured"] + [random.choice((0, 0, 0, 1, 1400)) for _ in frames]
    packets["offset"] = np.cumsum(packets["captured"]) - packets["captured"]
    packets["time"] = START + (first + np.arange(len(frames))) * MILLISECOND
    data = bytearray().join(frame for _, frame in frames)
    return PacketBlock(np.frombuffer(data, np.uint8), packets)


def alone(whole: PacketBlock) -> Iterable[PacketBlock]:
    """Yield each packet of a block with nothing before and behind it in memory."""
    for row in range(len(whole.packets)):
        packets = whole.packets[row : row + 1].copy()
        start, size = int(packets["offset"][0]), int(packets["captured"][0])
        packets["offset"] = 0
        yield PacketBlock(whole.data[start : start + size].copy(), packets)


def followed(whole: PacketBlock, random: Random) -> PacketBlock:
    """Return the same packets with other bytes behind the last one."""
    garbage = np.frombuffer(random.randbytes(GARBAGE), np.uint8)
    return PacketBlock(np.concatenate([whole.data, garbage]), whole.packets)


class FrameTarget(Target):
    """Frames through the whole probe: every packet in a record, and the same records wherever the frames lie."""

    def run(self, inputs: Sequence[bytes], random: Random) -> Sequence[Hashable]:
        """Decode them one by one and all at once."""
        whole, settings = block(inputs, random), random.choice(SETTINGS)
        one_by_one = self._observed(alone(whole), settings)
        at_once = self._observed([followed(whole, random)], settings)
        assert one_by_one.records.tobytes() == at_once.records.tobytes(), "a byte outside of a frame was believed"
        assert one_by_one.heap.tobytes() == at_once.heap.tobytes()
        self._conserved(one_by_one, whole)
        return self._outcomes(one_by_one, whole)

    def _observed(self, blocks: Iterable[PacketBlock], settings: Mapping[str, Any]) -> FlowBatch:
        probe = FlowProbe(ProbeSettings(**settings))
        batches = [batch for part in blocks for batch in probe.observe(part)]
        joined = concatenate([*batches, *probe.flush()])
        counts = probe.counts()
        records = joined.records
        assert counts["packets"] == packets_of(records)
        assert counts["bytes"] == _bytes_of(records)
        return joined

    def _conserved(self, joined: FlowBatch, whole: PacketBlock) -> None:
        records, longest = joined.records, int(whole.packets["length"].sum())
        assert packets_of(records) == len(whole.packets)
        assert _bytes_of(records) <= longest
        for side in ("src", "dst"):
            assert (records[f"{side}_size_max"] <= whole.packets["length"].max()).all()
            assert (records[f"{side}_app_bytes"] <= longest + (records[f"{side}_packets"] << 16)).all()
            end = records[f"{side}_payload_offset"].astype(np.int64) + records[f"{side}_payload_length"]
            assert (end <= len(joined.heap)).all()

    def _outcomes(self, joined: FlowBatch, whole: PacketBlock) -> list[Hashable]:
        """Say what each packet that began a flow was taken for."""
        found: list[Hashable] = [None] * len(whole.packets)
        for record in joined.records:
            row = (int(record["flow_start"]) - START) // MILLISECOND
            found[row] = (int(whole.packets["link_type"][row]), *(int(record[name]) for name in TOLD))
        return found


class LinkLayers(FrameTarget):
    """Link layers of every link type."""

    name = "link"

    def seeds(self) -> dict[str, bytes]:
        """Return a frame of each kind."""
        found: dict[str, bytes] = {}
        for name, (link_type, frame, _) in test_link_layers.CASES.items():
            found |= named({name: frame}, link_type)
        found |= named({"beacon": test_link_layers.management(8, b"upstairs")}, 105)
        cdp = e.ieee8023(e.snap(bytes(30), 0x2000, 0x0C))
        return found | named({"cdp": cdp, "stp": e.ieee8023(e.logical_link(bytes(35), 0x42, 0x42))})


class Network(FrameTarget):
    """IP and its options, extension headers and fragments; ICMP and what it quotes; everything on top but TCP."""

    name = "network"
    ports: ClassVar = (A, B, 4000, 5000)

    def seeds(self) -> dict[str, bytes]:
        """Return a packet of each kind."""
        datagram = p.udp(*self.ports, b"x" * 40)
        six = p.ip(p.udp(A6, B6, 4000, 53, b"\0\7" + bytes(20)), A6, B6, 17)
        extended = p.ipv6_extension(p.ipv6_extension(p.ipv6_fragment(datagram, 17, 9, more_fragments=True), 44), 43)
        options = bytes((7, 7, 4, 1, 2, 3, 4, 68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 148, 4, 0, 0))
        solicitation = bytes(4) + bytes.fromhex("fe80" + "00" * 13 + "02")
        return named(
            {
                **{name: frame for name, (frame, _) in test_malformed.LIES.items()},
                **test_malformed.GOOD,
                "options": p.frame(p.ipv4(datagram, A, B, 17, options=options)),
                "later fragment": p.frame(p.ipv4(datagram, A, B, 17, identification=3, fragment_offset=64)),
                "extensions": p.frame(p.ip(extended, A6, B6, 0)),
                "later fragment of IPv6": p.frame(p.ip(p.ipv6_fragment(datagram, 17, 9, offset=64), A6, B6, 44)),
                "authentication": p.frame(p.ip(e.authentication(datagram, 17), A, B, 51)),
                "arp": p.arp_frame(1, p.CLIENT_MAC, A, B),
                "echo": p.echo_frame(A, B, 7, 1, b"ping"),
                "echo of IPv6": p.echo_frame(A6, B6, 7, 1, b"ping"),
                "unreachable": p.icmp_error_frame(B, A, 3, 3, p.ip(datagram, A, B, 17)),
                "unreachable of IPv6": p.icmp_error_frame(B6, A6, 1, 4, six),
                "redirect": p.icmp_error_frame(B, A, 5, 1, p.ip(datagram, A, B, 17)),
                "exceeded": p.icmp_error_frame(B, A, 11, 0, p.frame(p.ip(p.icmp(8, 0, bytes(8)), A, B, 1))[14:]),
                "neighbour": p.icmp_frame(A6, B6, 135, 0, solicitation),
                "dns": p.udp_frame(A, B, 4000, 53, b"\0\7" + bytes(20)),
                "rtp": p.udp_frame(A, B, 16384, 17000, e.rtp(9)),
                "rtcp": p.udp_frame(A, B, 16385, 17001, e.rtcp()),
                "esp": p.frame(p.ip(e.esp(9, 1), A, B, 50)),
                "igmp": p.frame(p.ip(b"\x16\0\0\0\xef\1\1\1", A, "239.1.1.1", 2)),
                "sctp": p.frame(p.ip(struct.pack(">HHII", 7, 8, 9, 0), A, B, 132)),
                "ospf": p.frame(p.ip(b"\2\1\0\x2c" + bytes(40), A, "224.0.0.5", 89)),
            }
        )


class Tunnels(FrameTarget):
    """Tunnels of all kinds, in each other too."""

    name = "tunnels"

    def seeds(self) -> dict[str, bytes]:
        """Return a packet in each kind of tunnel, and some that only look so."""
        nested = {"nested": p.frame(p.ip(e.gre(test_tunnels.over_udp(4789, bytes(8))[14:], 0x0800), A, B, 47))}
        real = {name: frame for name, (frame, *_) in test_tunnels.TUNNELS.items()}
        return named(real | test_tunnels.CLOSED | nested)


class TcpOptions(FrameTarget):
    """TCP: options, flags, sequence numbers, of one connection so that its state is met."""

    name = "tcp"

    def seeds(self) -> dict[str, bytes]:
        """Return the segments of a connection with every option."""
        options = p.tcp_options(
            maximum_segment=1460, window_scale=7, sack_permitted=True, sack=[(1, 2), (4, 5)], timestamp=(1, 2)
        )
        odd = b"\x06\x06\0\0\0\1\x07\x06\0\0\0\1\x0b\x06\0\0\0\1\x0c\x06\0\0\0\1\x0d\x06\0\0\0\1\x1c\x04\0\0\xfd\x02"
        there, back = (A, B, 4000, 80), (B, A, 80, 4000)
        return named(
            {
                "syn": p.tcp_frame(*there, flags="SEC", sequence=2**32 - 1, options=options),
                "syn-ack": p.tcp_frame(*back, flags="SAE", sequence=9, acknowledgement=0, options=options),
                "odd options": p.tcp_frame(*there, flags="S", sequence=7, options=odd),
                "data": p.tcp_frame(*there, flags="PA", sequence=0, acknowledgement=10, payload=b"d" * 40),
                "data again": p.tcp_frame(*there, flags="PA", sequence=20, acknowledgement=10, payload=b"d" * 40),
                "gap": p.tcp_frame(*there, flags="PA", sequence=400, acknowledgement=10, payload=b"d" * 40),
                "answer": p.tcp_frame(*back, flags="PA", sequence=10, acknowledgement=40, payload=b"a" * 90, window=0),
                "fin": p.tcp_frame(*there, flags="FA", sequence=440, acknowledgement=100),
                "fin of the other": p.tcp_frame(*back, flags="FA", sequence=100, acknowledgement=441),
                "reset": p.tcp_frame(*back, flags="R", sequence=100),
                "over IPv6": p.tcp_frame(A6, B6, 4000, 80, flags="S", sequence=1, options=options),
            }
        )


class ControlSelection(Target):
    """Selection of control plane payloads, and the streams that they are put in order of."""

    name = "control"

    def seeds(self) -> dict[str, bytes]:
        """Return a packet of most protocols."""
        ports = {"dns": 53, "dhcp": 67, "netbios": 137, "snmp": 161, "ntp": 123, "rip": 520, "ldp": 646, "sip": 5060}
        frames = {name: p.udp_frame(A, B, 40000, port, bytes(range(40))) for name, port in ports.items()}
        for name, protocol in {"ospf": 89, "rsvp": 46, "igmp": 2, "icmp": 1}.items():
            frames[name] = p.frame(p.ip(bytes(range(8, 48)), A, B, protocol))
        for name, size in {"bgp": 40, "bgp more": 30}.items():
            sequence = 101 if name == "bgp" else 141
            frames[name] = p.tcp_frame(A, B, 40000, 179, flags="PA", sequence=sequence, payload=bytes(range(size)))
        return named(
            frames
            | {
                "bgp opens": p.tcp_frame(A, B, 40000, 179, flags="S", sequence=100),
                "bgp late": p.tcp_frame(A, B, 40000, 179, flags="PA", sequence=300, payload=b"late"),
                "bgp ends": p.tcp_frame(A, B, 40000, 179, flags="FA", sequence=171),
                "arp": p.arp_frame(1, p.CLIENT_MAC, A, B),
                "stp": e.ieee8023(e.logical_link(bytes(35), 0x42, 0x42)),
                "is-is": e.ieee8023(e.logical_link(bytes(60), 0xFE, 0xFE)),
                "in a tunnel": test_tunnels.over_udp(4789, e.vxlan(p.udp_frame(A, B, 40000, 53, bytes(30)), 7)),
                "fragment": test_malformed.GOOD["first fragment"],
            }
        )

    def run(self, inputs: Sequence[bytes], random: Random) -> Sequence[Hashable]:
        """Select one by one and all at once."""
        whole = block(inputs, random)
        one_by_one = self._taken(alone(whole))
        assert one_by_one == self._taken([followed(whole, random)]), "a byte outside of a frame was believed"
        found: list[Hashable] = [None] * len(inputs)
        for time, kind, flags, _ in one_by_one:
            found[(time - START) // MILLISECOND] = kind, flags
        return found

    def _taken(self, blocks: Iterable[PacketBlock]) -> list[tuple[int, str, int, bytes]]:
        plane = ControlPlane(ProbeSettings())
        batches = [batch for part in blocks for batch in plane.take(part)]
        rows: list[tuple[int, str, int, bytes]] = []
        for batch in [*batches, *plane.flush()]:
            records = batch.records
            assert (records["payload_offset"].astype(np.int64) + records["payload_length"] <= len(batch.heap)).all()
            times, flags = records["time"].tolist(), records["flags"].tolist()
            rows += [(times[row], batch.kind(row), flags[row], batch.payload(row)) for row in range(len(records))]
        return rows


def _bytes_of(records: Records) -> int:
    """Bytes on the wire that records account for, those of copies included."""
    return sum(int(records[f"{side}_{what}"].sum()) for side in ("src", "dst") for what in ("bytes", "duplicate_bytes"))
