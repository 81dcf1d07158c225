"""Sends TCP segments into an interface at a given rate: `python -m tests.bench.segments IF RATE SECONDS`.

A call hands the kernel one large segment, which it cuts into `CUT` packets before they enter the interface
(segmentation offload in software): a packet costs it half of what a call for each does. Tells in the end, as JSON, how
many packets the kernel took, and in how many seconds.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass
from itertools import count
from typing import TYPE_CHECKING

from tests.traffic.checksum import checksum, packed, pseudo_header, with_checksum

if TYPE_CHECKING:
    from collections.abc import Iterator

CUT = 32
FLOWS = 1024
SIZES = (64, 200, 600, 1400)  # bytes of payload in a packet, by flow
NS = 1_000_000_000
SIOCETHTOOL, ETHTOOL_STSO = 0x8946, 0x1F  # linux/sockios.h, linux/ethtool.h
SOL_PACKET, PACKET_VNET_HDR = 263, 15  # linux/socket.h, linux/if_packet.h
OFFLOAD = struct.Struct("<BBHHHH")  # struct virtio_net_hdr: flags, kind, header, payload, where the checksum is
NEEDS_CHECKSUM, TCP_OVER_IPV4 = 1, 1  # linux/virtio_net.h
ETHERNET = bytes.fromhex("020000000001 020000000002 0800")
HEADERS = 54  # bytes of Ethernet, IPv4 and TCP
SEQUENCE = OFFLOAD.size + 38


@dataclass(frozen=True, slots=True)
class Sent:
    """Packets that the kernel took, and in how many seconds."""

    packets: int
    seconds: float


def cut_in_software(interface: str) -> None:
    """Let an interface of the calling thread's namespace take no large segments; raises OSError."""
    value = ctypes.create_string_buffer(struct.pack("=II", ETHTOOL_STSO, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(value))
        fcntl.ioctl(asking, SIOCETHTOOL, request)


def headers(flow: int, size: int, *, back: bool) -> bytearray:
    """Return what stands before the payload, as the packet socket takes it, for `CUT` packets of one direction."""
    ends = [(f"10.0.{flow >> 8}.{flow & 255}", 1024 + flow), (f"10.1.0.{flow & 255}", 443)]
    (source, source_port), (target, target_port) = reversed(ends) if back else ends
    length = 20 + size * CUT
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, socket.IPPROTO_TCP, 0)
    begun = 0xFFFF - checksum(pseudo_header(source, target, socket.IPPROTO_TCP, length))
    tcp = struct.pack("!HHIIBBHHH", source_port, target_port, 0, 1, 0x50, 0x10, 0xFFFF, begun, 0)
    offload = OFFLOAD.pack(NEEDS_CHECKSUM, TCP_OVER_IPV4, HEADERS, size, HEADERS - 20, 16)
    return bytearray(offload + ETHERNET + with_checksum(ip + packed(source) + packed(target), 10) + tcp)


def large_segments() -> Iterator[tuple[bytearray, memoryview]]:
    """Give headers and payload of all flows, both ways, for ever; each follows on what its direction sent before."""
    zeros = memoryview(bytes(max(SIZES) * CUT))
    sizes = [SIZES[flow % len(SIZES)] for flow in range(FLOWS)]
    every = [(headers(flow, size, back=back), size * CUT) for back in (False, True) for flow, size in enumerate(sizes)]
    for turn in count():
        for head, length in every:
            struct.pack_into("!I", head, SEQUENCE, turn * length & 0xFFFFFFFF)
            yield head, zeros[:length]


def send(interface: str, rate: int, seconds: float) -> Sent:
    """Send `rate` packets a second for so many seconds, or longer where it takes longer."""
    total, sent, segments = int(rate * seconds), 0, large_segments()
    cut_in_software(interface)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        sender.bind((interface, 0))
        begun = time.perf_counter_ns()
        while sent < total:
            ahead = sent - (time.perf_counter_ns() - begun) * rate // NS
            if ahead > 0:
                time.sleep(ahead / rate)
            sender.sendmsg(next(segments))
            sent += CUT
        return Sent(sent, (time.perf_counter_ns() - begun) / NS)


if __name__ == "__main__":
    json.dump(asdict(send(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))), sys.stdout)
