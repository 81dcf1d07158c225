"""What a worker tells about itself: the newest state, put together by the thread that merges, read by any."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from processors.engine.partition import PartitionMerge


@dataclass(frozen=True, slots=True)
class WorkerState:
    """Counts since the start; by probe, batches missing and event time (ns).

    `labels` are the counts of labelling, by name.
    """

    records: int = 0
    refused: int = 0
    replays: int = 0
    missing: dict[tuple[str, str], int] = field(default_factory=dict)
    watermarks: dict[tuple[str, str], int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)


class StateKeeper:
    """Adds up what the partitions of a worker count, those that it gave away included.

    `state` is for any thread to read and is never changed; everything else belongs to the thread that merges.
    """

    def __init__(self) -> None:
        self.state = WorkerState()
        self._before = WorkerState()

    def retire(self, merges: Iterable[PartitionMerge]) -> None:
        """Keep the counts of partitions that are about to be forgotten."""
        self._before = self._total(merges)

    def update(self, merges: Iterable[PartitionMerge], labels: dict[str, int]) -> None:
        """Take the state of the partitions of this moment."""
        merges = list(merges)
        watermarks: dict[tuple[str, str], int] = {}
        for merge in merges:
            for who, time in merge.watermarks().items():
                watermarks[who] = min(time, watermarks.get(who, time))
        self.state = replace(self._total(merges), watermarks=watermarks, labels=labels)

    def _total(self, merges: Iterable[PartitionMerge]) -> WorkerState:
        before = self._before
        missing = dict(before.missing)
        records, refused, replays = before.records, before.refused, before.replays
        for merge in merges:
            records += merge.records
            refused += merge.refused
            replays += merge.numbers.replays
            for who, count in merge.numbers.missing.items():
                missing[who] = missing.get(who, 0) + count
        return WorkerState(records, refused, replays, missing=missing)
