"""Captures written by the byte: pcap and pcapng, plain or compressed by suffix (`.gz`, `.zst`).

`pcap_bytes` and `pcapng_bytes` give the uncompressed file for a test to cut or damage; sections of pcapng may be
concatenated. Times are int64 nanoseconds since the epoch, UTC, and are truncated to the resolution of the file.
"""

import gzip
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import zstandard

LINK_ETHERNET = 1

SECTION_HEADER, INTERFACE_DESCRIPTION, SIMPLE_PACKET, ENHANCED_PACKET = 0x0A0D0D0A, 1, 3, 6
OPTION_COMMENT, OPTION_NAME, OPTION_RESOLUTION, OPTION_OFFSET = 1, 2, 9, 14

# (time in ns, frame) or (time in ns, frame, length on the wire).
TimedFrame = tuple[int, bytes] | tuple[int, bytes, int]
Option = tuple[int, bytes]


@dataclass(frozen=True)
class Packet:
    """A packet of a pcapng file that needs more than `(time_ns, frame[, original_length])`."""

    time_ns: int
    frame: bytes
    original_length: int | None = None
    interface: int = 0
    simple: bool = False
    options: Sequence[Option] = ()


@dataclass(frozen=True)
class Interface:
    """An interface description block; `resolution` is if_tsresol as it stands (9: ns, 0x80 | n: 2**-n s; None: us)."""

    link_type: int = LINK_ETHERNET
    snaplen: int = 0
    resolution: int | None = None
    offset_seconds: int | None = None
    name: str | None = None
    options: Sequence[Option] = ()


def compressed(path: Path, data: bytes) -> bytes:
    """`data` as the suffix of `path` wants it; without a clock, so that equal captures are equal files."""
    if path.suffix == ".gz":
        return gzip.compress(data, mtime=0)
    if path.suffix == ".zst":
        return zstandard.ZstdCompressor().compress(data)
    return data


def pcap_header(
    *, link_type: int = LINK_ETHERNET, byte_order: str = "<", nanoseconds: bool = False, snaplen: int = 262144
) -> bytes:
    """The 24 bytes at the start of a pcap file."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    return struct.pack(byte_order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link_type)


def pcap_bytes(
    packets: Iterable[TimedFrame],
    *,
    link_type: int = LINK_ETHERNET,
    byte_order: str = "<",
    nanoseconds: bool = False,
    snaplen: int = 262144,
) -> bytes:
    """A pcap file; frames longer than `snaplen` (0: never) are cut, their length on the wire is kept."""
    unit = 1 if nanoseconds else 1000
    parts = [pcap_header(link_type=link_type, byte_order=byte_order, nanoseconds=nanoseconds, snaplen=snaplen)]
    for packet in packets:
        time_ns, whole, length = packet if len(packet) == 3 else (*packet, len(packet[1]))
        captured = whole[:snaplen] if snaplen else whole
        seconds, fraction = divmod(time_ns, 10**9)
        parts.append(struct.pack(byte_order + "IIII", seconds, fraction // unit, len(captured), length))
        parts.append(captured)
    return b"".join(parts)


def write_pcap(
    path: str | Path,
    packets: Iterable[TimedFrame],
    *,
    link_type: int = LINK_ETHERNET,
    byte_order: str = "<",
    nanoseconds: bool = False,
    snaplen: int = 262144,
) -> None:
    """Write `pcap_bytes`, compressed when the suffix is `.gz` or `.zst`."""
    data = pcap_bytes(packets, link_type=link_type, byte_order=byte_order, nanoseconds=nanoseconds, snaplen=snaplen)
    Path(path).write_bytes(compressed(Path(path), data))


def pcapng_options(options: Sequence[Option], byte_order: str = "<") -> bytes:
    """Options padded to 32-bit words and ended by opt_endofopt; nothing for none."""
    if not options:
        return b""
    parts = [struct.pack(byte_order + "HH", code, len(value)) + padded(value) for code, value in options]
    return b"".join(parts) + b"\0\0\0\0"


def padded(data: bytes) -> bytes:
    """`data` with zeros up to a 32-bit word."""
    return data + b"\0" * (-len(data) % 4)


def pcapng_block(block_type: int, body: bytes, byte_order: str = "<") -> bytes:
    """Any block: type, length, body padded to 32-bit words, length again."""
    length = struct.pack(byte_order + "I", 12 + len(padded(body)))
    return struct.pack(byte_order + "I", block_type) + length + padded(body) + length


def section_header(byte_order: str = "<", options: Sequence[Option] = ()) -> bytes:
    """A section header block of unknown section length."""
    body = struct.pack(byte_order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + pcapng_options(options, byte_order)
    return pcapng_block(SECTION_HEADER, body, byte_order)


def interface_description(interface: Interface, byte_order: str = "<") -> bytes:
    """The block of an interface with the options it asks for."""
    options = list(interface.options)
    if interface.name is not None:
        options.append((OPTION_NAME, interface.name.encode()))
    if interface.resolution is not None:
        options.append((OPTION_RESOLUTION, bytes((interface.resolution,))))
    if interface.offset_seconds is not None:
        options.append((OPTION_OFFSET, struct.pack(byte_order + "q", interface.offset_seconds)))
    fixed = struct.pack(byte_order + "HHI", interface.link_type, 0, interface.snaplen)
    return pcapng_block(INTERFACE_DESCRIPTION, fixed + pcapng_options(options, byte_order), byte_order)


def timestamp(time_ns: int, interface: Interface) -> int:
    """The time in units of the interface since its offset."""
    since = time_ns - (interface.offset_seconds or 0) * 10**9
    resolution = 6 if interface.resolution is None else interface.resolution
    per_second: int = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    return since * per_second // 10**9


def packet_block(packet: Packet, interface: Interface, byte_order: str = "<") -> bytes:
    """An enhanced packet block, or a simple one, which has neither a time nor an interface."""
    captured = packet.frame[: interface.snaplen] if interface.snaplen else packet.frame
    length = len(packet.frame) if packet.original_length is None else packet.original_length
    if packet.simple:
        return pcapng_block(SIMPLE_PACKET, struct.pack(byte_order + "I", length) + captured, byte_order)
    high, low = divmod(timestamp(packet.time_ns, interface), 2**32)
    fixed = struct.pack(byte_order + "IIIII", packet.interface, high, low, len(captured), length)
    body = fixed + padded(captured) + pcapng_options(packet.options, byte_order)
    return pcapng_block(ENHANCED_PACKET, body, byte_order)


def pcapng_bytes(
    packets: Iterable[TimedFrame | Packet],
    *,
    interfaces: Sequence[Interface] = (Interface(),),
    byte_order: str = "<",
    options: Sequence[Option] = (),
) -> bytes:
    """One section: its header with `options`, its interfaces, its packets; plain tuples belong to interface 0."""
    parts = [section_header(byte_order, options)]
    parts += [interface_description(interface, byte_order) for interface in interfaces]
    for packet in packets:
        whole = packet if isinstance(packet, Packet) else Packet(*packet)
        parts.append(packet_block(whole, interfaces[whole.interface], byte_order))
    return b"".join(parts)


def write_pcapng(
    path: str | Path,
    packets: Iterable[TimedFrame | Packet],
    *,
    interfaces: Sequence[Interface] = (Interface(),),
    byte_order: str = "<",
    options: Sequence[Option] = (),
) -> None:
    """Write `pcapng_bytes`, compressed when the suffix is `.gz` or `.zst`."""
    data = pcapng_bytes(packets, interfaces=interfaces, byte_order=byte_order, options=options)
    Path(path).write_bytes(compressed(Path(path), data))
