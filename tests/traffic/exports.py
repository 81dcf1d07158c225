"""What exporters send: messages of NetFlow 5 and 9, IPFIX and sFlow 5, byte by byte."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import TYPE_CHECKING

from topics.address_text import IPV4_MAPPED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SENT = 1_700_000_000  # seconds: when messages are sent, unless they say otherwise
UPTIME = 100_000  # ms
VARIABLE = 65535

# Addresses, ports, protocol, flags, packets, bytes, first and last in ms: what most routers export.
USUAL = ((8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (6, 1), (2, 8), (1, 8), (152, 8), (153, 8))


def sender(text: str) -> bytes:
    """Return an address as 16 bytes."""
    packed = ip_address(text).packed
    return packed if len(packed) == 16 else IPV4_MAPPED + packed


def record(fields: Sequence[tuple[int, ...]], values: Sequence[int | bytes | str]) -> bytes:
    """Return a record: numbers as wide as their field, addresses as text, bytes of variable length with their own."""
    parts = []
    for (_, length, *_), value in zip(fields, values, strict=True):
        if isinstance(value, str):
            value = ip_address(value).packed  # noqa: PLW2901 - as it is sent
        if isinstance(value, int):
            value = value.to_bytes(length, "big")  # noqa: PLW2901 - as it is sent
        if length == VARIABLE:
            parts.append(bytes([len(value)]) if len(value) < 255 else b"\xff" + len(value).to_bytes(2, "big"))
        parts.append(value)
    return b"".join(parts)


def one_set(number: int, body: bytes) -> bytes:
    """Return a set."""
    return struct.pack(">HH", number, len(body) + 4) + body


def template(number: int, fields: Sequence[tuple[int, ...]], *, ipfix: bool = True, scopes: int = 0) -> bytes:
    """Return a set with one template, of options when it has scopes."""
    listed = b"".join(
        struct.pack(">HH", each[0] | 0x8000, each[1]) + struct.pack(">I", each[2])
        if len(each) > 2
        else struct.pack(">HH", *each)
        for each in fields
    )
    head = struct.pack(">HH", number, len(fields))
    if scopes and ipfix:
        head += struct.pack(">H", scopes)
    elif scopes:
        head = struct.pack(">HHH", number, 4 * scopes, 4 * (len(fields) - scopes))
    kind = (3 if scopes else 2) if ipfix else (1 if scopes else 0)
    return one_set(kind, head + listed)


def ipfix(sets: Iterable[bytes], sequence: int = 0, domain: int = 0, sent: int = SENT) -> bytes:
    """Return a message of IPFIX."""
    body = b"".join(sets)
    return struct.pack(">HHIII", 10, 16 + len(body), sent, sequence, domain) + body


def netflow9(sets: Iterable[bytes], sequence: int = 0, domain: int = 0, sent: int = SENT) -> bytes:
    """Return a datagram of NetFlow 9."""
    parts = list(sets)
    return struct.pack(">HHIIII", 9, len(parts), UPTIME, sent, sequence, domain) + b"".join(parts)


def netflow5(flows: Sequence[tuple[str, str, int, int, int, int, int]], sequence: int = 0, sampling: int = 0) -> bytes:
    """Return a datagram of NetFlow 5: source, destination, ports, protocol, packets, bytes of each flow."""
    head = struct.pack(">HHIIIIBBH", 5, len(flows), UPTIME, SENT, 0, sequence, 0, 0, sampling)
    return head + b"".join(
        ip_address(source).packed
        + ip_address(target).packed
        + struct.pack(">IHHIIIIHH", 0, 1, 2, packets, size, UPTIME - 2000, UPTIME - 1000, *ports)
        + struct.pack(">BBBBHHBBH", 0, 0x1B, protocol, 0, 64500, 64501, 24, 24, 0)
        for source, target, *ports, protocol, packets, size in flows
    )


def netflow7(flows: Sequence[tuple[str, str, int, int, int, int, int]], sequence: int = 0) -> bytes:
    """Return a datagram of NetFlow 7, as switches of the Catalyst kind sent them; flows as for `netflow5`."""
    head = struct.pack(">HHIIIII", 7, len(flows), UPTIME, SENT, 0, sequence, 0)
    return head + b"".join(
        ip_address(source).packed
        + ip_address(target).packed
        + struct.pack(">IHHIIIIHH", 0, 1, 2, packets, size, UPTIME - 2000, UPTIME - 1000, *ports)
        + struct.pack(">BBBBHHBBH", 0, 0x1B, protocol, 0, 64500, 64501, 24, 24, 0)
        + ip_address("192.0.2.254").packed  # the router that was bypassed
        for source, target, *ports, protocol, packets, size in flows
    )


def usual(source: str, target: str, ports: tuple[int, int], packets: int, size: int, first: int, last: int) -> bytes:
    """Return a record of USUAL, of TCP; times in ms."""
    return record(USUAL, [source, target, *ports, 6, 0x1B, packets, size, first, last])


def sflow(samples: Sequence[bytes], agent: str = "192.0.2.9", sequence: int = 1) -> bytes:
    """Return a datagram of sFlow 5."""
    address = ip_address(agent).packed
    head = struct.pack(">II", 5, 1 if len(address) == 4 else 2) + address
    return head + struct.pack(">IIII", 0, sequence, UPTIME, len(samples)) + b"".join(samples)


def flow_sample(frame: bytes, *, rate: int = 100, length: int = 0, came: int = 3, left: int = 4) -> bytes:
    """Return a sample of a frame, of which at most 128 bytes are there."""
    header = frame[:128]
    raw = struct.pack(">IIII", 1, length or len(frame), 4, len(header)) + header + bytes(-len(header) % 4)
    records = struct.pack(">II", 1, len(raw)) + raw
    body = struct.pack(">IIIIIIII", 1, came, rate, rate, 0, came, left, 1) + records
    return struct.pack(">II", 1, len(body)) + body


def counter_sample() -> bytes:
    """Return a sample of counters without any."""
    body = struct.pack(">III", 1, 3, 0)
    return struct.pack(">II", 2, len(body)) + body
