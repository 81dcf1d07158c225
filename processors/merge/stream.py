"""Status records of a stream become flows, in event time: the processor behind `argosy worker` and `argosy run`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from processors.merge import segment as kernels
from processors.merge import timers
from processors.merge.heap import own_heap
from processors.merge.labels import with_united_labels
from processors.merge.layout import KEY_WORDS
from processors.merge.records import views
from processors.merge.recovery import Recovered, offset_of, position
from processors.merge.rules import RECORD_WORDS, record_words
from processors.merge.settings import MergeSettings
from processors.merge.table import FlowTable, Int64
from topics.batch import END_OF_RUN, FlowBatch, concatenate
from topics.record import FLOW_DTYPE

if TYPE_CHECKING:
    from topics.batch import Heap, Observer

Source: TypeAlias = tuple[str, str, int]
"""A run of a probe: site, probe, boot_id."""

FIRST_CAPACITY = 1 << 10
OUT_ROWS = 1 << 12
SECOND = 1_000_000_000  # ns
LONGEST_INTERVAL = 86_400 * SECOND
HEADER = ("site", "probe", "boot_id", "partition", "sequence", "status_interval")
NOTHING = np.zeros(0, np.uint8)


def source_of(batch: FlowBatch) -> Source:
    """Return the run of a probe that a batch comes from."""
    return batch.site, batch.probe, batch.boot_id


@dataclass(frozen=True, slots=True)
class MergedFlows(FlowBatch):
    """Flows of one source, and for each the position of the last record in it, int64[n].

    Positions are opaque, but greater for later input; `FlowMerge.recovered` takes them back after a restart.
    """

    last_positions: Int64 = field(default_factory=lambda: np.zeros(0, np.int64))


class _Output:
    """Where kernels put flows before they leave, and room for one record that is turned round."""

    def __init__(self) -> None:
        self.rows = np.empty((OUT_ROWS, RECORD_WORDS), np.int64)
        self.positions = np.empty(OUT_ROWS, np.int64)
        self.spare = views(np.empty((1, RECORD_WORDS), np.int64))

    def taken(self, written: int) -> Int64:
        """Return what was written to `rows`; when that is much, the array itself, and begin another."""
        rows = self.rows
        if written < OUT_ROWS // 4:
            return rows[:written].copy()
        self.rows = np.empty((OUT_ROWS, RECORD_WORDS), np.int64)
        return rows[:written]


class _SourceMerge:
    """The flows of one source: a table, its timers and its watermark."""

    def __init__(self, settings: MergeSettings, counters: Int64, output: _Output) -> None:
        self.table = FlowTable(min(FIRST_CAPACITY, settings.maximum_flows), KEY_WORDS, timers.MARKS)
        self.state = timers.new_state()
        self._header: dict[str, Any] = {}
        self.observers: dict[int, Observer] = {}
        self._wheel = timers.new_wheel()
        self._times = np.zeros(kernels.TIMES, np.int64)
        self._times[kernels.TCP_IDLE] = settings.idle_timeout * SECOND
        self._times[kernels.IDLE] = settings.other_idle_timeout * SECOND
        self._times[kernels.ACTIVE] = settings.active_timeout * SECOND
        self._times[kernels.LINGER] = settings.close_linger * SECOND
        self._counters = counters
        self._output = output

    @property
    def live(self) -> int:
        return int(self.state[timers.LIVE])

    @property
    def lowest_position(self) -> int | None:
        oldest = self.state[timers.OLDEST]
        return None if oldest == timers.NOBODY else int(self.table.marks[oldest, timers.FIRST_POSITION])

    def take(self, batch: FlowBatch) -> None:
        """Note what the header of a batch says."""
        self._header = {name: getattr(batch, name) for name in HEADER}
        self.observers.update(batch.observers)
        self._times[kernels.STATUS_INTERVAL] = min(max(batch.status_interval, 0), LONGEST_INTERVAL)
        if not len(batch):
            self.state[timers.WATERMARK] = max(self.state[timers.WATERMARK], batch.watermark)

    def merge(self, rows: Int64, heap: Heap, skipped: Heap, at: int, limit: int) -> list[MergedFlows]:
        """Merge records; return the flows that became complete with their last positions, in pieces."""
        table, pieces, taken, keep_heap, record = self.table, [], 0, True, views(rows)
        while True:
            taken, written, why, needed = kernels.segment(
                record,
                taken,
                heap,
                skipped,
                at,
                limit,
                self._times,
                table.seed,
                table.index,
                table.flows,
                table.keys,
                table.hashes,
                table.occupied,
                table.marks,
                self._wheel,
                self.state,
                table.heap,
                table.heap_used,
                keep_heap,
                self._counters,
                self._output.rows,
                self._output.positions,
                self._output.spare,
            )
            if written:
                pieces.append(self._piece(written))
            if why == kernels.DONE:
                return pieces
            if why == kernels.TABLE_FULL:
                table.grow(min(2 * len(table), limit))
            elif why == kernels.HEAP_FULL:
                keep_heap = table.grow_heap(needed)

    def drain(self) -> list[MergedFlows]:
        """Return all flows, in the order in which they began."""
        table, pieces = self.table, []
        while written := kernels.drain(
            table.index,
            table.flows,
            table.hashes,
            table.occupied,
            table.marks,
            self._wheel,
            self.state,
            self._counters,
            self._output.rows,
            self._output.positions,
        ):
            pieces.append(self._piece(written))
        return pieces

    def _piece(self, written: int) -> MergedFlows:
        rows = self._output.taken(written)
        flows = with_united_labels(FlowBatch(rows.reshape(-1).view(FLOW_DTYPE), own_heap(rows, self.table.heap)))
        return MergedFlows(
            records=flows.records,
            heap=flows.heap,
            observers=dict(self.observers),
            last_positions=self._output.positions[:written].copy(),
            **self._header,
        )


def _joined(pieces: list[MergedFlows]) -> MergedFlows:
    whole = concatenate(pieces)
    positions = np.concatenate([piece.last_positions for piece in pieces])
    joined: MergedFlows = replace(pieces[0], records=whole.records, heap=whole.heap, last_positions=positions)
    return joined


class FlowMerge:
    """Merges the status records of any number of sources into flows.

    Which records form a flow, and the order in which flows come out, is a function of the records of a source in their
    order, however they were cut into batches. Each record is in exactly one flow that comes out, sooner or later.
    A record that begins before the watermark of its source (its probe says that there is none) is counted as late and
    merged like any other; only for such records does it depend on other conversations which flow they join.
    `live_flows` counts the flows that are not put out yet.
    """

    def __init__(self, settings: MergeSettings | None = None) -> None:
        self.settings = settings or MergeSettings()
        self.live_flows = 0
        self._counters = np.zeros(len(kernels.COUNTERS), np.int64)
        self._output = _Output()
        self._sources: dict[Source, _SourceMerge] = {}
        self._recovered: dict[Source, Recovered] = {}

    @property
    def counters(self) -> dict[str, int]:
        """Return what happened so far: records taken, flows put out, records reversed, late, skipped; flows evicted."""
        return dict(zip(kernels.COUNTERS, self._counters.tolist(), strict=True))

    @property
    def sources(self) -> dict[Source, int]:
        """Return the sources that are followed, with their watermarks (ns)."""
        return {source: int(merge.state[timers.WATERMARK]) for source, merge in self._sources.items()}

    def process(self, batch: FlowBatch, offset: int = 0) -> list[MergedFlows]:
        """Merge a batch that was read at `offset`; return the flows that became complete, one batch a source."""
        source, finished = source_of(batch), []
        if not len(batch) and batch.watermark == END_OF_RUN:
            return _answer([self._complete(source)])
        if source not in self._sources and len(self._sources) >= self.settings.maximum_sources:
            finished.append(self._complete(next(iter(self._sources))))
        merge = self._sources.get(source)
        if merge is None:
            merge = self._sources[source] = _SourceMerge(self.settings, self._counters, self._output)
        merge.take(batch)
        rows, at = record_words(batch.records), position(offset)
        others = self.live_flows - merge.live
        limit = max(1, self.settings.maximum_flows - others)
        finished.append(merge.merge(rows, batch.heap, self._skipped(source, rows, at), at, limit))
        self.live_flows = others + merge.live
        return _answer(finished)

    def flush(self, source: Source | None = None) -> list[MergedFlows]:
        """Return all flows, or those of one source, and forget them: its run is over."""
        sources = list(self._sources) if source is None else [source]
        return _answer([self._complete(source) for source in sources])

    def lowest_offset(self) -> int | None:
        """Smallest offset that contributed to a flow that is not put out yet, None when there is no such flow."""
        lowest = [merge.lowest_position for merge in self._sources.values()]
        return min((offset_of(at) for at in lowest if at is not None), default=None)

    def recovered(self, batch: FlowBatch, last_positions: Int64) -> None:
        """Note flows that were put out before a restart: their records are passed over when they are read again."""
        known = self._recovered.setdefault(source_of(batch), Recovered())
        known.add(record_words(batch.records), np.ascontiguousarray(last_positions, np.int64))

    def _skipped(self, source: Source, rows: Int64, at: int) -> Heap:
        known = self._recovered.get(source)
        if known is None:
            return NOTHING
        if known.is_behind(at):
            del self._recovered[source]
            return NOTHING
        return known.skipped(rows, at)

    def _complete(self, source: Source) -> list[MergedFlows]:
        merge = self._sources.pop(source, None)
        if merge is None:
            return []
        self.live_flows -= merge.live
        return merge.drain()


def _answer(finished: list[list[MergedFlows]]) -> list[MergedFlows]:
    """Join the pieces of each source."""
    return [_joined(pieces) for pieces in finished if pieces]
