"""The same packets as several observation points see them: on their way, by another clock, and not all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from probes.flows.probe import FlowProbe, ProbeSettings
from processors.merge import FlowMerge
from tests.traffic.mirrored.render import blocks_of

if TYPE_CHECKING:
    from tests.traffic.mirrored.table import Rows
    from topics.batch import FlowBatch, Records


@dataclass(frozen=True)
class Point:
    """Where a probe stands: `hops` from the clients on, `delay` (ns) from the servers, `clock` how far ahead (ns).

    It sees `share` of the conversations, and `loss` of their packets not.
    """

    name: str
    hops: int
    delay: int
    clock: int = 0
    share: float = 1.0
    loss: float = 0.0


def sees(point: Point, rows: Rows, random: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which packets a point sees."""
    conversations = random.random(int(rows["flow"].max()) + 1) < point.share
    seen: np.ndarray[tuple[int], np.dtype[np.bool_]] = conversations[rows["flow"]]
    return seen & (random.random(len(rows)) >= point.loss)


def seen_by(point: Point, rows: Rows, random: np.random.Generator, jitter: int = 20_000) -> Rows:
    """The packets a point sees, by its clock; their delay varies by `jitter` ns, but none overtakes another."""
    mine = rows[sees(point, rows, random)]
    late = random.integers(0, jitter, len(mine)) - jitter // 2
    for reverse in (False, True):
        way = mine["reverse"] == reverse
        shift = point.delay if reverse else -point.delay
        mine["time"][way] = np.maximum.accumulate(mine["time"][way] + late[way]) + shift + point.clock
    mine["ttl"] = np.where(mine["reverse"], 57 + point.hops, 64 - point.hops)
    mine["vlan"], mine["macs"] = 10 + point.hops, mine["macs"] + 10 * point.hops
    return mine[np.argsort(mine["time"], kind="stable")]


def flows_of(point: Point, rows: Rows) -> list[FlowBatch]:
    """The merged flows of a point, of what its probe reports."""
    probe, merge = FlowProbe(ProbeSettings(site="site", probe=point.name)), FlowMerge()
    batches = [batch for block in blocks_of(rows) for batch in probe.observe(block)]
    flows = [flow for batch in [*batches, *probe.flush()] for flow in merge.process(batch)]
    return [*flows, *merge.flush()]


def flow_numbers(records: Records) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Which conversation each record is of, by the addresses it was given."""
    ends = [np.ascontiguousarray(records[f"{side}_address"][:, 12:]).view(">u4").reshape(-1) for side in ("src", "dst")]
    server, host = np.maximum(*ends).astype(np.int64) & 0xFFFF, np.minimum(*ends).astype(np.int64) & 0xFFFF
    numbers: np.ndarray[tuple[int], np.dtype[np.int64]] = (server - 1) * 211 + host - 1
    return numbers
