"""Management records (MARs), which an Argus begins, ends and punctuates a stream with."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from uuid import UUID

from topics.argus import layout as at

LAYOUT = struct.Struct(">BBHIIIIIIIIIBBBBHHQQq8IHH16si")
SIZE = LAYOUT.size  # 128 bytes
STRING, NUMBER, IPV6, IPV4, UUID_KIND, INTERFACE = 0x200000, 0x400000, 0x600000, 0x800000, 0xA00000, 0x100000
KIND_MASK, NEEDS_SASL = 0xF00000, 0x1000
MICRO, NANO = 1000, 1_000_000_000
INTERVALS = (5, 60)  # seconds: of status records, and of management records


@dataclass(frozen=True, slots=True)
class Management:
    """One management record: times in ns since the epoch, intervals in s, counters since the start of the source."""

    cause: int = at.START
    version: int = 3
    status: int = 0
    source: str = ""
    sequence: int = 0
    started: int = 0
    now: int = 0
    report_interval: int = INTERVALS[0]
    status_interval: int = INTERVALS[1]
    packets: int = 0
    bytes: int = 0
    records: int = 0
    flows: int = 0
    dropped: int = 0
    queue: int = 0
    output: int = 0
    clients: int = 0


def source_name(kind: int, value: bytes) -> str:
    """Return a source id as clients print it; `kind` as in a transport part, `value` 16 bytes."""
    if kind == at.ID_IPV4:
        return str(IPv4Address(value[:4]))
    if kind == at.ID_IPV6:
        return str(IPv6Address(value))
    if kind == at.ID_UUID:
        return str(UUID(bytes=value))
    if kind == at.ID_TEXT:
        return plain(value[:4])
    return str(int.from_bytes(value[:4])) if kind else ""


def plain(value: bytes) -> str:
    """Return the printable ASCII of some bytes, up to the first zero."""
    return "".join(chr(byte) for byte in value.split(b"\0")[0] if 32 < byte < 127)


_KINDS = {
    STRING: at.ID_TEXT,
    NUMBER: at.ID_NUMBER,
    IPV4: at.ID_IPV4,
    STRING | NUMBER: at.ID_IPV6,
    UUID_KIND: at.ID_UUID,
}


def read_management(data: bytes) -> Management | None:
    """Return what the bytes of a management record say, None for one of another size: those are supplements."""
    if len(data) != SIZE:
        return None
    kind, cause, _, status, second, _, _, sequence, sec, frac, now, now_frac, *rest = LAYOUT.unpack(data)
    _, _, _, _, report, interval, packets, octets, _ = rest[:9]
    records, flows, dropped, queue, output, clients, _, _ = rest[9:17]
    identity: bytes = rest[19]
    version = kind & 15
    unit = KIND_MASK & ~INTERFACE & status
    value = (
        identity if version == 5 or unit == IPV6 else second.to_bytes(4) if cause >> 4 != at.START else identity[12:]
    )
    return Management(
        cause=cause >> 4,
        version=version,
        status=status,
        source=source_name(_KINDS.get(unit, 0), value.ljust(16, b"\0")),
        sequence=sequence,
        started=sec * NANO + frac * MICRO,
        now=now * NANO + now_frac * MICRO,
        report_interval=report,
        status_interval=interval,
        packets=packets,
        bytes=octets,
        records=records,
        flows=flows,
        dropped=dropped,
        queue=queue,
        output=output,
        clients=clients,
    )


def write_management(management: Management) -> bytes:
    """Return the 128 bytes of a management record of version 3; of a source's name what `source_value` keeps."""
    kind, value = source_value(management.source)
    unit = {at.ID_IPV4: IPV4, at.ID_NUMBER: NUMBER, at.ID_TEXT: STRING}.get(kind, 0)
    start = management.cause == at.START
    return LAYOUT.pack(
        at.MANAGEMENT << 4 | 3,
        management.cause << 4,
        SIZE // at.WORD,
        management.status | unit,
        at.COOKIES[3] if start else int.from_bytes(value),
        0,
        0,
        management.sequence,
        management.started // NANO,
        management.started % NANO // MICRO,
        management.now // NANO,
        management.now % NANO // MICRO,
        3,
        0,
        0,
        0,
        management.report_interval,
        management.status_interval,
        management.packets,
        management.bytes,
        0,
        *(number & 0xFFFFFFFF for number in (management.records, management.flows, management.dropped)),
        *(number & 0xFFFFFFFF for number in (management.queue, management.output, management.clients, 0, 0)),
        0,
        0,
        bytes(12) + value,
        -1,
    )


def source_value(name: str) -> tuple[int, bytes]:
    """Return the kind and the four bytes of a source id of version 3: of a longer name its first four letters."""
    try:
        return at.ID_IPV4, IPv4Address(name).packed
    except ValueError:
        pass
    if name.isdecimal() and int(name) < 1 << 32:
        return at.ID_NUMBER, int(name).to_bytes(4)
    return (at.ID_TEXT, name.encode("ascii", "replace")[:4].ljust(4, b"\0")) if name else (0, bytes(4))
