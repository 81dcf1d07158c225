"""The probe's core: framed packets in, batches of status records out. No file, no clock of its own, no bus in it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from probes.capture.feed import nothing
from probes.decode.headers import COLUMNS
from probes.decode.tunnel import IP_TUNNELS, UDP_TUNNELS
from probes.duplicates.memory import JudgeMemory
from probes.flows import layout, queue, table
from probes.flows.ahead import AHEAD
from probes.flows.due import drain
from probes.flows.fragments import FRAGMENT_COLUMNS, FRAGMENT_ROWS
from probes.flows.lifetime import evict
from probes.flows.marks import Marks
from probes.flows.observe import DONE, OUT_FULL, advance, observe
from probes.memory import zeroed
from topics.batch import END_OF_RUN, FlowBatch, Observer
from topics.flags import Cause
from topics.record import FLOW_DTYPE, copy_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probes.capture.packets import PacketBlock
    from topics.batch import Records

BATCH_RECORDS = 8192
FIRST_ROWS = 1 << 12
HEAP_BYTES = 1 << 20
SECOND = 1_000_000_000

Int64 = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a flow may be idle before its next packet begins a new one, ns: those of Argus (argus.conf)."""

    tcp: int = 60 * SECOND
    closed: int = 10 * SECOND
    icmp: int = 5 * SECOND
    arp: int = 5 * SECOND
    other: int = 30 * SECOND


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """Who observes, what makes a flow, and when it is reported.

    `key_additions` are bits of probes/flows/identity.py, `tunnels` of probes/decode/tunnel.py. With `early_close` a
    connection is reported as it closes, without it when the status interval is over, as by Argus.
    """

    site: str = ""
    probe: str = "argosy"
    interface: str = ""
    boot_id: int = 0
    status_interval: int = 5_000_000_000  # ns, `-S` of Argus
    max_flows: int = 1 << 20
    payload_bytes: int = 0  # of each direction, `-U` of Argus
    early_close: bool = True
    start_records: bool = False
    key_additions: int = 0
    tunnels: int = IP_TUNNELS | UDP_TUNNELS
    count_copies: bool = False  # as packets, the way of Argus
    count_sizes: bool = False  # in a histogram, ARGUS_PACKET_SIZE_HISTOGRAM of Argus
    count_intervals: bool = False  # in histograms, ARGUS_JITTER_HISTOGRAM
    timeouts: Timeouts = field(default_factory=Timeouts)

    @property
    def observer(self) -> Observer:
        """Return the observation point of the records."""
        return Observer(self.site, self.probe, self.interface)

    def for_kernels(self) -> Int64:
        """Return int64[layout.SETTINGS], the clock at zero, and secrets for the table of one probe."""
        limits = self.timeouts
        return np.array(
            [
                0,
                self.status_interval,
                self.tunnels,
                self.key_additions,
                self.early_close,
                self.start_records,
                self.payload_bytes,
                limits.tcp,
                limits.closed,
                limits.icmp,
                limits.arp,
                limits.other,
                layout.COUNTED_SIZES * self.count_sizes | layout.COUNTED_INTERVALS * self.count_intervals,
                secrets.randbits(63),
                secrets.randbits(63),
            ],
            np.int64,
        )


class _Rows:
    """The arrays of the flow table: they grow by doubling, together."""

    def __init__(self, rows: int, payload_bytes: int, *, counted: bool) -> None:
        self.keys = zeroed((rows, layout.KEY_WORDS), np.int64)
        self.flows = zeroed(rows, layout.FLOW_ROW)
        self.sides = zeroed((rows, 2), layout.SIDE_ROW)
        columns = layout.COUNTED_EXTRA_COLUMNS if counted else layout.EXTRA_COLUMNS
        self.extras = np.zeros((rows, columns), np.int64)
        self.payloads = zeroed((rows, 2, payload_bytes), np.uint8)
        self.free = zeroed(rows, np.int64)
        length = 1 << max(0, rows - 1).bit_length()
        self.waiting = zeroed((length, 2), np.int64)
        self.looked_at = zeroed((length, 2), np.int64)
        self.index = zeroed(2 * length, np.uint64)

    def __len__(self) -> int:
        return len(self.keys)

    def grown(self, counts: Int64) -> _Rows:
        """Return twice the rows with the same flows in them, all of these rows being in use."""
        counted = self.extras.shape[1] == layout.COUNTED_EXTRA_COLUMNS
        rows = _Rows(2 * len(self), self.payloads.shape[2], counted=counted)
        rows.keys[: len(self)], rows.payloads[: len(self)] = self.keys, self.payloads
        for name in ("flows", "sides"):
            old, new = getattr(self, name), getattr(rows, name)
            new[: len(self)].view(np.int64)[:] = old.view(np.int64)  # NumPy would copy one field after the other
        noted = np.flatnonzero(self.flows["tunnel_kind"] | self.flows["icmp_error"] | counted)
        rows.extras[noted] = self.extras[noted]  # memory that nobody writes to costs nothing
        table.rebuild(rows.index, rows.keys, np.arange(len(self), dtype=np.int64))
        rows.waiting = queue.moved(self.waiting, counts, queue.STATUS_TAKEN, len(rows.waiting))
        rows.looked_at = queue.moved(self.looked_at, counts, queue.IDLE_TAKEN, len(rows.looked_at))
        return rows


class FlowProbe:
    """Turns packets into bidirectional flow status records.

    `observe` yields a batch whenever enough records became due by the clock of the packets, `due` those that wait for
    their batch to fill; `flush` reports all that is still open. Behind a block come the packets that its feed has.
    The same packets give the same records, byte for byte, however they are cut into blocks. `marks` tell of the block
    taken last which packets somebody else wants.
    """

    def __init__(self, settings: ProbeSettings | None = None, marks: Marks | None = None) -> None:
        self.settings = settings or ProbeSettings()
        self.marks = marks or Marks()
        self.counters = np.zeros(len(layout.COUNTERS), np.int64)
        self._observer = self.settings.observer
        self._observer_id = self._observer.id  # a hash, too dear for every block
        counted = self.settings.count_sizes or self.settings.count_intervals
        rows = min(FIRST_ROWS, self.settings.max_flows)
        self._rows = _Rows(rows, self.settings.payload_bytes, counted=counted)
        self._kernel_settings = self.settings.for_kernels()
        self._counts = np.zeros(queue.COUNTS, np.int64)
        self._heap = np.zeros(max(HEAP_BYTES, 16 * self.settings.payload_bytes), np.uint8)
        self._fragments = np.zeros((FRAGMENT_ROWS, FRAGMENT_COLUMNS), np.int64)
        self._packet_rows = np.zeros((AHEAD + 1, COLUMNS), np.int64)
        self._packet_keys = np.zeros((AHEAD + 1, layout.AHEAD_WORDS), np.int64)
        self.judge = JudgeMemory(AHEAD, enabled=not self.settings.count_copies)
        self._written = 0
        self._out = np.empty(BATCH_RECORDS, FLOW_DTYPE)

    @property
    def clock(self) -> int:
        """Newest packet time seen, ns."""
        return int(self._kernel_settings[layout.CLOCK])

    @property
    def active_flows(self) -> int:
        """Flows in the table now."""
        return int(self._counts[queue.USED] - self._counts[queue.FREE])

    def counts(self) -> dict[str, int]:
        """Return what the probe counted about itself, by name."""
        return dict(zip(layout.COUNTERS, self.counters.tolist(), strict=True))

    def observe(self, block: PacketBlock) -> Iterator[FlowBatch]:
        """Take a block of packets; yield batches of the status records that became due."""
        taken, why, judging = 0, OUT_FULL, self.judge.for_kernels()
        data, packets, feed = block.data, block.packets, None if self.marks.wanted else block.feed
        self.marks.begin(len(packets))
        lent = feed.for_kernels() if feed else nothing(block)
        while why != DONE:
            rows = self._rows
            taken, self._written, why = observe(
                data,
                packets,
                taken,
                self._kernel_settings,
                self._observer_id,
                rows.index,
                rows.keys,
                rows.flows,
                rows.sides,
                rows.extras,
                rows.payloads,
                self._counts,
                rows.waiting,
                rows.looked_at,
                rows.free,
                self._fragments,
                self._packet_rows,
                self._packet_keys,
                self.counters,
                judging,
                self._out,
                self._heap,
                self.marks.for_kernels(),
                lent,
                self._written,
            )
            if feed:
                data, packets = feed.at_hand()
            if why == OUT_FULL:
                yield from self.due()
            elif why != DONE:
                yield from self._make_room()

    def advance(self, time: int) -> Iterator[FlowBatch]:
        """Let the clock come to `time` (ns) without a packet; yield batches of the status records that became due."""
        why = OUT_FULL
        while why == OUT_FULL:
            rows = self._rows
            self._written, why = advance(
                time,
                self._kernel_settings,
                rows.index,
                rows.keys,
                rows.flows,
                rows.sides,
                rows.extras,
                rows.payloads,
                self._counts,
                rows.waiting,
                rows.looked_at,
                rows.free,
                self._out,
                self._heap,
                self._written,
            )
            if why == OUT_FULL:
                yield from self.due()

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
            self._kernel_settings,
            rows.keys,
            rows.flows,
            rows.sides,
            rows.extras,
            rows.payloads,
            self._counts,
            rows.waiting,
            self._out,
            self._heap,
        ):
            yield self._batch(written)

    def _make_room(self) -> Iterator[FlowBatch]:
        if 2 * len(self._rows) <= self.settings.max_flows:
            self._rows = self._rows.grown(self._counts)
            return
        yield from self._drain(Cause.EVICTED)
        rows = self._rows
        most = max(1, len(rows) // 4)
        evict(most, rows.index, rows.keys, rows.flows, self._counts, rows.looked_at, rows.free, self.counters)

    def _batch(self, written: int) -> FlowBatch:
        records = self._given_away(written)
        records["observer"] = self._observer_id
        self.counters[layout.COUNT_RECORDS] += written
        used, self._counts[queue.HEAP_USED] = int(self._counts[queue.HEAP_USED]), 0
        return self._empty(0).replace(records=records, heap=self._heap[:used].copy())

    def _given_away(self, written: int) -> Records:
        """Return what is written: the memory itself where most of it is in use, which saves a copy."""
        if written < BATCH_RECORDS // 2:
            return copy_records(self._out[:written])
        records, self._out = self._out[:written], np.empty(BATCH_RECORDS, FLOW_DTYPE)
        return records

    def _empty(self, watermark: int) -> FlowBatch:
        settings = self.settings
        return FlowBatch(
            records=np.zeros(0, FLOW_DTYPE),
            site=settings.site,
            probe=settings.probe,
            boot_id=settings.boot_id,
            status_interval=settings.status_interval,
            watermark=watermark,
            observers={self._observer_id: self._observer},
        )
