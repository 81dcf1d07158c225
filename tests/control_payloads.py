"""Batches of control-plane payloads made by hand, as a probe would give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tests.traffic.checksum import packed
from topics.address_text import IPV4_MAPPED
from topics.control import CONTROL_DTYPE, ControlBatch, ControlFlags

if TYPE_CHECKING:
    from collections.abc import Sequence

START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
CLIENT, SERVER, OTHER = "10.0.0.1", "192.0.2.53", "10.0.0.2"


class Payload(NamedTuple):
    """One payload; `at` is in seconds after START; a `stream` is TCP and `offset` the place in it."""

    at: float
    source: str
    source_port: int
    target: str
    target_port: int
    data: bytes
    stream: int = 0
    offset: int = 0
    missing: int = 0
    flags: int = 0
    flow: bytes = bytes(16)


def address(text: str) -> bytes:
    """The 16 bytes of an address."""
    data = packed(text)
    return IPV4_MAPPED + data if len(data) == 4 else data


def asked(at: float, message: bytes, client: str = CLIENT, port: int = 40000, server: str = SERVER) -> Payload:
    """A query over UDP."""
    return Payload(at, client, port, server, 53, message)


def answered(at: float, message: bytes, client: str = CLIENT, port: int = 40000, server: str = SERVER) -> Payload:
    """An answer over UDP."""
    return Payload(at, server, 53, client, port, message)


def control_batch(payloads: Sequence[Payload]) -> ControlBatch:
    """The batch that holds them."""
    records = np.zeros(len(payloads), CONTROL_DTYPE)
    used = 0
    for record, payload in zip(records, payloads, strict=True):
        record["time"] = START + round(payload.at * SECOND)
        record["src_address"] = np.frombuffer(address(payload.source), np.uint8)
        record["dst_address"] = np.frombuffer(address(payload.target), np.uint8)
        record["src_port"], record["dst_port"] = payload.source_port, payload.target_port
        record["flow_id"] = np.frombuffer(payload.flow, np.uint8)
        record["protocol"], record["ethertype"] = (6 if payload.stream else 17), 0x0800
        record["flags"] = payload.flags | (ControlFlags.STREAM if payload.stream else 0)
        record["stream"], record["stream_offset"], record["missing"] = payload.stream, payload.offset, payload.missing
        record["payload_offset"], record["payload_length"] = used, len(payload.data)
        record["wire_length"] = len(payload.data)
        used += len(payload.data)
    heap = np.frombuffer(b"".join(payload.data for payload in payloads), np.uint8)
    return ControlBatch(records, heap, "office", "edge", kinds=("dns",))
