"""Flows as observations of conversations: the same key whoever saw them, ends in one order whichever way they went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from topics.flags import TcpFlags, TunnelKind
from topics.partitions import flow_hash

if TYPE_CHECKING:
    from topics.batch import Records

ICMP, TCP, ESP, ICMPV6 = 1, 6, 50, 58
COUNTERPARTS = {ICMP: {8: 0, 13: 14, 15: 16, 17: 18}, ICMPV6: {129: 128}}  # requests and their answers
NETWORKS = (int(TunnelKind.VXLAN), int(TunnelKind.GENEVE))
OF_SIDES = ("first", "last", "packets")
ODD = np.uint64(0x9E3779B97F4A7C15)

OBSERVATION = np.dtype(
    [
        ("key", "u8"),
        ("observer", "i8"),
        ("start", "i8"),
        ("end", "i8"),
        ("turned", "?"),  # the source of the record is the upper end
        *((f"{side}_{name}", "i8") for side in ("low", "high") for name in (*OF_SIDES, "ttl")),
        ("sequences", "i8", 2),  # that the handshake of TCP began with, plus 1; 0 where it was not seen
    ]
)

Observations = np.ndarray[Any, np.dtype[np.void]]
Column = np.ndarray[Any, Any]


def observations(records: Records) -> Observations:
    """Return one row of OBSERVATION for each record; times in ns, 0 for a direction without packets.

    The key is that of the merge (addresses, protocol, ports, ICMP identifier, SPI, network of VXLAN and Geneve) without
    the observation point. The low end is the one with the smaller address and port.
    """
    rows = np.zeros(len(records), OBSERVATION)
    rows["key"], rows["observer"] = _keys(records), records["observer"]
    rows["turned"] = turned = _turned(records)
    for name in OF_SIDES:
        _sort(rows, name, turned, records[f"src_{name}"], records[f"dst_{name}"])
    _sort(rows, "ttl", turned, records["src_ttl_max"], records["dst_ttl_max"])
    firsts = [rows["low_first"], rows["high_first"]]
    present = [np.where(first > 0, first, np.iinfo(np.int64).max) for first in firsts]
    rows["start"], rows["end"] = np.minimum(*present), np.maximum(rows["low_last"], rows["high_last"])
    rows["start"] = np.where(np.maximum(*firsts) > 0, rows["start"], 0)
    began = [
        np.where(_handshaken(records, side), records[f"{side}_base_sequence"].astype(np.int64) + 1, 0)
        for side in ("src", "dst")
    ]
    rows["sequences"][:, 0] = np.where(turned, began[1], began[0])
    rows["sequences"][:, 1] = np.where(turned, began[0], began[1])
    return rows


def _sort(rows: Observations, name: str, turned: Column, source: Column, target: Column) -> None:
    rows[f"low_{name}"] = np.where(turned, target, source)
    rows[f"high_{name}"] = np.where(turned, source, target)


def _handshaken(records: Records, side: str) -> Column:
    flags: Column = records[f"{side}_tcp_flags"]
    seen: Column = (records["protocol"] == TCP) & (flags & int(TcpFlags.SYN) > 0)
    return seen


def _turned(records: Records) -> Column:
    """Tell which records have the upper end as their source."""
    turned = records["src_port"] > records["dst_port"]
    turned &= ~np.isin(records["protocol"], (ICMP, ICMPV6, ESP))
    source, target = (
        np.ascontiguousarray(records[f"{side}_address"]).view(">u8").reshape(-1, 2) for side in ("src", "dst")
    )
    for word in (1, 0):
        turned = np.where(source[:, word] == target[:, word], turned, source[:, word] > target[:, word])
    return turned


def _keys(records: Records) -> Column:
    separator = np.where(records["protocol"] == ESP, records["discriminator"], 0).astype(np.uint64)
    tunnelled = np.isin(records["tunnel_kind"], NETWORKS)
    separator = np.where(tunnelled, records["tunnel_id"].astype(np.uint64) * np.uint64(2) + np.uint64(1), separator)
    for protocol, counterparts in COUNTERPARTS.items():
        kinds = np.arange(256)
        kinds[list(counterparts)] = list(counterparts.values())
        asked = kinds[records["src_port"] >> 8] << 24 | (records["src_port"] & 0xFF).astype(np.int64) << 16
        whole = (asked | records["dst_port"]).astype(np.uint64)
        separator = np.where(records["protocol"] == protocol, whole, separator)
    mixed = (separator + np.uint64(1)) * ODD
    keys: Column = flow_hash(records) ^ np.where(separator > 0, mixed ^ (mixed >> np.uint64(29)), np.uint64(0))
    return keys
