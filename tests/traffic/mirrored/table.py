"""Packets as rows, before they are bytes; each says what it is in truth."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

MICROSECOND, MILLISECOND, SECOND = 1_000, 1_000_000, 1_000_000_000
START = 1_790_000_000 * SECOND

Rows = np.ndarray[Any, np.dtype[np.void]]


class Truth(IntEnum):
    """What a packet is."""

    NEW = 0
    COPY = 1
    AGAIN = 2  # sent again, whether after a timeout, at duplicate acknowledgements, or for nothing
    KEEP_ALIVE = 3
    PROBE = 4  # of a window that is shut


class Identification(IntEnum):
    """How a sender fills the IP identification."""

    ZERO = 0
    SOCKET = 1  # counts each connection
    HOST = 2  # counts all of the host's packets
    RANDOM = 3
    GIVEN = 4  # in the row already: fragments


PACKET = np.dtype(
    [
        ("time", "i8"),
        ("flow", "i4"),
        ("reverse", "?"),
        ("version", "u1"),
        ("protocol", "u1"),
        ("sequence", "u4"),
        ("acknowledgement", "u4"),
        ("flags", "u1"),
        ("window", "u2"),
        ("stamp", "u4"),  # TCP timestamp, 0 without
        ("echo", "u4"),
        ("selective", "u4"),  # right edge of what a selective acknowledgement names, 0 without
        ("size", "u2"),  # of the payload
        ("serial", "u4"),  # what the payload is made of
        ("fragment", "u2"),  # flags and offset as in the header
        ("identification", "u2"),
        ("mode", "u1"),
        ("truth", "u1"),
        ("ttl", "u1"),
        ("vlan", "u2"),
        ("label", "u4"),  # MPLS, 0 without
        ("macs", "u2"),  # which pair of stations
    ]
)
FIELDS = PACKET.names or ()


def rows_of(packets: list[dict[str, Any]]) -> Rows:
    """Rows from what differs from the default."""
    rows = np.zeros(len(packets), PACKET)
    for name in FIELDS:
        rows[name] = [packet.get(name, 0) for packet in packets]
    return rows


def _running(group: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The number of each row within its group, in order."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    first = np.r_[True, ordered[1:] != ordered[:-1]]
    since = np.arange(len(group)) - np.maximum.accumulate(np.where(first, np.arange(len(group)), 0))
    running = np.empty(len(group), np.int64)
    running[order] = since
    return running


def identify(rows: Rows, random: np.random.Generator) -> None:
    """Fill the identifications of rows in the order of time, as their senders do."""
    side = rows["flow"].astype(np.int64) * 2 + rows["reverse"]
    host = rows["flow"] % 211 + 1000 * rows["reverse"]
    by_socket = (_running(side) + side * 977 + 1) & 0xFFFF
    by_host = (_running(host) + host * 331 + 1) & 0xFFFF
    values = np.select(
        [
            rows["mode"] == Identification.SOCKET,
            rows["mode"] == Identification.HOST,
            rows["mode"] == Identification.RANDOM,
        ],
        [by_socket, by_host, random.integers(1, 1 << 16, len(rows))],
        rows["identification"],
    )
    rows["identification"] = np.where(rows["mode"] == Identification.ZERO, 0, values)
