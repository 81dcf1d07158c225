"""The probe's core: framed packets in, batches of status records out. No file, no clock of its own, no bus in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from probes.decode.headers import COLUMNS
from probes.flows import layout, table
from probes.flows.observe import (
    AHEAD,
    CLOCK,
    DONE,
    FRAGMENT_COLUMNS,
    FRAGMENT_ROWS,
    INTERVAL,
    OUT_FULL,
    drain,
    evict,
    observe,
)
from topics.batch import END_OF_RUN, FlowBatch, Observer
from topics.flags import Cause
from topics.record import FLOW_DTYPE, copy_records, empty_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probes.capture.packets import PacketBlock

BATCH_RECORDS = 8192
FIRST_ROWS = 1 << 12

Int64 = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """Who observes, and how often a flow is reported."""

    site: str = ""
    probe: str = "argosy"
    interface: str = ""
    boot_id: int = 0
    status_interval: int = 5_000_000_000  # ns, `-S` of Argus
    max_flows: int = 1 << 20

    @property
    def observer(self) -> Observer:
        """Return the observation point of the records."""
        return Observer(self.site, self.probe, self.interface)


class _Rows:
    """The arrays of the flow table: they grow by doubling, together."""

    def __init__(self, rows: int) -> None:
        self.keys = np.zeros((rows, layout.KEY_WORDS), np.int64)
        self.flows = np.zeros((rows, len(layout.FLOW_COLUMNS)), np.int64)
        self.sides = np.zeros((rows, 2, len(layout.SIDE_COLUMNS)), np.int64)
        self.squares = np.zeros((rows, 2, layout.SQUARES), np.float64)
        self.free = np.zeros(rows, np.int64)
        self.index = np.zeros(4 * rows, np.uint64)

    def __len__(self) -> int:
        return len(self.keys)

    def grown(self, used: Int64) -> _Rows:
        """Return twice the rows with the same flows in them."""
        rows = _Rows(2 * len(self))
        for name in ("keys", "flows", "sides", "squares", "free"):
            getattr(rows, name)[: len(self)] = getattr(self, name)
        table.rebuild(rows.index, rows.keys, used)
        return rows


class FlowProbe:
    """Turns packets into bidirectional flow status records.

    `observe` yields a batch whenever enough records became due by the clock of the packets, `due` those that wait for
    their batch to fill; `flush` reports all that is still open.
    The same packets give the same records, byte for byte, however they are cut into blocks.
    """

    def __init__(self, settings: ProbeSettings | None = None) -> None:
        self.settings = settings or ProbeSettings()
        self.counters = np.zeros(len(layout.COUNTERS), np.int64)
        self._observer = self.settings.observer
        self._rows = _Rows(min(FIRST_ROWS, self.settings.max_flows))
        self._clock = np.zeros(2, np.int64)
        self._clock[INTERVAL] = self.settings.status_interval
        self._queues = np.array([table.NOBODY] * 4 + [0, 0], np.int64)
        self._fragments = np.zeros((FRAGMENT_ROWS, FRAGMENT_COLUMNS), np.int64)
        self._packet_rows = np.zeros((AHEAD, COLUMNS), np.int64)
        self._packet_keys = np.zeros((AHEAD, layout.KEY_WORDS), np.int64)
        self._copies = layout.copies()
        self._written = 0
        self._out = empty_records(BATCH_RECORDS)
        self._views = tuple(
            self._out.view(kind).reshape(BATCH_RECORDS, -1) for kind in (np.int64, np.uint32, np.uint16, np.uint8)
        )

    @property
    def clock(self) -> int:
        """Newest packet time seen, ns."""
        return int(self._clock[CLOCK])

    @property
    def active_flows(self) -> int:
        """Flows in the table now."""
        return int(self._queues[table.USED] - self._queues[table.FREE])

    def counts(self) -> dict[str, int]:
        """Return what the probe counted about itself, by name."""
        return dict(zip(layout.COUNTERS, self.counters.tolist(), strict=True))

    def observe(self, block: PacketBlock) -> Iterator[FlowBatch]:
        """Take a block of packets; yield batches of the status records that became due."""
        taken, why = 0, OUT_FULL
        while why != DONE:
            rows = self._rows
            taken, self._written, why = observe(
                block.data,
                block.packets,
                taken,
                self._clock,
                self._observer.id,
                rows.index,
                rows.keys,
                rows.flows,
                rows.sides,
                rows.squares,
                self._queues,
                rows.free,
                self._fragments,
                self._packet_rows,
                self._packet_keys,
                self.counters,
                self._copies,
                self._out,
                self._views,
                self._written,
            )
            if why == OUT_FULL:
                yield from self.due()
            elif why != DONE:
                yield from self._make_room()

    def due(self) -> Iterator[FlowBatch]:
        """Yield the records that are written and wait for their batch to fill."""
        if self._written:
            written, self._written = self._written, 0
            yield self._batch(written)

    def flush(self) -> Iterator[FlowBatch]:
        """Report all flows that have something unreported, cause shutdown; then say that the run is over."""
        yield from self._drain(Cause.SHUTDOWN)
        yield self._empty(END_OF_RUN)

    def heartbeat(self) -> FlowBatch:
        """Return an empty batch that tells consumers how far the clock has come."""
        return self._empty(max(0, self.clock - self.settings.status_interval))

    def _drain(self, cause: int) -> Iterator[FlowBatch]:
        yield from self.due()
        rows = self._rows
        while written := drain(
            cause,
            BATCH_RECORDS,
            rows.keys,
            rows.flows,
            rows.sides,
            rows.squares,
            self._queues,
            self._copies,
            self._out,
            self._views,
        ):
            yield self._batch(written)

    def _make_room(self) -> Iterator[FlowBatch]:
        if 2 * len(self._rows) <= self.settings.max_flows:
            self._rows = self._rows.grown(np.arange(self._queues[table.USED], dtype=np.int64))
            return
        yield from self._drain(Cause.EVICTED)
        rows = self._rows
        evict(max(1, len(rows) // 4), rows.index, rows.keys, rows.flows, self._queues, rows.free, self.counters)

    def _batch(self, written: int) -> FlowBatch:
        records = copy_records(self._out[:written])
        records["observer"] = self._observer.id
        self.counters[layout.COUNT_RECORDS] += written
        return self._empty(0).replace(records=records)

    def _empty(self, watermark: int) -> FlowBatch:
        settings = self.settings
        return FlowBatch(
            records=np.zeros(0, FLOW_DTYPE),
            site=settings.site,
            probe=settings.probe,
            boot_id=settings.boot_id,
            status_interval=settings.status_interval,
            watermark=watermark,
            observers={self._observer.id: self._observer},
        )
