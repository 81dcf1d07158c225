"""What the topics hold of each probe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from clients.audit.ledger import Amount, Received, Who
from processors.engine.batch_numbers import BatchNumbers
from topics.batch import END_OF_RUN, PACKET_COUNTS, packets_of
from topics.bus import decode_message
from topics.bus.snapshot import Snapshot
from topics.probe_status import read_probe_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.batch import FlowBatch
    from topics.probe_status import ProbeStatus

    Takes = Callable[[FlowBatch], bool]


FLOW = np.dtype([("id", "V16"), ("status", "<i8"), ("run", "<i8"), ("records", "<i8"), ("packets", "<i8")])
KEY, KEY_OF_RUN = 24, 32  # leading bytes of FLOW


@dataclass(slots=True)
class Merged:
    """Flows on the topic, and between when they began (ns)."""

    flows: list[np.ndarray[Any, Any]] = field(default_factory=list)
    first: int = 2**63 - 1
    last: int = 0

    def add(self, batch: FlowBatch) -> None:
        """Take the flows of a batch that is not empty."""
        records = batch.records
        flows = np.zeros(len(records), FLOW)
        flows["id"] = np.ascontiguousarray(records["flow_id"]).view("V16").reshape(-1)
        flows["status"], flows["run"] = records["status_sequence"], batch.boot_id
        flows["records"], flows["packets"] = records["records"], sum(records[name] for name in PACKET_COUNTS)
        self.flows.append(flows)
        self.first = min(self.first, int(records["flow_start"].min()))
        self.last = max(self.last, int(records["flow_start"].max()))

    def amount(self) -> Amount:
        """Return the flows, each of a run once: after the kill of a worker some may come twice."""
        return self._unique(KEY_OF_RUN)

    def distinct(self) -> Amount:
        """Return the flows as sinks keep them: each once, also when the same packets were sent in two runs."""
        return self._unique(KEY)

    def _unique(self, size: int) -> Amount:
        flows = np.concatenate(self.flows)
        keys = flows.view(np.uint8).reshape(len(flows), -1)[:, :size]
        _, first = np.unique(np.ascontiguousarray(keys).view(f"V{size}").reshape(-1), return_index=True)
        return Amount(int(flows["records"][first].sum()), int(flows["packets"][first].sum()), len(first))


def probe_statuses(url: str, topic: str) -> list[ProbeStatus]:
    """Return all statuses on the bus."""
    return [status for _, _, status in Snapshot(url, topic, read_probe_status)]


def received(url: str, topic: str, group: str, takes: Takes) -> tuple[dict[Who, Received], int]:
    """Return what the topic of status records holds by probe, and how many messages cannot be read."""
    snapshot = Snapshot(url, topic, decode_message, group)
    found: dict[Who, Received] = {}
    numbers = {partition: BatchNumbers() for partition in snapshot.ends}
    begun: set[tuple[int, Who, int]] = set()
    ended: set[tuple[int, Who, int]] = set()
    for partition, offset, batch in snapshot:
        if not takes(batch):
            continue
        who = batch.site, batch.probe
        one = found.setdefault(who, Received())
        run = partition, who, batch.boot_id
        one.cut |= run not in begun and batch.sequence > 0 and snapshot.beginnings[partition] > 0
        begun.add(run)
        if not numbers[partition].take((*who, batch.boot_id), batch.sequence, offset):
            one.replays += 1
            continue
        amounts = [one.amount]
        if offset >= snapshot.committed.get(partition, 0):
            amounts.append(one.pending)
        for amount in amounts:
            amount.add(len(batch), _packets(batch))
        if not len(batch) and batch.watermark == END_OF_RUN:
            ended.add(run)
    for _, who, _ in begun - ended:
        found[who].open = True
    for each in numbers.values():
        for who, count in each.missing.items():
            found[who].missing += count
    return found, snapshot.undecodable


def merged(url: str, topic: str, takes: Takes) -> tuple[dict[Who, Merged], int]:
    """Return what the topic of flows holds by probe, and how many messages cannot be read."""
    snapshot = Snapshot(url, topic, decode_message)
    found: dict[Who, Merged] = {}
    for _, _, batch in snapshot:
        if len(batch) and takes(batch):
            found.setdefault((batch.site, batch.probe), Merged()).add(batch)
    return found, snapshot.undecodable


def _packets(batch: FlowBatch) -> int:
    return packets_of(batch.records)
