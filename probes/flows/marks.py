"""Which packets of a block are of protocols wanted elsewhere, and the flows they belong to."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import borrowed, inlined

Int64 = np.ndarray[Any, np.dtype[np.int64]]
Table = np.ndarray[Any, np.dtype[np.uint8]]

TCP, UDP, SCTP = 6, 17, 132
U = np.uint64
PORTS, IP, ETHER, PLACES, IDS, COUNT = range(6)


class Marks:
    """The marked packets of the block that was taken last: `places` in it, rising, and the `ids` of their flows.

    Tables are 1 + kind, 0 for what is not wanted: `ports` (3, 65536) for TCP, UDP and SCTP, `ip` (256) by protocol,
    `ether` (65536). Without tables nothing is marked.
    """

    def __init__(self, ports: Table | None = None, ip: Table | None = None, ether: Table | None = None) -> None:
        none = np.zeros(0, np.uint8)
        self._tables = tuple(none if each is None else each.reshape(-1) for each in (ports, ip, ether))
        self._wanted = ports is not None
        self._numbers, self._ids = np.zeros(0, np.int64), np.zeros((0, 2), np.int64)
        self._count = np.zeros(1, np.int64)

    @property
    def places(self) -> Int64:
        """Return the places of marked packets in their block, int64[n]."""
        return self._numbers[: int(self._count[0])]

    @property
    def ids(self) -> Int64:
        """Return the two halves of the id of the flow of each, int64[n, 2]."""
        return self._ids[: int(self._count[0])]

    @property
    def wanted(self) -> bool:
        """Whether any packets are."""
        return self._wanted

    def begin(self, packets: int) -> None:
        """Forget what was marked, and have room for a block."""
        self._count[0] = 0
        if self._wanted and len(self._numbers) < packets:
            self._numbers, self._ids = np.zeros(packets, np.int64), np.zeros((packets, 2), np.int64)

    def for_kernels(self) -> tuple[Any, ...]:
        """Return what `mark` takes."""
        return *self._tables, self._numbers, self._ids, self._count


@inlined
def kind_of(protocol: Any, src_port: Any, dst_port: Any, ethertype: Any, ports: Any, ip: Any, ether: Any) -> Any:
    """Return 1 + the kind of a packet, 0 when it is not wanted; the port of the receiver counts first."""
    found = 0
    if protocol in (TCP, UDP, SCTP):
        begin = 0 if protocol == TCP else 1 << 16 if protocol == UDP else 2 << 16
        found = ports[U(begin + dst_port)]
        if not found:
            found = ports[U(begin + src_port)]
    if not found and protocol:
        found = ip[U(protocol)]
    if not found:
        found = ether[U(ethertype & 0xFFFF)]
    return found


@inlined
def mark(marks: Any, number: Any, protocol: Any, src_port: Any, dst_port: Any, ethertype: Any, flow: Any) -> None:
    """Mark packet `number` of a block, which belongs to `flow`, where it is wanted."""
    if len(marks[IP]) and kind_of(protocol, src_port, dst_port, ethertype, marks[PORTS], marks[IP], marks[ETHER]):
        place = marks[COUNT][0]
        marks[PLACES][place] = number
        marks[IDS][place, 0], marks[IDS][place, 1] = flow.id_high, flow.id_low
        marks[COUNT][0] = place + 1


@inlined
def lent(marks: Any) -> Any:
    """Return marks for use in a kernel."""
    return (
        borrowed(marks[PORTS]),
        borrowed(marks[IP]),
        borrowed(marks[ETHER]),
        borrowed(marks[PLACES]),
        borrowed(marks[IDS]),
        borrowed(marks[COUNT]),
    )
