"""Small batches gathered into larger ones: many tiny messages would cost more than what they carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from topics.batch import concatenate
from topics.partitions import split

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.batch import FlowBatch

LINGER_SECONDS = 0.2
GATHERED_BYTES = 768 * 1024  # in memory, for one partition on average; a third of that on the wire
Run = tuple[str, str, int]


@dataclass(slots=True)
class _Gathered:
    since: float
    bytes: int = 0
    batches: list[FlowBatch] = field(default_factory=list)


class Gathering:
    """Holds the records of each run of a probe back until they are many or LINGER_SECONDS old, then splits them.

    `send` takes what is for one partition, in the order of `add`. A batch without records, which carries a watermark,
    goes to all partitions at once, behind the records that came before it. Times are those of a monotonic clock (s).
    """

    def __init__(self, partitions: int, send: Callable[[FlowBatch], None], linger: float = LINGER_SECONDS) -> None:
        self._partitions, self._send, self._linger = partitions, send, linger
        self._gathered: dict[Run, _Gathered] = {}

    def add(self, batch: FlowBatch, now: float) -> None:
        """Take a batch."""
        run = batch.site, batch.probe, batch.boot_id
        if not len(batch):
            self._release(run)
            for partition in range(self._partitions):
                self._send(batch.replace(partition=partition))
            return
        if run in self._gathered and self._gathered[run].batches[0].status_interval != batch.status_interval:
            self._release(run)  # what is sent together has one header
        gathered = self._gathered.setdefault(run, _Gathered(now))
        gathered.batches.append(batch)
        gathered.bytes += batch.records.nbytes + batch.heap.nbytes
        if gathered.bytes >= GATHERED_BYTES * self._partitions:
            self._release(run)

    def release_due(self, now: float) -> None:
        """Send what was held back long enough."""
        for run in [run for run, gathered in self._gathered.items() if now - gathered.since >= self._linger]:
            self._release(run)

    def due(self, now: float) -> float:
        """Return in how many seconds something may have been held back long enough, if nothing else comes."""
        since = min((gathered.since for gathered in self._gathered.values()), default=now)
        return max(0.0, since + self._linger - now)

    def release(self) -> None:
        """Send everything."""
        for run in list(self._gathered):
            self._release(run)

    def _release(self, run: Run) -> None:
        gathered = self._gathered.pop(run, None)
        if gathered is not None:
            for part in split(concatenate(gathered.batches), self._partitions):
                self._send(part)
