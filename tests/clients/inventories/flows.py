"""Flow records of a small network for inventories: written by hand, each field that matters named."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.clients.flows import SECOND, START, TAP, write
from topics.batch import FlowBatch, concatenate, records_like
from topics.flags import TcpFlags, TcpState

if TYPE_CHECKING:
    from pathlib import Path

ACCEPTED = TcpState.SYN | TcpState.SYN_ACK | TcpState.ESTABLISHED
TRIED = int(TcpState.SYN)


def packed(address: str) -> list[int]:
    """An address as 16 bytes."""
    ip = ip_address(address)
    return list(bytes(10) + b"\xff\xff" + ip.packed if ip.version == 4 else ip.packed)


def flow(source: str, target: str, port: int = 443, at: float = 0, *, answers: bool = True, **fields: Any) -> FlowBatch:
    """One record of TCP that began `at` seconds and lasted one; both sides sent two packets, of 100 and 1000 bytes."""
    records = records_like(1)
    start = START + round(at * SECOND)
    given = {
        "observer": TAP.id,
        "ethertype": 0x0800 if "." in source else 0x86DD,
        "protocol": 6,
        "src_port": 50_000,
        "dst_port": port,
        "flow_start": start,
        "src_packets": 2,
        "src_bytes": 200,
        "src_first": start,
        "src_last": start + SECOND,
        "src_ttl": 64,
        "tcp_state": int(ACCEPTED) if answers else TRIED,
        "src_tcp_flags": int(TcpFlags.SYN),
    }
    if answers:
        given |= {"dst_packets": 2, "dst_bytes": 2000, "dst_first": start, "dst_last": start + SECOND}
        given |= {"dst_app_bytes": 1000}
    records["src_address"][0], records["dst_address"][0] = packed(source), packed(target)
    for name, value in (given | fields).items():
        records[name] = packed(value) if name.endswith("_router") else value
    heap = np.zeros(0, np.uint8)
    return FlowBatch(records=records, heap=heap, site=TAP.site, probe=TAP.probe, observers={TAP.id: TAP})


def arp(source: str, mac: str, target: str, at: float, *, told: str = "ff:ff:ff:ff:ff:ff", **fields: Any) -> FlowBatch:
    """A question of ARP, to all unless to the MAC `told`."""
    batch = flow(source, target, 0, at, answers=False, ethertype=0x0806, protocol=0, tcp_state=0, **fields)
    for side, text in (("src", mac), ("dst", told)):
        batch.records[f"{side}_mac"][0] = list(bytes.fromhex(text.replace(":", "")))
    return batch


def file(path: Path, *batches: FlowBatch) -> str:
    """Write records into a file and return its name."""
    return write(path, concatenate(batches))
