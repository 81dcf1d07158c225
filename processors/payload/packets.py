"""Payload of flow records back in packets: a capture that other programs read."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from topics.address_text import IPV4_MAPPED

if TYPE_CHECKING:
    from collections.abc import Iterator

TCP, UDP = 6, 17
SIDES = ("src", "dst")
NEEDED = frozenset(
    {"protocol"}
    | {f"{side}_{name}" for side in SIDES for name in ("payload", "port", "address", "mac", "app_bytes", "first")}
)
PCAP_HEAD = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)  # nanoseconds, Ethernet
SECOND = 1_000_000_000
MOST = 65_000  # bytes of payload in a packet
PUSH_ACKNOWLEDGE, WINDOW, HOPS = 0x18, 65_535, 64


class Packet(NamedTuple):
    """A packet of a capture: which record and side it is of, and its bytes with the header of the file in front."""

    row: int
    side: str
    data: bytes


def packets(frame: pl.DataFrame) -> Iterator[Packet]:
    """Yield a packet for each side of each TCP or UDP record that has payload.

    One whose side said more than was kept has the length of that, and was captured in part, as pcap has it.
    """
    times = [pl.col(f"{side}_first").cast(pl.Int64).fill_null(0) for side in SIDES]
    for row, record in enumerate(frame.select(sorted(NEEDED)).with_columns(times).iter_rows(named=True)):
        if record["protocol"] not in {TCP, UDP}:
            continue
        for side, other in (SIDES, SIDES[::-1]):
            if record[f"{side}_payload"]:
                yield Packet(row, side, _packet(record, side, other))


def _packet(record: dict[str, Any], side: str, other: str) -> bytes:
    kept, time = record[f"{side}_payload"][:MOST], record[f"{side}_first"]
    said = max(len(kept), min(record[f"{side}_app_bytes"], MOST))
    ports = [record[f"{each}_port"] for each in (side, other)]
    if record["protocol"] == UDP:
        transport = struct.pack("!HHHH", *ports, 8 + said, 0)
    else:
        transport = struct.pack("!HHIIBBHHH", *ports, 1, 1, 5 << 4, PUSH_ACKNOWLEDGE, WINDOW, 0, 0)
    ends = [record[f"{each}_address"] for each in (side, other)]
    macs = (record[f"{other}_mac"], record[f"{side}_mac"])
    data = b"".join((*macs, _network(record["protocol"], ends, len(transport) + said), transport, kept))
    return struct.pack("<IIII", time // SECOND, time % SECOND, len(data), len(data) - len(kept) + said) + data


def _network(protocol: int, ends: list[bytes], size: int) -> bytes:
    """Return the type of the frame and the header of IP."""
    if all(end.startswith(IPV4_MAPPED) for end in ends):
        four = [end[12:] for end in ends]
        return b"\x08\x00" + struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + size, 0, 0, HOPS, protocol, 0, *four)
    return b"\x86\xdd" + struct.pack("!IHBB16s16s", 6 << 28, size, protocol, HOPS, *ends)
