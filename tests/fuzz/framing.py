"""Targets whose input is a capture file, or a filter program and a packet."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from probes.capture import framing
from probes.capture.packets import PACKET_DTYPE
from probes.capture.reader import CaptureReader, _Framer
from probes.packet_filter import libpcap, program
from probes.packet_filter.interpreter import select
from probes.packet_filter.program import Instruction
from tests.fuzz.target import Target
from tests.traffic.packets import tcp_frame, udp_frame
from tests.traffic.pcap import Interface, Packet, pcap_bytes, pcapng_bytes
from topics.errors import CaptureError, FilterError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from random import Random

    Packets = np.ndarray[Any, np.dtype[Any]]

TIME = 1_790_000_000_123_456_789
ENDINGS = {framing.MORE, *framing.REASONS}


class Framing(Target):
    """pcap and pcapng from their first byte on; gzip and zstd around them."""

    name = "framing"

    def seeds(self) -> dict[str, bytes]:
        """Return captures in both formats and byte orders."""
        frames = [(TIME + number, udp_frame("10.0.0.1", "10.0.0.2", 1, 2, bytes(number))) for number in range(3)]
        described = [Interface(resolution=9, name="eth0"), Interface(113, 40, 0x80 | 20, 1000)]
        packets = [Packet(*frames[0], interface=1), Packet(*frames[1], simple=True), Packet(*frames[2], 90)]
        return {
            "little.pcap": pcap_bytes(frames),
            "big.pcap": pcap_bytes(frames, byte_order=">", nanoseconds=True),
            "cut.pcap": pcap_bytes(frames, snaplen=20),
            "little.pcapng": pcapng_bytes(packets, interfaces=described, options=[(1, b"comment")]),
            "big.pcapng": pcapng_bytes(packets, interfaces=described, byte_order=">"),
            "sections.pcapng": pcapng_bytes(packets, interfaces=described) + pcapng_bytes(frames, byte_order=">"),
        }

    def run(self, inputs: Sequence[bytes], random: Random) -> Sequence[Hashable]:
        """Frame each in one piece and in two."""
        return [self._framed(each, random) for each in inputs]

    def _framed(self, data: bytes, random: Random) -> Hashable:
        if random.random() < 0.02:
            self._read(data)
        try:
            whole, parts = _Framer(data[:24], "whole"), _Framer(data[:24], "parts")
        except CaptureError as error:
            return error.reason
        packets, at, why = self._checked(whole, data, whole.start)
        cut = random.randrange(whole.start, len(data) + 1)
        first, between, _ = self._checked(parts, data[:cut], parts.start)
        rest, end, reason = self._checked(parts, data, between)
        if why != framing.BAD_BYTE_ORDER:  # of a section that is cut there its length alone may be seen first
            assert (end, reason) == (at, why)
            assert np.concatenate([first, rest]).tobytes() == packets.tobytes()
        return why, len(packets), tuple(sorted(set(packets["link_type"].tolist())))[:3]

    def _checked(self, framer: _Framer, data: bytes, start: int) -> tuple[Packets, int, int]:
        found, at, why = framer.frame(np.frombuffer(bytearray(data), np.uint8), start)
        packets: Packets = found.copy()
        assert why in ENDINGS
        assert start <= at <= max(start, len(data))
        ends = packets["offset"].astype(np.int64) + packets["captured"]
        assert (ends <= at).all()
        assert (packets["offset"][1:].astype(np.int64) >= ends[:-1]).all()
        assert (packets["length"] >= packets["captured"]).all()
        assert (packets["time"] >= 0).all()
        return packets, at, why

    def _read(self, data: bytes) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "damaged")
            path.write_bytes(data)
            try:
                for each in CaptureReader(str(path)):
                    assert (each.packets["offset"] + each.packets["captured"] <= len(each.data)).all()
            except CaptureError:
                return


EXPRESSIONS = (
    "tcp port 80",
    "ip6 and udp",
    "vlan 5 and host 10.0.0.1",
    "greater 100",
    "icmp[0] == 8 or arp",
    "ether[7:2] / 3 > 9",
)


class Filters(Target):
    """Filter programs: a number of instructions, the instructions of eight bytes, then a packet."""

    name = "bpf"

    def seeds(self) -> dict[str, bytes]:
        """Return programs that libpcap makes, each with a packet."""
        packet = tcp_frame("10.0.0.1", "10.0.0.2", 4000, 80, vlans=[5])
        found = {}
        for number, expression in enumerate(EXPRESSIONS):
            code = libpcap.compile_for_files(expression, 1, 262144)
            packed = b"".join(struct.pack(">HBBI", *each) for each in code)
            found[f"{number}.bpf"] = bytes((len(code),)) + packed + packet
        return found

    def run(self, inputs: Sequence[bytes], random: Random) -> Sequence[Hashable]:
        """Run each that passes the check on its packet, alone in memory and with others behind it."""
        return [self._accepted(each, random) for each in inputs]

    def _accepted(self, data: bytes, random: Random) -> Hashable:
        count = data[0] if data else 0
        packed = data[1 : 1 + 8 * count]
        code = [Instruction(*each) for each in struct.iter_unpack(">HBBI", packed[: len(packed) // 8 * 8])]
        try:
            words = program.for_files(code, "damaged")
        except FilterError as error:
            return str(error).split("(")[0]
        packet = data[1 + 8 * count :]
        answers = {self._answer(words, packet, behind) for behind in (b"", random.randbytes(64))}
        assert len(answers) == 1, "a byte outside of the packet was believed"
        return len(code), answers.pop()

    def _answer(self, words: program.Words, packet: bytes, behind: bytes) -> bool:
        packets, chosen = np.zeros(1, PACKET_DTYPE), np.zeros(1, np.bool_)
        packets["captured"] = packets["length"] = len(packet)
        memory = np.frombuffer(bytearray(packet + behind), np.uint8)
        select(words, np.zeros(16, np.int64), memory, packets, 0, chosen)
        return bool(chosen[0])
