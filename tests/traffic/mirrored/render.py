"""Rows to bytes: the first bytes of each frame, as a capture of headers has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from probes.capture.link_types import ETHERNET
from probes.capture.packets import PACKET_DTYPE, PacketBlock
from tests.traffic.mirrored.conversations import ICMP, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.traffic.mirrored.table import Rows

CAPTURED = 112
BLOCK = 1 << 16
ECHO, ECHO_V6 = 8, 128

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def _be(values: Any, width: int) -> Bytes:
    return np.ascontiguousarray(values).astype(f">u{width}").view(np.uint8).reshape(-1, width)


def _same(rows: Rows, content: bytes) -> Bytes:
    return np.tile(np.frombuffer(content, np.uint8), (len(rows), 1))


def _checksum(*values: Any) -> Bytes:
    """Sixteen bits that differ when the values do, mostly."""
    mixed = np.zeros(len(values[0]), np.uint64)
    for value in values:
        mixed = (mixed ^ value.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return _be(1 + mixed % np.uint64(0xFFFF), 2)


def _link(rows: Rows) -> list[Bytes]:
    macs, reverse = rows["macs"].astype(np.uint64), rows["reverse"]
    near, far = 0x020000000000 | macs, 0x020000010000 | macs
    parts = [_be(np.where(reverse, near, far), 8)[:, 2:], _be(np.where(reverse, far, near), 8)[:, 2:]]
    first = rows[0]
    ethertype = b"\x08\x00" if first["version"] == 4 else b"\x86\xdd"
    if first["vlan"]:
        parts += [_same(rows, b"\x81\x00"), _be(rows["vlan"], 2)]
    if first["label"]:
        return [*parts, _same(rows, b"\x88\x47"), _be(rows["label"] << 12 | 0x140, 4)]
    return [*parts, _same(rows, ethertype)]


def _address(rows: Rows, *, of_sender: bool) -> Bytes:
    host = rows["flow"].astype(np.uint32) % 211 + 1
    server = rows["flow"].astype(np.uint32) // 211 + 1
    is_server = rows["reverse"] == of_sender
    last = np.where(is_server, 0x0A800000 | server, 0x0A000000 | host)
    prefix = b"" if rows[0]["version"] == 4 else bytes.fromhex("20010db8") + bytes(8)
    return np.hstack([_same(rows, prefix), _be(last, 4)]) if prefix else _be(last, 4)


def _network(rows: Rows, length: Any) -> list[Bytes]:
    addresses = [_address(rows, of_sender=True), _address(rows, of_sender=False)]
    protocol, ttl = _be(rows["protocol"], 1), _be(rows["ttl"], 1)
    if rows[0]["version"] == 6:
        return [_same(rows, b"\x60\0\0\0"), _be(length, 2), protocol, ttl, *addresses]
    head = [_same(rows, b"\x45\0"), _be(length + 20, 2), _be(rows["identification"], 2), _be(rows["fragment"], 2)]
    return [*head, ttl, protocol, _checksum(rows["identification"], rows["ttl"]), *addresses]


def _ports(rows: Rows) -> list[Bytes]:
    client = 20_000 + rows["flow"] % 40_000
    return [_be(np.where(rows["reverse"], 5004, client), 2), _be(np.where(rows["reverse"], client, 5004), 2)]


def _tcp(rows: Rows) -> list[Bytes]:
    names = ("sequence", "acknowledgement", "flags", "window", "stamp", "echo", "selective", "size")
    offset = bytes([0x50 + 0x30 * bool(rows[0]["stamp"]) + 0x30 * bool(rows[0]["selective"])])
    head = [*_ports(rows), _be(rows["sequence"], 4), _be(rows["acknowledgement"], 4), _same(rows, offset)]
    head += [
        _be(rows["flags"], 1),
        _be(rows["window"], 2),
        _checksum(*(rows[name] for name in names)),
        _same(rows, b"\0\0"),
    ]
    if rows[0]["stamp"]:
        head += [_same(rows, b"\1\1\x08\x0a"), _be(rows["stamp"], 4), _be(rows["echo"], 4)]
    if rows[0]["selective"]:
        head += [_same(rows, b"\1\1\x05\x0a"), _be(rows["acknowledgement"] + 1448, 4), _be(rows["selective"], 4)]
    return head


def _transport(rows: Rows) -> list[Bytes]:
    first = rows[0]
    if first["protocol"] == TCP:
        return _tcp(rows)
    if first["fragment"] & 0x1FFF:
        return []
    if first["protocol"] == UDP:
        unsummed = rows["flow"] % 2 == 0
        summed = np.where(unsummed[:, None], 0, _checksum(rows["serial"], rows["flow"])).astype(np.uint8)
        return [*_ports(rows), _be(rows["size"] + 8, 2), summed]
    kind = np.where(rows["reverse"], 0, ECHO) if first["protocol"] == ICMP else ECHO_V6 + rows["reverse"]
    identity = [_be(rows["flow"] & 0xFFFF, 2), _be(rows["serial"], 2)]
    return [_be(kind, 1), _same(rows, b"\0"), _checksum(kind, rows["flow"], rows["serial"]), *identity]


def _payload(rows: Rows) -> list[Bytes]:
    """RTP begins with its version and type, alike in all packets; its number and time follow."""
    if rows[0]["protocol"] == UDP and not rows[0]["fragment"]:
        return [
            _same(rows, b"\x80\x60"),
            _be(rows["serial"] & 0xFFFF, 2),
            _be(rows["serial"] * 160, 4),
            _be(rows["flow"], 4),
        ]
    return [_be(rows["serial"], 4), _be(rows["flow"], 4)]


def _frames(rows: Rows) -> tuple[Bytes, Any]:
    """What rows of one shape are: uint8 (rows, CAPTURED), and lengths on the wire."""
    link, transport = _link(rows), _transport(rows)
    behind = sum(part.shape[1] for part in transport) + rows["size"].astype(np.int64)
    header = np.hstack([*link, *_network(rows, behind), *transport])
    payload = np.hstack(_payload(rows))
    frames = np.zeros((len(rows), CAPTURED), np.uint8)
    frames[:, : header.shape[1]] = header
    kept = np.arange(payload.shape[1]) < rows["size"][:, None]
    room = min(payload.shape[1], CAPTURED - header.shape[1])
    frames[:, header.shape[1] : header.shape[1] + room] = (payload * kept)[:, :room]
    return frames, sum(part.shape[1] for part in link) + (20 if rows[0]["version"] == 4 else 40) + behind


def block_of(rows: Rows) -> PacketBlock:
    """One block of all rows."""
    data = np.zeros((len(rows), CAPTURED), np.uint8)
    packets = np.zeros(len(rows), PACKET_DTYPE)
    shape = np.zeros(len(rows), np.int64)
    parts = (
        rows["version"] == 6,
        rows["vlan"] > 0,
        rows["label"] > 0,
        rows["stamp"] > 0,
        rows["selective"] > 0,
        (rows["fragment"] & 0x1FFF) > 0,
        rows["fragment"] > 0,
    )
    for part in parts:
        shape = shape * 2 + part
    shape = shape * 256 + rows["protocol"]
    for kind in np.unique(shape):
        chosen = np.flatnonzero(shape == kind)
        data[chosen], packets["length"][chosen] = _frames(rows[chosen])
    packets["time"], packets["link_type"] = rows["time"], ETHERNET
    packets["offset"] = np.arange(len(rows)) * CAPTURED
    packets["captured"] = np.minimum(packets["length"], CAPTURED)
    return PacketBlock(data.reshape(-1), packets)


def blocks_of(rows: Rows) -> Iterator[PacketBlock]:
    """Blocks of some size of all rows."""
    for first in range(0, len(rows), BLOCK):
        yield block_of(rows[first : first + BLOCK])
