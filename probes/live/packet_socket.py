"""Packet sockets (packet(7)): the few options of theirs that capture needs, by name."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import socket
import struct
from typing import TYPE_CHECKING, NamedTuple

from topics.errors import InterfaceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from probes.packet_filter.program import Instruction

SOL_PACKET = 263
ADD_MEMBERSHIP, RX_RING, STATISTICS, VERSION, RESERVE, TIMESTAMP = 1, 5, 6, 10, 12, 17
FANOUT, FANOUT_DATA, IGNORE_OUTGOING = 18, 22, 23
TPACKET_V3 = 2
PROMISCUOUS = 1
FANOUT_CBPF = 6
SO_ATTACH_FILTER = 26
SIOCSHWTSTAMP, SIOCGHWTSTAMP = 0x89B0, 0x89B1
TIMESTAMPING_RAW_HARDWARE = 1 << 6
HARDWARE_FILTER_ALL = 1
HARDWARE_SETTINGS = struct.Struct("3i")
ETH_P_ALL = 3


class Received(NamedTuple):
    """What the operating system counted since it was last asked: packets, those it had no room for, full rings."""

    packets: int
    drops: int
    freezes: int


def open_socket(name: str, *, cooked: bool) -> socket.socket:
    """Return a packet socket that receives nothing yet; raises InterfaceError naming the interface."""
    try:
        return socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM if cooked else socket.SOCK_RAW, 0)
    except PermissionError as error:
        raise InterfaceError(f"{name}: capturing needs root or the capability CAP_NET_RAW") from error
    except (OSError, AttributeError) as error:
        raise InterfaceError(f"{name}: no packet sockets here ({error})") from error


def _as_program(instructions: Sequence[Instruction]) -> tuple[bytes, ctypes.Array[ctypes.c_char]]:
    """Return a `struct sock_fprog` and the memory that it points into."""
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    memory = ctypes.create_string_buffer(code, len(code))
    return struct.pack("HP", len(instructions), ctypes.addressof(memory)), memory


def attach(packets: socket.socket, program: Sequence[Instruction]) -> None:
    """Let through from now on only what a filter program accepts, cut to the length that it returns."""
    pointer, _memory = _as_program(program)
    packets.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, pointer)


def request_ring(packets: socket.socket, block_bytes: int, blocks: int, retire_ms: int) -> None:
    """Make the ring; room for a VLAN tag is left in front of each frame."""
    frame = 2048  # the kernel wants a size, TPACKET_V3 does not use it
    packets.setsockopt(SOL_PACKET, VERSION, TPACKET_V3)
    packets.setsockopt(SOL_PACKET, RESERVE, 4)
    request = struct.pack("7I", block_bytes, blocks, frame, block_bytes // frame * blocks, retire_ms, 0, 0)
    packets.setsockopt(SOL_PACKET, RX_RING, request)


def become_promiscuous(packets: socket.socket, index: int) -> None:
    """Take frames for other stations too, for as long as the socket is open."""
    packets.setsockopt(SOL_PACKET, ADD_MEMBERSHIP, struct.pack("iHH8s", index, PROMISCUOUS, 0, b""))


def take_hardware_times(packets: socket.socket, name: str) -> None:
    """Let the adapter stamp all packets that come; raises InterfaceError when it cannot.

    What it stamps of those that go out stays as it is: a PTP daemon may need it.
    """
    settings = ctypes.create_string_buffer(HARDWARE_SETTINGS.size)  # struct hwtstamp_config: flags, sent, received
    request = struct.pack("16sP16x", name.encode(), ctypes.addressof(settings))
    try:
        with contextlib.suppress(OSError):  # not every adapter tells
            fcntl.ioctl(packets, SIOCGHWTSTAMP, request)
        flags, sent, filtered = HARDWARE_SETTINGS.unpack(settings.raw)
        if filtered != HARDWARE_FILTER_ALL:
            HARDWARE_SETTINGS.pack_into(settings, 0, flags, sent, HARDWARE_FILTER_ALL)
            fcntl.ioctl(packets, SIOCSHWTSTAMP, request)
        packets.setsockopt(SOL_PACKET, TIMESTAMP, TIMESTAMPING_RAW_HARDWARE)
    except OSError as error:
        raise InterfaceError(f"{name}: no time stamps by the adapter ({error.strerror})") from error


def join_fanout(packets: socket.socket, group: int, program: Sequence[Instruction]) -> None:
    """Share the packets of the interface with the other sockets of a group, by what a program returns for each."""
    packets.setsockopt(SOL_PACKET, FANOUT, struct.pack("I", group | FANOUT_CBPF << 16))
    pointer, _memory = _as_program(program)
    packets.setsockopt(SOL_PACKET, FANOUT_DATA, pointer)


def received(packets: socket.socket) -> Received:
    """Return the counters since the last call."""
    return Received(*struct.unpack("3I", packets.getsockopt(SOL_PACKET, STATISTICS, 12)))
