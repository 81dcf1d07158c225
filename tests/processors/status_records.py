"""Status records as a probe would report them, made from a seed: conversations of several records each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from topics.batch import END_OF_RUN, FlowBatch, Observer, Records, records_like
from topics.flags import Cause, TcpFlags, TcpState

SECOND = 1_000_000_000
EPOCH = 1_760_000_000 * SECOND
STATUS_INTERVAL = 5 * SECOND
TCP, UDP, IPV4 = 6, 17, 0x0800


@dataclass(frozen=True)
class Conversations:
    """How many conversations, over how many seconds of event time, and how long they are on average, in records."""

    seed: int = 1
    conversations: int = 200
    seconds: float = 120.0
    mean_records: float = 3.0
    probe: str = "probe-1"
    boot_id: int = 1


def status_records(plan: Conversations) -> FlowBatch:
    """All records of one probe run in the order of reporting, without heap values.

    About a quarter of the conversations take over the ports of an earlier one: some right after it closed, some while
    it may still be going on, so that where one flow ends and the next begins is put to the test.
    """
    random = np.random.default_rng(plan.seed)
    count = plan.conversations
    starts = np.sort(random.uniform(0, plan.seconds, count) * SECOND).astype(np.int64)
    lengths = random.geometric(1 / plan.mean_records, count)
    keys = np.where(random.random(count) < 0.25, random.integers(0, max(1, count // 2), count), np.arange(count))
    flow = np.repeat(np.arange(count), lengths)
    number = np.arange(len(flow)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    records = records_like(len(flow))
    _identify(records, keys[flow], random.integers(0, 2**63, (count, 2))[flow])
    _time(records, starts[flow], number, random)
    _count(records, random)
    records["status_sequence"] = number
    _conclude(records, number == 0, number == lengths[flow] - 1)
    observer = Observer("site-1", plan.probe, "eth0")
    records["observer"] = observer.id
    latest = np.maximum(records["src_last"], records["dst_last"])
    return FlowBatch(
        records[np.argsort(latest, kind="stable")],
        site=observer.site,
        probe=observer.probe,
        boot_id=plan.boot_id,
        status_interval=STATUS_INTERVAL,
        observers={observer.id: observer},
    )


def in_messages(batch: FlowBatch, partitions: int = 1, size: int = 50) -> Iterator[FlowBatch]:
    """Cut a probe run as it travels: batches of at most `size` records per partition, then the end of the run."""
    partition = batch.records["src_port"] % partitions
    sequence = [0] * partitions
    for start in range(0, len(batch), size * partitions):
        part = slice(start, start + size * partitions)
        for number in range(partitions):
            chosen = batch.select(part).select(partition[part] == number)
            for begin in range(0, len(chosen), size):
                piece = chosen.select(slice(begin, begin + size))
                yield piece.replace(partition=number, sequence=sequence[number])
                sequence[number] += 1
    for number in range(partitions):
        end = batch.select(slice(0)).replace(partition=number, sequence=sequence[number], watermark=END_OF_RUN)
        yield end


def _identify(records: Records, key: np.ndarray, identity: np.ndarray) -> None:
    records["flow_id"] = np.ascontiguousarray(identity).view(np.uint8).reshape(-1, 16)
    records["ethertype"] = IPV4
    records["protocol"] = np.where(key % 3 == 0, UDP, TCP)
    for name, network, host in (("src_address", 10, key % 251), ("dst_address", 192, key % 17)):
        records[name][:, 10:12] = 255
        records[name][:, 12] = network
        records[name][:, 15] = host
    records["src_port"] = 1024 + key % 60_000
    records["dst_port"] = np.where(key % 3 == 0, 53, 443)


def _time(records: Records, start: np.ndarray, number: np.ndarray, random: np.random.Generator) -> None:
    count = len(records)
    first = EPOCH + start + number * (STATUS_INTERVAL + SECOND) * (1 + 2 * (number % 5 == 4))
    last = first + random.integers(1, STATUS_INTERVAL, count)
    records["src_first"] = first
    records["src_last"] = last
    answered = random.random(count) < 0.9
    records["dst_first"] = np.where(answered, first + 1_000, 0)
    records["dst_last"] = np.where(answered, last - 500, 0)
    records["flow_start"] = EPOCH + start
    records["duration_sum"] = records["duration_min"] = records["duration_max"] = last - first


def _count(records: Records, random: np.random.Generator) -> None:
    for side in ("src", "dst"):
        seen = records[f"{side}_last"] > 0
        packets = random.integers(1, 100, len(records)) * seen
        records[f"{side}_packets"] = packets
        records[f"{side}_bytes"] = packets * random.integers(60, 1500, len(records))
        records[f"{side}_app_bytes"] = records[f"{side}_bytes"] - packets * 54
        records[f"{side}_size_min"] = 60 * seen
        records[f"{side}_size_max"] = 1500 * seen
        records[f"{side}_ttl"] = records[f"{side}_ttl_min"] = records[f"{side}_ttl_max"] = 64 * seen
        records[f"{side}_mac"] = np.array([2, 0, 0, 0, 0, 1 if side == "src" else 2], np.uint8)


def _conclude(records: Records, first: np.ndarray, last: np.ndarray) -> None:
    tcp = records["protocol"] == TCP
    records["cause"] = np.where(last, Cause.CLOSE, np.where(first, Cause.START, Cause.STATUS))
    records["tcp_state"] = tcp * (
        int(TcpState.ESTABLISHED)
        + first * int(TcpState.SYN | TcpState.SYN_ACK)
        + last * int(TcpState.FIN | TcpState.FIN_ACK | TcpState.NORMAL_CLOSE)
    )
    records["src_tcp_flags"] = tcp * (int(TcpFlags.ACK) + first * int(TcpFlags.SYN) + last * int(TcpFlags.FIN))
    records["dst_tcp_flags"] = records["src_tcp_flags"]
