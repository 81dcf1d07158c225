"""How fast the codec is: a realistic batch of status records, encoded and decoded over and over."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.batch import FlowBatch, Observer, Records, records_like
from topics.codec import decode_batch, encode_batch
from topics.flags import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

START = 1_700_000_000_000_000_000
IPV4_PREFIX = bytes(10) + b"\xff\xff"
BATCH = 1000


@dataclass(frozen=True, slots=True)
class CodecRates:
    """What `measure` found: records per CPU second, best of the rounds, and bytes of one encoded record."""

    encoded: float
    decoded: float
    record_bytes: float


def realistic_batch(count: int = 100_000, seed: int = 1) -> FlowBatch:
    """Return a batch of `count` records as a probe sees them: 60 % TCP, 30 % DNS and other UDP, 10 % ICMP."""
    random = np.random.default_rng(seed)
    observer = Observer("berlin", "edge-1", "eth0")
    records = records_like(count)
    kind = random.random(count)
    tcp, icmp = kind < 0.6, kind >= 0.9
    _fill_identity(records, observer, random)
    _fill_key(records, tcp, icmp, random)
    _fill_counters(records, tcp, random)
    _fill_intervals(records, random)
    _fill_tcp(records, tcp, random)
    return FlowBatch(
        records=records, site=observer.site, probe=observer.probe, boot_id=START, observers={observer.id: observer}
    )


def measure(count: int = 100_000, rounds: int = 5) -> CodecRates:
    """Return the rates over `count` records in batches of 1000, as on the bus."""
    whole = realistic_batch(count)
    batches = [whole.select(slice(start, start + BATCH)) for start in range(0, count, BATCH)]
    messages = [encode_batch(batch) for batch in batches]
    decode_batch(messages[0])
    encoding = min(_seconds(encode_batch, batches) for _ in range(rounds))
    decoding = min(_seconds(decode_batch, messages) for _ in range(rounds))
    return CodecRates(count / encoding, count / decoding, sum(map(len, messages)) / count)


def _seconds(work: Callable[[Any], object], inputs: Sequence[Any]) -> float:
    start = time.thread_time()
    for each in inputs:
        work(each)
    return time.thread_time() - start


def _fill_identity(records: Records, observer: Observer, random: np.random.Generator) -> None:
    count = len(records)
    records["flow_id"] = random.integers(0, 256, (count, 16))
    records["observer"] = observer.id
    records["status_sequence"] = np.where(random.random(count) < 0.9, 0, random.integers(1, 200, count))
    records["cause"] = np.where(records["status_sequence"] == 0, Cause.START, Cause.STATUS)
    records["src_mac"] = random.integers(0, 256, (64, 6))[random.integers(0, 64, count)]
    records["dst_mac"] = random.integers(0, 256, 6)


def _fill_key(records: Records, tcp: Any, icmp: Any, random: np.random.Generator) -> None:
    count = len(records)
    ipv6 = random.random(count) < 0.15
    for side in ("src", "dst"):
        address = random.integers(0, 256, (count, 16))
        address[~ipv6, :12] = list(IPV4_PREFIX)
        records[f"{side}_address"] = address
        hop = np.where(random.random(count) < 0.7, 64, random.integers(30, 128, count))
        for field in ("ttl", "ttl_min", "ttl_max"):
            records[f"{side}_{field}"] = hop
    records["ethertype"] = np.where(ipv6, 0x86DD, 0x0800)
    records["protocol"] = np.where(tcp, 6, np.where(icmp, 1, 17))
    records["src_port"] = random.integers(1024, 65536, count)
    records["dst_port"] = random.choice([53, 80, 123, 443, 8080, 9092], count)
    records["discriminator"] = np.where(tcp | icmp, 0, random.integers(0, 65536, count))
    records["src_ip_id"] = np.where(ipv6, 0, random.integers(0, 65536, count))
    records["dst_ip_id"] = np.where(ipv6, 0, random.integers(0, 65536, count))


def _fill_counters(records: Records, tcp: Any, random: np.random.Generator) -> None:
    count = len(records)
    first = START + np.sort(random.integers(0, 5_000_000_000, count))
    span = np.where(tcp, random.exponential(4e8, count), random.exponential(2e7, count)).astype(np.int64)
    records["flow_start"] = records["src_first"] = first
    records["src_last"] = first + span
    answered = random.random(count) < 0.9
    for side in ("src", "dst"):
        packets = np.where(tcp, random.geometric(0.1, count), 1)
        size = random.integers(60, 1514, count)
        if side == "dst":
            packets = np.where(answered, packets, 0)
            records["dst_first"] = np.where(answered, first + span // 7, 0)
            records["dst_last"] = np.where(answered, first + span, 0)
        records[f"{side}_packets"] = packets
        records[f"{side}_bytes"] = packets * size
        records[f"{side}_app_bytes"] = packets * (size - 54)
        records[f"{side}_size_min"] = np.where(packets > 0, 60, 0)
        records[f"{side}_size_max"] = np.where(packets > 0, size, 0)
    lossy = tcp & (random.random(count) < 0.05)
    for field in ("src_lost_packets", "src_retransmitted_packets", "src_retransmitted_bytes"):
        records[field] = np.where(lossy, random.integers(1, 5000, count), 0)


def _fill_intervals(records: Records, random: np.random.Generator) -> None:
    count = len(records)
    duration = records["src_last"] - records["src_first"]
    for side in ("src", "dst"):
        several = records[f"{side}_packets"] > 1
        for prefix, share in (("interval", several), ("idle_interval", several & (random.random(count) < 0.3))):
            intervals = np.where(share, records[f"{side}_packets"] - 1, 0)
            total = np.where(share, duration // 2, 0)
            records[f"{side}_{prefix}_count"] = intervals
            records[f"{side}_{prefix}_sum"] = total
            records[f"{side}_{prefix}_square_sum"] = (total / 1000.0) ** 2 / np.maximum(intervals, 1)
            records[f"{side}_{prefix}_min"] = np.where(share, random.integers(1000, 90_000, count), 0)
            records[f"{side}_{prefix}_max"] = total // 2
    records["duration_sum"] = records["duration_min"] = records["duration_max"] = duration
    records["duration_square_sum"] = (duration / 1000.0) ** 2


def _fill_tcp(records: Records, tcp: Any, random: np.random.Generator) -> None:
    count = len(records)
    for side in ("src", "dst"):
        base = random.integers(0, 2**32, count)
        for field, value in (
            ("base_sequence", base),
            ("last_sequence", (base + records[f"{side}_app_bytes"]) % 2**32),
            ("last_ack", random.integers(0, 2**32, count)),
            ("window", random.integers(1, 1 << 21, count)),
            ("window_shift", random.integers(0, 10, count)),
            ("mss", 1460),
            ("tcp_flags", 0x1B),
        ):
            records[f"{side}_{field}"] = np.where(tcp, value, 0)
    records["tcp_state"] = np.where(tcp, 0x3F, 0)
    records["tcp_options"] = np.where(tcp, 0x4F00000, 0)
    records["syn_ack_time"] = np.where(tcp, random.integers(100_000, 80_000_000, count), 0)
    records["ack_data_time"] = np.where(tcp, random.integers(10_000, 1_000_000, count), 0)
