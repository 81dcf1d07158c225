"""The kernel that picks control-plane payloads out of a block of packets."""

# ruff: noqa: ANN401 - arrays and integers that only Numba types

from __future__ import annotations

from typing import Any

import numpy as np

from probes.decode import headers as h
from probes.decode.link import network_header
from probes.decode.network import network
from probes.load import be16, be32, u8
from topics.compiled import borrowed, inlined, kernel
from topics.control.batch import ControlFlags

TCP, UDP, SCTP = 6, 17, 132
STREAM, TRUNCATED, FRAGMENT = int(ControlFlags.STREAM), int(ControlFlags.TRUNCATED), int(ControlFlags.FRAGMENT)
SYN_FIN_RST = 0x07
U = np.uint64


@inlined
def _kind(row: Any, ports: Any, ip: Any, ether: Any) -> Any:
    """Return 1 + the kind of a decoded packet, 0 when it is not wanted; the port of the receiver counts first."""
    protocol = row[h.PROTOCOL]
    found = 0
    if protocol in (TCP, UDP, SCTP):
        table = 0 if protocol == TCP else 1 if protocol == UDP else 2
        found = ports[U(table), U(row[h.DST_PORT])]
        if not found:
            found = ports[U(table), U(row[h.SRC_PORT])]
    if not found and protocol:
        found = ip[U(protocol)]
    if not found:
        found = ether[U(row[h.ETHERTYPE] & 0xFFFF)]
    return found


@inlined
def _put_address(out: Any, high: int, low: int) -> None:
    for index in range(8):
        out[U(index)] = np.uint8((high >> (56 - 8 * index)) & 0xFF)
        out[U(8 + index)] = np.uint8((low >> (56 - 8 * index)) & 0xFF)


@inlined
def _decode(data: Any, offset: Any, captured: Any, length: Any, link_type: Any, row: Any) -> Any:
    """Fill `row` and return the offset of the network header."""
    for column in range(h.COLUMNS):
        row[column] = 0
    row[h.WIRE_LENGTH] = length
    end = offset + captured
    at, ethertype = network_header(data, offset, end, link_type, row)
    network(data, at, end, offset + length, ethertype, row)
    return at


@inlined
def _ip_payload(data: Any, at: Any, end: Any, wire_end: Any, row: Any) -> Any:
    """Return where the IP payload begins, by what the header says of its length; 0 when that cannot be."""
    if row[h.ETHERTYPE] == h.IPV4 and at + 20 <= end:
        total = be16(data, at + 2)  # 0: segmentation offload leaves the length to the hardware
        header, stop = 20, at + total if total else wire_end
    elif row[h.ETHERTYPE] == h.IPV6 and at + 40 <= end:
        total = be16(data, at + 4)
        header, stop = 40, at + 40 + total if total else wire_end
    else:
        return 0
    begin = stop - row[h.APP_BYTES]
    return begin if begin >= at + header else 0


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
    at = row[h.PAYLOAD] or _ip_payload(data, network_at, end, wire_end, row)
    return at, row[h.APP_BYTES] if at else 0


@kernel
def select(
    data: Any,
    packets: Any,
    taken: int,
    ports: Any,
    ip: Any,
    ether: Any,
    row: Any,
    records: Any,
    sequences: Any,
    heap: Any,
) -> tuple[Any, Any, Any]:
    """Copy wanted payloads from packet `taken` on into `records` (CONTROL_DTYPE) and `heap`.

    Of TCP, segments with payload or with SYN, FIN or RST are given, flagged STREAM, with sequence number and flag bits
    in `sequences` (int64, shape (n, 2)). `row` is scratch, int64[headers.COLUMNS]. Returns (packets taken, records,
    bytes of heap); all packets are taken unless records or heap are full.
    """
    data, packets, records, heap = borrowed(data), borrowed(packets), borrowed(records), borrowed(heap)
    count, used = 0, 0
    while taken < len(packets):
        packet = packets[taken]
        offset, captured, length = np.int64(packet.offset), np.int64(packet.captured), np.int64(packet.length)
        network_at = _decode(data, offset, captured, length, np.int64(packet.link_type), row)
        kind = _kind(row, ports, ip, ether)
        if kind:
            end = offset + captured
            at, wire = _place(data, network_at, end, offset + length, row)
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
