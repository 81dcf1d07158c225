"""The rules of the merge again, slow and obvious: records are dictionaries, tables are lists, nothing is shared."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from topics.batch import END_OF_RUN, FlowBatch
from topics.flags import TcpOptions, TcpState, TunnelKind
from topics.histograms import VECTOR_BYTES
from topics.schema import flow_fields, swapped

if TYPE_CHECKING:
    from collections.abc import Iterable

Record = dict[str, Any]
SECOND = 1_000_000_000
PAYLOAD_LIMIT = 2048
TCP, ICMP, ICMPV6, ESP = 6, 1, 58, 50
IPV4, IPV6, ARP, RARP, WLAN = 0x0800, 0x86DD, 0x0806, 0x8035, 0x0019
ANSWERS = {(1, 8): 0, (1, 10): 9, (1, 13): 14, (1, 15): 16, (1, 17): 18}
COUNTERPARTS = ANSWERS | {(protocol, answer): request for (protocol, request), answer in ANSWERS.items()}
COUNTERPARTS |= {(ICMPV6, kind): kind for kind in range(256)}
CLOSED = TcpState.NORMAL_CLOSE | TcpState.SRC_RESET | TcpState.DST_RESET
ACCEPTED = TcpState.SYN_ACK | TcpState.ESTABLISHED


def records_of(batch: FlowBatch) -> list[Record]:
    """Records as dictionaries: numbers, and bytes for fixed and heap fields."""
    found = []
    for row in range(len(batch)):
        record: Record = {}
        for spec in flow_fields():
            if spec.store == "heap":
                record[spec.name] = batch.heap_value(row, spec.name)
            else:
                value = batch.records[spec.name][row]
                record[spec.name] = value.tobytes() if spec.store.startswith("S") else value.item()
        found.append(record)
    return found


def reverse(record: Record) -> Record:
    turned = {name: record[swapped(name)] for name in record}
    for name, flags in (("tcp_state", TcpState), ("tcp_options", TcpOptions)):
        turned[name] = sum(_other_side(flags, flag) for flag in flags if record[name] & flag)
        turned[name] |= record[name] & ~sum(flags)
    if record["protocol"] in (ICMP, ICMPV6):
        kind, code = record["src_port"] >> 8, record["src_port"] & 0xFF
        kind = COUNTERPARTS.get((record["protocol"], kind), kind)
        turned["src_port"], turned["dst_port"] = kind << 8 | code, record["dst_port"]
    return turned


def _other_side(flags: Any, flag: Any) -> int:
    side, _, rest = flag.name.partition("_")
    return int(flags[{"SRC": "DST", "DST": "SRC"}[side] + "_" + rest] if side in ("SRC", "DST") else flag)


def merge(flow: Record, record: Record) -> Record:
    """The flow with one more record in it."""
    merged = {spec.name: _merged(spec.name, spec.merge, flow, record) for spec in flow_fields()}
    for side in ("src", "dst"):
        _merge_address(merged, flow, record, side)
        merged[f"{side}_window"] = _window(flow, record, side)
    return merged


def _window(flow: Record, record: Record, side: str) -> int:
    """The last window that is not 0; one whose record knows no scale is scaled by that of the other."""
    own, other = (record, flow) if record[f"{side}_window"] else (flow, record)
    scale = 0 if own[f"{side}_window_shift"] else min(14, other[f"{side}_window_shift"])
    return int(own[f"{side}_window"] * 2**scale % 2**32)


def _merged(name: str, rule: str, flow: Record, record: Record) -> Any:  # noqa: C901, PLR0912 -- one case a rule
    old, new, side = flow[name], record[name], name[:4]
    nothing = bytes(len(old)) if isinstance(old, bytes) else 0
    match rule.partition(":")[0]:
        case "first" | "prefix" | "prefix_length":
            return old
        case "last":
            return new
        case "sum":
            return old + new if isinstance(old, float) else (old + new + 2**63) % 2**64 - 2**63
        case "min":
            return min(old, new)
        case "max":
            return max(old, new)
        case "or":
            return old | new
        case "same":
            return old if old == new else 0
        case "min_set":
            return min((value for value in (old, new) if value), default=0)
        case "first_set":
            return old if any(old if isinstance(old, bytes) else [old]) else new
        case "min_counted":
            count = side + rule.partition(":")[2]
            return min([flow[name]] * bool(flow[count]) + [new] * bool(record[count]), default=old)
        case "same_side":
            if not record[side + "packets"]:
                return old
            return new if not flow[side + "packets"] else old if old == new else nothing
        case "last_side":
            return new if record[side + "packets"] else old
        case "append":
            return (old + new)[: max(len(old), PAYLOAD_LIMIT)]
        case "counts":
            return add_counts(old, new)
        case "union":
            return unite(old, new)
    raise ValueError(rule)


def add_counts(old: bytes, new: bytes) -> bytes:
    """The sum of two vectors; of other bytes the first."""
    if len(old) != VECTOR_BYTES or len(new) != VECTOR_BYTES:
        return old or new
    pairs = zip(struct.unpack("<24I", old), struct.unpack("<24I", new), strict=True)
    return struct.pack("<24I", *(min(sum(pair), 0xFFFFFFFF) for pair in pairs))


def _merge_address(merged: Record, flow: Record, record: Record, side: str) -> None:
    name, length = f"{side}_address", f"{side}_prefix_length"
    merged[length] = min(flow[length], record[length])
    if flow[name] == record[name]:
        return
    shared = 0
    if merged["ethertype"] in (IPV4, IPV6):
        old, new = (f"{int.from_bytes(address):0128b}" for address in (flow[name], record[name]))
        shared = next(bit for bit in range(128) if old[bit] != new[bit])
    merged[length] = min(merged[length], shared)
    bits = f"{int.from_bytes(flow[name]):0128b}"[: merged[length]]
    merged[name] = int(bits.ljust(128, "0"), 2).to_bytes(16)


def unite(old: bytes, new: bytes) -> bytes:
    if not old or not new or old == new:
        return old or new
    found: dict[bytes, list[bytes]] = {}
    for pair in (old + b":" + new).split(b":"):
        if pair:
            key, equals, values = pair.partition(b"=")
            kept = found.setdefault(key + equals, [])
            kept += [value for value in dict.fromkeys(values.split(b",")) if value and value not in kept]
    return b":".join(key + b",".join(values) for key, values in found.items())


def key(record: Record) -> tuple[Any, ...]:
    """What records of one conversation and direction have in common."""
    names = ("src_address", "dst_address", "ethertype", "protocol", "src_port", "dst_port")
    separator = (0, 0)
    if record["protocol"] == ESP or record["ethertype"] == WLAN:
        separator = (1, record["discriminator"])
    elif record["tunnel_kind"] in (TunnelKind.VXLAN, TunnelKind.GENEVE):
        separator = (2, record["tunnel_id"])
    return (*(record[name] for name in names), separator)


def turned_key(record: Record) -> tuple[Any, ...] | None:
    """The key of the other direction; None where racluster looks for none."""
    protocol = record["protocol"]
    if protocol == ESP or record["ethertype"] in (ARP, RARP, WLAN):
        return None
    if protocol in (ICMP, ICMPV6) and (protocol, record["src_port"] >> 8) not in COUNTERPARTS:
        return None
    return key(reverse(record))


def first_packet(record: Record) -> int:
    return min((time for time in (record["src_first"], record["dst_first"]) if time), default=0)


def last_packet(record: Record) -> int:
    return int(max(record["src_last"], record["dst_last"]))


def join(flow: Record, record: Record, way: str) -> Record:
    """The flow with a record of its key, or of the other direction's, in it."""
    if way == "same":
        return merge(flow, record)
    return merge(reverse(flow), record) if way == "turn flow" else merge(flow, reverse(record))


def decide(flow: Record, record: Record) -> str:
    """Which of two records of opposite direction is turned; `apart` for two connections."""
    if record["protocol"] == TCP:
        if record["tcp_state"] & flow["tcp_state"] & TcpState.SYN:
            return "apart"
        knows = record["tcp_state"] & TcpState.SYN or record["tcp_state"] & ACCEPTED == ACCEPTED
        return "turn flow" if knows else "turn record"
    if record["protocol"] in (ICMP, ICMPV6):
        return "turn record"
    return "turn flow" if 0 < first_packet(record) < first_packet(flow) else "turn record"


def is_over(flow: Record, record: Record, status: int, idle: int) -> bool:
    """Whether racluster.conf lets a flow end before a record of its key."""
    end = max(last_packet(flow), last_packet(record))
    too_long = status and end - first_packet(flow) >= status
    return bool(too_long or (idle and first_packet(record) - last_packet(flow) >= idle))


def aggregate(records: Iterable[Record], *, correct: bool = True, status: int = 0, idle: int = 0) -> list[Record]:
    """Racluster with its default key; flows in the order in which their last record came. Times in ns, 0 for never."""
    flows: list[Record] = []
    over: list[int] = []
    for record in records:
        found = [flow for flow in flows if id(flow) not in over and key(flow) == key(record)]
        way = "same"
        if not found and correct:
            found = [flow for flow in flows if id(flow) not in over and key(flow) == turned_key(record)]
            way = decide(found[0], record) if found else way
        if found and is_over(found[0], record, status, idle):
            over.append(id(found[0]))
            found = []
        if not found or way == "apart":
            flows.append(record)
        else:
            flows = [flow for flow in flows if flow is not found[0]]
            flows.append(join(found[0], record, way))
    return flows


@dataclass(frozen=True)
class Times:
    """ns."""

    tcp_idle: int = 60 * SECOND
    idle: int = 30 * SECOND
    active: int = 300 * SECOND
    linger: int = 10 * SECOND


@dataclass
class Stream:
    """The segmentation of FlowMerge for one source. Without late records, when flows leave does not matter to it."""

    times: Times = field(default_factory=Times)
    live: list[Record] = field(default_factory=list)
    done: list[Record] = field(default_factory=list)

    def take(self, batch: FlowBatch) -> None:
        if not len(batch) and batch.watermark == END_OF_RUN:
            self.done += self.live
            self.live = []
        for record in records_of(batch):
            self._take(record, batch.status_interval)

    def _take(self, record: Record, interval: int) -> None:
        found, way = [flow for flow in self.live if self._key(flow) == self._key(record)], "same"
        if not found:
            other = turned_key(record)
            found = [flow for flow in self.live if other and self._key(flow) == (other, record["observer"])]
            way = decide(found[0], record) if found else way
        self.live = [flow for flow in self.live if not found or flow is not found[0]]
        if found and (way == "apart" or self._begins_anew(found[0], record, interval)):
            self.done.append(found[0])
            found = []
        self.live.append(join(found[0], record, way) if found else record)

    @staticmethod
    def _key(record: Record) -> tuple[Any, ...]:
        return key(record), record["observer"]

    def deadline(self, flow: Record, interval: int) -> int:
        idle = max(self.times.tcp_idle if flow["protocol"] == TCP else self.times.idle, 2 * interval)
        deadline = min(last_packet(flow) + idle, first_packet(flow) + self.times.active - 1)
        closed = flow["protocol"] == TCP and flow["tcp_state"] & CLOSED
        return min(deadline, last_packet(flow) + self.times.linger) if closed else deadline

    def _begins_anew(self, flow: Record, record: Record, interval: int) -> bool:
        if not first_packet(record) or not last_packet(flow):
            return True
        if flow["protocol"] == TCP and flow["tcp_state"] & CLOSED:
            opens = record["tcp_state"] & TcpState.SYN and record["status_sequence"] == 0
            if opens:
                return True
        return first_packet(record) > self.deadline(flow, interval)
