"""Status records for the tests of the merge: few conversations, so that they meet, and every other field random."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from tests.random_batches import random_batch
from topics.flags import TcpState

if TYPE_CHECKING:
    from numpy.random import Generator

    from topics.batch import FlowBatch

SECOND = 1_000_000_000
EPOCH = 1_760_000_000 * SECOND
INTERVAL = 5 * SECOND
SYN, ACK, UP, CLOSE = TcpState.SYN, TcpState.SYN_ACK, TcpState.ESTABLISHED, TcpState.NORMAL_CLOSE
STATES = (0, SYN, SYN | ACK | UP, ACK | UP, UP, SYN | ACK | UP | CLOSE, UP | CLOSE, SYN | TcpState.DST_RESET, ACK)

IPV4, IPV6, ARP, LLDP = 0x0800, 0x86DD, 0x0806, 0x88CC
# Kinds of traffic: ethertype, protocol, and the pairs of ports that occur.
KINDS = (
    (IPV4, 6, ((40000, 80), (80, 40000), (443, 443))),
    (IPV6, 6, ((40000, 80),)),
    (IPV4, 17, ((53, 5353), (5353, 53), (123, 123))),
    (IPV4, 1, ((0x0800, 7), (0x0000, 7), (0x0303, 0), (0x0D00, 1), (0x0E00, 1), (0x0900, 0), (0x0A00, 0))),
    (IPV6, 58, ((0x8000, 3), (0x8100, 3), (0x8700, 0))),
    (IPV4, 50, ((0, 0),)),
    (IPV4, 89, ((0, 0),)),
    (ARP, 0, ((0, 0),)),
    (LLDP, 0, ((0, 0),)),
)


@dataclass(frozen=True)
class Plan:
    """A draw: which conversations occur, and what the random numbers begin with."""

    seed: int
    count: int
    kinds: tuple[int, ...]
    hosts: int = 2
    seconds: int = 200
    heap: bool = True


plans = st.builds(
    Plan,
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 60),
    kinds=st.lists(st.integers(0, len(KINDS) - 1), min_size=1, max_size=3, unique=True).map(tuple),
    hosts=st.integers(1, 3),
    seconds=st.sampled_from((1, 30, 200, 2000)),
    heap=st.booleans(),
)


def status_batch(plan: Plan, *, sane_lengths: bool = True) -> FlowBatch:
    """Records of one source in an order in which a probe could report them: none is late.

    Some have packets of one side only, some of none. `sane_lengths` keeps the prefix lengths at 128.
    """
    batch = random_batch(plan.seed, plan.count, heap=plan.heap)
    random = np.random.default_rng(plan.seed)
    records = batch.records
    _converse(records, plan, random)
    _spread(records, plan, random)
    records["status_sequence"] = random.integers(0, 2, plan.count)
    records["tcp_state"] = np.array(STATES, np.uint32)[random.integers(0, len(STATES), plan.count)]
    records["tcp_state"] |= (random.integers(0, 2, plan.count) * int(TcpState.SRC_RETRANSMITTED)).astype(np.uint32)
    if sane_lengths:
        records["src_prefix_length"] = records["dst_prefix_length"] = 128
    for side in ("src", "dst"):
        records[f"{side}_window_shift"] *= random.random(plan.count) < 0.5
        records[f"{side}_window"] *= random.random(plan.count) < 0.7
    latest = np.maximum(records["src_last"], records["dst_last"])
    ordered = records[np.argsort(latest, kind="stable")]
    return batch.replace(records=ordered, site="s", probe="p", boot_id=1, status_interval=INTERVAL)


def _converse(records: Any, plan: Plan, random: Generator) -> None:
    kinds = [KINDS[number] for number in plan.kinds]
    for row in range(plan.count):
        ethertype, protocol, ports = kinds[random.integers(0, len(kinds))]
        src_port, dst_port = ports[random.integers(0, len(ports))]
        record = records[row]
        record["ethertype"], record["protocol"] = ethertype, protocol
        record["src_port"], record["dst_port"] = src_port, dst_port
        record["discriminator"] = random.integers(0, 2)
        for side in ("src", "dst"):
            record[f"{side}_address"] = np.frombuffer(
                _address(ethertype, int(random.integers(0, plan.hosts))), np.uint8
            )


def _address(ethertype: int, host: int) -> bytes:
    if ethertype == IPV6:
        return bytes.fromhex("fd00000000000000") + bytes(7) + bytes((host,))
    if ethertype == LLDP:
        return bytes(10) + bytes((2, 0, 0, 0, 0, host))
    return bytes(10) + b"\xff\xff" + bytes((10, 0, host * 16, host))


def _spread(records: Any, plan: Plan, random: Generator) -> None:
    count = plan.count
    start = EPOCH + random.integers(0, plan.seconds * SECOND, count)
    for side in ("src", "dst"):
        seen = random.random(count) < 0.8
        first = start + random.integers(0, SECOND, count)
        records[f"{side}_first"] = np.where(seen, first, 0)
        records[f"{side}_last"] = np.where(seen, first + random.integers(0, INTERVAL - SECOND, count), 0)
        records[f"{side}_packets"] *= seen


def cuts(batch: FlowBatch, places: list[int]) -> list[FlowBatch]:
    """The batch in pieces."""
    bounds = [0, *sorted(place % (len(batch) + 1) for place in places), len(batch)]
    return [batch.select(slice(start, stop)) for start, stop in pairwise(bounds) if start < stop]
