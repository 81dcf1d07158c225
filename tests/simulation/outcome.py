"""What has to come of a plan, by the local engine; and what did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from processors.merge import FlowMerge, MergeSettings
from topics.batch import concatenate, packets_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.simulation.plan import Message
    from topics.batch import FlowBatch


@dataclass(frozen=True, slots=True)
class Outcome:
    """Flows, each named by id and status sequence, those that came twice, and their packets."""

    flows: frozenset[tuple[bytes, int]]
    doubled: int
    packets: int


def expected(messages: Iterable[Message]) -> Outcome:
    """Return what the records of a plan are merged into, each message counted once.

    How records are cut into batches changes nothing, so those of one run and partition are merged at once.
    """
    runs: dict[tuple[str, int, int], list[FlowBatch]] = {}
    for message in messages:
        if not message.is_replay and len(message.batch):
            batch = message.batch
            runs.setdefault((batch.probe, batch.boot_id, message.partition), []).append(batch)
    flows: list[FlowBatch] = []
    for batches in runs.values():
        merge = FlowMerge(MergeSettings())
        flows += [*merge.process(concatenate(batches)), *merge.flush()]
    return outcome(flows)


def outcome(batches: Iterable[FlowBatch]) -> Outcome:
    """Add up flows."""
    names, packets = list[tuple[bytes, int]](), 0
    for batch in batches:
        ids = [row.tobytes() for row in batch.records["flow_id"]]
        names += zip(ids, batch.records["status_sequence"].tolist(), strict=True)
        packets += packets_of(batch.records)
    return Outcome(frozenset(names), len(names) - len(set(names)), packets)
