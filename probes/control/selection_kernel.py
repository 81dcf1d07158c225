"""The kernel that picks control-plane payloads out of a block of packets."""

# ruff: noqa: ANN401 - arrays and integers that only Numba types

from __future__ import annotations

from typing import Any

import numpy as np

from probes.decode import headers as h
from probes.decode.packet import decode
from probes.flows.marks import SCTP, TCP, UDP, kind_of
from probes.load import be32, u8
from topics.compiled import borrowed, inlined, kernel
from topics.control.batch import ControlFlags

STREAM, TRUNCATED, FRAGMENT = int(ControlFlags.STREAM), int(ControlFlags.TRUNCATED), int(ControlFlags.FRAGMENT)
SYN_FIN_RST = 0x07
U = np.uint64


@inlined
def _put_address(out: Any, high: int, low: int) -> None:
    for index in range(8):
        out[U(index)] = np.uint8((high >> (56 - 8 * index)) & 0xFF)
        out[U(8 + index)] = np.uint8((low >> (56 - 8 * index)) & 0xFF)


@inlined
def _place(data: Any, network_at: Any, end: Any, wire_end: Any, row: Any) -> Any:
    """Return where the payload begins and how long it was on the wire; (0, 0) when the packet has none to give."""
    if row[h.PROTOCOL] == 0:
        if row[h.ETHERTYPE] in (h.ARP, h.RARP) and network_at + 6 <= end:  # its length is its own, the rest padding
            own = 8 + 2 * (u8(data, network_at + 4) + u8(data, network_at + 5))
            return network_at, min(own, wire_end - network_at)
        return network_at, wire_end - network_at
    if row[h.FRAGMENT] == h.LATER_FRAGMENT:
        return 0, 0
    return row[h.PAYLOAD], row[h.APP_BYTES]


@kernel
def select(
    data: Any,
    packets: Any,
    places: Any,
    ids: Any,
    taken: int,
    tunnels: int,
    ports: Any,
    ip: Any,
    ether: Any,
    row: Any,
    records: Any,
    sequences: Any,
    heap: Any,
) -> tuple[Any, Any, Any]:
    """Copy wanted payloads of packets[places[taken:]] into `records` (CONTROL_DTYPE) and `heap`.

    `ids` (int64, shape (n, 2)) are those of the flows of these packets, none (n = 0) when they are not known. Tunnels
    are opened as for flow records. Of TCP, segments with payload or with SYN, FIN or RST are given, flagged STREAM,
    with sequence number and flag bits in `sequences` (int64, shape (n, 2)). `row` is scratch, int64[headers.COLUMNS].
    Returns (places taken, records, bytes of heap); all are taken unless records or heap are full.
    """
    data, packets, records, heap = borrowed(data), borrowed(packets), borrowed(records), borrowed(heap)
    places, ids = borrowed(places), borrowed(ids)
    count, used = 0, 0
    while taken < len(places):
        packet = packets[U(places[U(taken)])]
        offset, captured, length = packet.offset, packet.captured, packet.length
        decode(data, offset, captured, length, packet.link_type, tunnels, row)
        kind = kind_of(row[h.PROTOCOL], row[h.SRC_PORT], row[h.DST_PORT], row[h.ETHERTYPE], ports, ip, ether)
        if kind:
            end = offset + captured
            at, wire = _place(data, row[h.NETWORK], end, offset + length, row)
            have = max(0, min(wire, end - at)) if at else 0
            bits = 0
            if row[h.PROTOCOL] == TCP:
                bits = u8(data, row[h.TCP] + 13) if row[h.TCP] else 0
            if have or bits & SYN_FIN_RST:
                if count == len(records) or used + have > len(heap):
                    return taken, count, used
                record = records[count]
                record.time = packet.time
                record.stream, record.stream_offset = 0, 0
                record.missing = 0
                record.kind = kind - 1
                record.ethertype = row[h.ETHERTYPE] & 0xFFFF
                record.protocol = row[h.PROTOCOL]
                _put_address(record.src_address, row[h.SRC_HIGH], row[h.SRC_LOW])
                _put_address(record.dst_address, row[h.DST_HIGH], row[h.DST_LOW])
                if taken < len(ids):
                    _put_address(record.flow_id, ids[U(taken), 0], ids[U(taken), 1])
                else:
                    _put_address(record.flow_id, 0, 0)
                with_ports = row[h.PROTOCOL] in (TCP, UDP, SCTP)
                record.src_port = row[h.SRC_PORT] if with_ports else 0
                record.dst_port = row[h.DST_PORT] if with_ports else 0
                record.vlan = row[h.VLAN]
                record.wire_length = wire
                record.payload_offset = used
                record.payload_length = have
                flags = TRUNCATED if have < wire else 0
                if row[h.FRAGMENT] == h.FIRST_FRAGMENT:
                    flags |= FRAGMENT
                if row[h.TCP]:
                    flags |= STREAM
                    sequences[count, 0] = be32(data, row[h.TCP] + 4)
                    sequences[count, 1] = bits
                record.flags = flags
                for index in range(have):
                    heap[U(used + index)] = data[U(at + index)]
                used += have
                count += 1
        taken += 1
    return taken, count, used
