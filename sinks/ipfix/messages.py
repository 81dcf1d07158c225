"""Records as messages of IPFIX: one template for IPv4, one for IPv6, times in ms as most collectors want them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from topics.flags import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.batch import FlowBatch, Records

VERSION, TEMPLATE_SET = 10, 2
HEADER = struct.Struct(">HHIII")
SET = struct.Struct(">HH")
REVERSE = 29305
ENTERPRISE_BIT = 0x8000
MILLISECOND = 1_000_000
ICMP, ICMPV6 = 1, 58
# flowEndReason by cause: start, status, close, timeout, reuse, shutdown, evicted.
REASONS = np.zeros(Cause.EVICTED + 1, np.uint8)
REASONS[[Cause.STATUS, Cause.CLOSE, Cause.TIMEOUT, Cause.REUSE, Cause.SHUTDOWN, Cause.EVICTED]] = (2, 3, 1, 3, 4, 5)


class _Element(NamedTuple):
    """A field: its name with us (or here), its number, the kind of its bytes, and the enterprise."""

    name: str
    number: int
    kind: str
    enterprise: int = 0


_SIDES = (
    ("packets", 2, ">u8"),
    ("bytes", 1, ">u8"),
    ("first", 152, ">u8"),
    ("last", 153, ">u8"),
    ("tcp_flags", 6, ">u2"),
    ("tos", 5, "u1"),
    ("ttl_min", 52, "u1"),
    ("ttl_max", 53, "u1"),
)


def _elements(source: int, target: int, size: int, icmp: int) -> tuple[_Element, ...]:
    return (
        _Element("src_address", source, f"({size},)u1"),
        _Element("dst_address", target, f"({size},)u1"),
        _Element("src_port", 7, ">u2"),
        _Element("dst_port", 11, ">u2"),
        _Element("protocol", 4, "u1"),
        _Element("icmp", icmp, ">u2"),
        _Element("reason", 136, "u1"),
        _Element("observer", 138, ">u8"),
        _Element("src_vlan", 58, ">u2"),
        _Element("src_mac", 56, "(6,)u1"),
        _Element("dst_mac", 80, "(6,)u1"),
        *(_Element(f"src_{name}", number, kind) for name, number, kind in _SIDES),
        *(_Element(f"dst_{name}", number, kind, REVERSE) for name, number, kind in _SIDES),
    )


FAMILIES = {
    0x0800: (512, _elements(8, 12, 4, 32)),
    0x86DD: (513, _elements(27, 28, 16, 139)),
}
DTYPES = {family: np.dtype([(each.name, each.kind) for each in elements]) for family, (_, elements) in FAMILIES.items()}


def templates() -> bytes:
    """Return the set of all templates."""
    body = b""
    for family, (number, elements) in FAMILIES.items():
        body += SET.pack(number, len(elements))
        for each in elements:
            size = DTYPES[family][each.name].itemsize
            body += SET.pack(each.number | (ENTERPRISE_BIT if each.enterprise else 0), size)
            body += struct.pack(">I", each.enterprise) if each.enterprise else b""
    return SET.pack(TEMPLATE_SET, SET.size + len(body)) + body


class Exporting:
    """Makes messages of batches, of at most `largest` bytes; counts records and those that have no IP addresses.

    Templates go first, and again before every `again` messages (0: never), for collectors that come later.
    """

    def __init__(self, domain: int, largest: int, again: int) -> None:
        self.records = self.left_out = 0
        self._domain, self._largest, self._again = domain, largest, again
        self._sent = 0

    def messages(self, batch: FlowBatch, now: int) -> Iterator[bytes]:
        """Yield the messages that hold a batch, written at `now` (s since the epoch)."""
        taken = 0
        for family, (number, _) in FAMILIES.items():
            rows = batch.records[batch.records["ethertype"] == family]
            taken += len(rows)
            if len(rows):
                yield from self._of_family(number, _values(rows, DTYPES[family]), now)
        self.left_out += len(batch) - taken

    def _of_family(self, number: int, values: np.ndarray[Any, Any], now: int) -> Iterator[bytes]:
        size, data = values.dtype.itemsize, values.tobytes()
        most = max(1, (self._largest - HEADER.size - SET.size) // size)
        for first in range(0, len(values), most):
            if self._sent == 0 or (self._again and self._sent % self._again == 0):
                yield self._message(templates(), now)
            count = min(most, len(values) - first)
            body = data[first * size : (first + count) * size]
            yield self._message(SET.pack(number, SET.size + len(body)) + body, now)
            self._sent += 1
            self.records += count

    def _message(self, body: bytes, now: int) -> bytes:
        sequence = self.records & 0xFFFFFFFF
        return HEADER.pack(VERSION, HEADER.size + len(body), now & 0xFFFFFFFF, sequence, self._domain) + body


def _values(rows: Records, kind: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Return records in the layout of a template."""
    values = np.zeros(len(rows), kind)
    size = kind["src_address"].itemsize
    for name in ("src_address", "dst_address"):
        values[name] = rows[name][:, 16 - size :]
    icmp = (rows["protocol"] == ICMP) | (rows["protocol"] == ICMPV6)
    values["icmp"] = np.where(icmp, rows["src_port"], 0)
    for name in ("src_port", "dst_port"):
        values[name] = np.where(icmp, 0, rows[name])
    values["reason"] = REASONS[np.minimum(rows["cause"], Cause.EVICTED)]
    for name in ("protocol", "observer", "src_vlan", "src_mac", "dst_mac"):
        values[name] = rows[name]
    for side in ("src", "dst"):
        for name in ("packets", "bytes", "tcp_flags", "tos", "ttl_min", "ttl_max"):
            values[f"{side}_{name}"] = rows[f"{side}_{name}"]
        for name in ("first", "last"):
            own = rows[f"{side}_{name}"]
            # A side that sent nothing has no times; those of the record have to be there all the same.
            values[f"{side}_{name}"] = np.where(own > 0, own, rows[f"{_other(side)}_{name}"]) // MILLISECOND
    return values


def _other(side: str) -> str:
    return "dst" if side == "src" else "src"
