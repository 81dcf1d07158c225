"""Real Argus 3 records as flow batches, so that what `argosy` prints and selects can be held against what `ra` does."""

import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from topics.batch import FlowBatch, Observer, Records, records_like
from topics.flags import Cause

U = struct.unpack_from
MAPPED = bytes(10) + b"\xff\xff"
FLOW_RECORD = 1
REVERSED = 0x40
METRIC_CODES = {1: ("B", 3), 2: ("H", 3), 3: ("I", 3), 4: ("Q", 3), 5: ("B", 1), 6: ("H", 1), 7: ("I", 1), 8: ("Q", 1)}
METRIC_CODES |= {9: ("B", 2), 10: ("H", 2), 11: ("I", 2), 12: ("Q", 2)}
SIDES = ("src", "dst")
IP_OPTIONS = {0x01: 0x10, 0x02: 0x04, 0x04: 0x08, 0x08: 0x02, 0x10: 0x40, 0x20: 0x01, 0x40: 0x20}
OBSERVER = Observer("lab", "argus", "")


def argus_tools() -> None:
    """Skip the test, saying what to install, where Argus is absent."""
    if not (shutil.which("argus") and shutil.which("ra") and shutil.which("racluster")):
        pytest.skip("argus is not installed: apt-get install argus-server argus-client")


def run_argus(capture: Path, target: Path, *options: str) -> None:
    """Have argus turn a capture into a file of its records."""
    subprocess.run(["argus", "-X", *options, "-r", str(capture), "-w", str(target)], check=True, capture_output=True)


def run_ra(records: Path, *arguments: str, timezone: str = "UTC", program: str = "ra") -> str:
    """Return what ra prints; management records are left out, we have none."""
    filter_start = arguments.index("-") if "-" in arguments else len(arguments)
    options, words = arguments[:filter_start], arguments[filter_start + 1 :]
    expression = ["not", "man", *(["and", "(", *words, ")"] if words else [])]
    command = [program, "-X", "-r", str(records), *options, "-", *expression]
    done = subprocess.run(
        command, capture_output=True, check=False, env={"TZ": timezone, "PATH": "/usr/sbin:/usr/bin:/bin"}
    )
    if done.stderr:
        raise ValueError(done.stderr.decode())
    return done.stdout.decode("latin-1")


def read_argus(path: Path) -> FlowBatch:
    """Return the flow records of an Argus 3 file, in order."""
    rows = [list(_values(record)) for record in _records(path.read_bytes()) if record[0] >> 4 == FLOW_RECORD]
    records = records_like(len(rows))
    heap = bytearray()
    for row, values in enumerate(rows):
        for name, value in values:
            _store(records, row, name, value, heap)
    records["observer"] = OBSERVER.id
    return FlowBatch(
        records=records,
        heap=np.frombuffer(bytes(heap), np.uint8),
        site=OBSERVER.site,
        probe=OBSERVER.probe,
        observers={OBSERVER.id: OBSERVER},
    )


def _store(records: Records, row: int, name: str, value: Any, heap: bytearray) -> None:
    if name.endswith("_payload"):
        records[f"{name}_offset"][row], records[f"{name}_length"][row] = len(heap), len(value)
        heap += value
    elif name == "flow_flags":
        records[name][row] |= value
    elif isinstance(value, bytes):
        records[name][row] = np.frombuffer(value, np.uint8)
    else:
        records[name][row] = value


def _records(data: bytes) -> Iterator[bytes]:
    offset = 0
    while offset + 4 <= len(data):
        length = 4 * U(">H", data, offset + 2)[0]
        yield data[offset : offset + length]
        offset += length


def _parts(record: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    offset = 4
    while offset + 4 <= len(record):
        kind, subtype, qualifier, words = record[offset : offset + 4]
        if kind & 0x80:
            words = 1
        elif subtype & 0x80 and kind == 0x50:
            words = U(">H", record, offset + 2)[0]
        if not words:
            return
        yield kind, subtype, qualifier, record[offset + 4 : offset + 4 * words]
        offset += 4 * words


def _values(record: bytes) -> Iterator[tuple[str, Any]]:
    """Yield the fields of one record; the metric comes first, since the time of a direction needs its packets."""
    parts = sorted(_parts(record), key=lambda part: part[0] != 0x10)
    packets: dict[str, int] = {}
    first = record[1] >> 4 == 1
    yield "cause", Cause.START if first else Cause.STATUS
    yield "status_sequence", 0 if first else 1
    is_tcp = False
    answers = any(kind == 0x02 and subtype == 0x46 for kind, subtype, _, _ in parts)  # an ARP answer nobody asked for
    for kind, subtype, qualifier, body in parts:
        if kind == 0x10:
            metric = dict(_metric(subtype, qualifier, body, SIDES[::-1] if answers else SIDES))
            packets = {side: metric.get(f"{side}_packets", 0) for side in SIDES}
            yield from metric.items()
        elif kind == 0x02:
            fields = dict(_flow(subtype, qualifier, body))
            is_tcp = fields.get("protocol") == 6
            yield from fields.items()
        elif kind == 0x30:
            yield from _network(subtype, body, is_tcp)
        elif kind == 0x03:
            yield from _times(subtype, qualifier, body, packets)
        elif kind in PARTS:
            yield from PARTS[kind](subtype, qualifier, body)


def _metric(subtype: int, qualifier: int, body: bytes, names: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    code, sides = METRIC_CODES[qualifier & 15]
    count = 3 if subtype == 4 else 2
    numbers = list(U(f">{count * (1 + (sides == 3))}{code}", body))
    for bit, side in enumerate(names):
        if sides & (1 << bit):
            for name in ("packets", "bytes", "app_bytes")[:count]:
                yield f"{side}_{name}", numbers.pop(0)


def _times(subtype: int, qualifier: int, body: bytes, packets: dict[str, int]) -> Iterator[tuple[str, int]]:
    scale = 1 if qualifier == 0x19 else 1000
    words = U(f">{len(body) // 4}I", body)
    start = words[0] * 10**9 + words[1] * scale
    if subtype & 7 == 5:
        stamps = [start] + [start + (word - (word >> 31 << 32)) * 1000 for word in words[2:]]
    else:
        stamps = [words[i] * 10**9 + words[i + 1] * scale for i in range(0, len(words) - 1, 2)]
    names = [name for bit, name in enumerate(("src_first", "src_last", "dst_first", "dst_last")) if subtype & 8 << bit]
    given = dict(zip(names, stamps, strict=False)) or {"src_first": stamps[0], "src_last": stamps[-1]}
    yield "duration_sum", max(stamps) - min(stamps)
    yield "duration_min", max(stamps) - min(stamps)
    yield "duration_max", max(stamps) - min(stamps)
    pair = packets.get("src") == packets.get("dst") == 1
    for side in SIDES:
        if packets.get(side):
            first = given.get(f"{side}_first", max(stamps) if pair and side == "dst" else min(stamps))
            yield f"{side}_first", first
            yield f"{side}_last", first if pair else given.get(f"{side}_last", max(stamps))


def _address(data: bytes) -> bytes:
    return MAPPED + data if len(data) == 4 else bytes(10) + data if len(data) == 6 else data


def _flow(subtype: int, qualifier: int, body: bytes) -> Iterator[tuple[str, Any]]:
    kind = qualifier & 0x1F
    sides, ports, protocol, ethertype = FLOW_KINDS.get(kind, _link_key)(body)
    if subtype & REVERSED and kind in (1, 2):
        sides = sides[::-1]
        ports = ports if protocol in (1, 58) else ports[::-1]
    if protocol not in (1, 6, 17, 58):
        ports = [0, 0]
    yield "ethertype", 0x0019 if kind == 8 else ethertype
    yield "protocol", protocol
    for name, address, port in zip(SIDES, sides, ports, strict=True):
        yield f"{name}_address", _address(address)
        yield f"{name}_port", port
    if qualifier & 0x80:
        yield "flow_flags", 1
    if kind == 3 and ethertype in (0x0800, 0x86DD):
        yield "flow_flags", 0x20


Key = tuple[list[bytes], list[int], int, int]


def _ipv4_key(body: bytes) -> Key:
    ports = [body[10] << 8 | body[11], U("<H", body, 12)[0]] if body[8] == 1 else list(U(">HH", body, 10))
    return [body[0:4], body[4:8]], ports, body[8], 0x0800


def _ipv6_key(body: bytes) -> Key:
    ports = [body[36] << 8 | body[37], 0] if body[32] == 58 else list(U(">HH", body, 36))
    return [body[0:16], body[16:32]], ports, body[32], 0x86DD


def _arp_key(body: bytes) -> Key:
    return [body[8:12], body[12:16]], [0, 0], 0, 0x0806


def _link_key(body: bytes) -> Key:
    return [body[6:12], body[0:6]], [0, 0], 0, U(">H", body, 12)[0] or (body[14] << 8 | body[15])


FLOW_KINDS: dict[int, Callable[[bytes], Key]] = {1: _ipv4_key, 2: _ipv6_key, 4: _arp_key}


def _network(subtype: int, body: bytes, is_tcp: bool) -> Iterator[tuple[str, int]]:
    if subtype == 0x45:
        yield "flow_flags", 2
    if not is_tcp:
        return
    if subtype == 3:
        status, base, options, window, flags, shift = U(">IIIHBB", body)
        yield from {"tcp_state": status, "tcp_options": options, "src_base_sequence": base}.items()
        yield from {"src_window": window << shift, "src_tcp_flags": flags}.items()
    elif subtype == 4:
        yield "tcp_state", U(">I", body)[0]
        yield "src_tcp_flags", body[4]
        yield "dst_tcp_flags", body[5]
    elif subtype == 5:
        status, _, options, syn_ack, ack_data = U(">5I", body)
        yield from {"tcp_state": status, "tcp_options": options}.items()
        yield from {"syn_ack_time": syn_ack * 1000, "ack_data_time": ack_data * 1000}.items()
        for side, offset in zip(SIDES, (20, 68), strict=True):
            yield from _tcp_side(side, U(">11IHBB", body, offset))


def _tcp_side(side: str, words: tuple[int, ...]) -> Iterator[tuple[str, int]]:
    base, last, ack, _, octets, retransmitted, _, windowed, window, flags, shift = words[3:]
    yield f"{side}_base_sequence", base
    yield f"{side}_last_sequence", last
    yield f"{side}_last_ack", ack
    yield f"{side}_retransmitted_packets", retransmitted
    yield f"{side}_lost_packets", retransmitted
    yield f"{side}_window", window << shift
    yield f"{side}_tcp_flags", flags
    covered = last - base
    whole = retransmitted or not last or covered in (octets, octets - windowed)
    yield f"{side}_gap_bytes", 0 if whole else max(0, covered - octets - 1)


def _jitter(_: int, qualifier: int, body: bytes) -> Iterator[tuple[str, Any]]:
    offset = 0
    for bit, prefix in enumerate(("src_", "src_idle_", "dst_", "dst_idle_")):
        if qualifier & 1 << bit:
            count, low, mean, deviation, high = U(">iffff", body, offset)
            offset += 20
            yield f"{prefix}interval_count", count
            yield f"{prefix}interval_sum", round(mean * count * 1000)
            yield f"{prefix}interval_square_sum", count * (deviation**2 + mean**2)
            yield f"{prefix}interval_min", round(low * 1000)
            yield f"{prefix}interval_max", round(high * 1000)


def _ip_attributes(_: int, qualifier: int, body: bytes) -> Iterator[tuple[str, int]]:
    offset = 0
    for bit, side in enumerate(SIDES):
        if qualifier & 1 << bit:
            ttl, tos, ip_id = U(">BBH", body, offset)
            offset += 4
            yield from {f"{side}_ttl": ttl, f"{side}_tos": tos, f"{side}_ip_id": ip_id}.items()
            if qualifier & 4 << bit:
                options = U(">I", body, offset)[0]
                yield f"{side}_ip_options", sum(ours for theirs, ours in IP_OPTIONS.items() if options & theirs)
                offset += 4
            if qualifier & 0x10 << bit:
                yield "flow_flags", 1


def _sizes(_: int, qualifier: int, body: bytes) -> Iterator[tuple[str, int]]:
    sides = {2: SIDES, 6: SIDES[:1], 10: SIDES[1:]}[qualifier & 15]
    for side, offset in zip(sides, (0, 4), strict=False):
        low, high = U(">HH", body, offset)
        yield f"{side}_size_min", low
        yield f"{side}_size_max", high


def _macs(_: int, qualifier: int, body: bytes) -> Iterator[tuple[str, Any]]:
    yield "dst_mac", body[:6]
    yield "src_mac", body[6:12]
    if qualifier & 3:
        yield "flow_flags", 8


def _encapsulations(_: int, __: int, body: bytes) -> Iterator[tuple[str, int]]:
    yield from zip(("src_encapsulations", "dst_encapsulations"), U(">II", body), strict=True)


def _vlan(_: int, __: int, body: bytes) -> Iterator[tuple[str, int]]:
    yield from zip(("src_vlan", "dst_vlan"), U(">HH", body), strict=True)


def _icmp_error(_: int, qualifier: int, body: bytes) -> Iterator[tuple[str, Any]]:
    yield from {"icmp_error": qualifier & 7, "icmp_error_type": body[0], "icmp_error_code": body[1]}.items()
    yield "icmp_error_router", MAPPED + body[4:8]


def _payload(subtype: int, _: int, body: bytes) -> Iterator[tuple[str, bytes]]:
    count = U(">H", body, 2)[0]
    yield ("src_payload" if subtype & 0x7F == 0x10 else "dst_payload"), body[4 : 4 + count]


def _aggregate(_: int, __: int, body: bytes) -> Iterator[tuple[str, Any]]:
    count = U(">I", body)[0]
    number, low, mean, deviation, high = U(">iffff", body, 20)
    yield "records", count
    yield "duration_sum", round(mean * number * 1e9)
    yield "duration_square_sum", number * (deviation**2 + mean**2) * 1e12
    yield "duration_min", round(low * 1e9)
    yield "duration_max", round(high * 1e9)


PARTS = {
    0x12: _sizes,
    0x20: _encapsulations,
    0x34: _icmp_error,
    0x40: _vlan,
    0x42: _macs,
    0x46: _jitter,
    0x48: _ip_attributes,
    0x50: _payload,
    0x60: _aggregate,
}
