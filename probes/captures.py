"""Capture files through the probe: one run over files that continue each other, a new run where time steps back."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from probes.capture.reader import CaptureReader
from probes.flows.probe import FlowProbe, ProbeSettings
from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from probes.capture.packets import PacketBlock
    from topics.batch import FlowBatch


@dataclass(slots=True)
class CaptureTotals:
    """What was read so far: packets, bytes on the wire, and the time of the first and last packet (ns)."""

    packets: int = 0
    bytes: int = 0
    first: int = 0
    last: int = 0

    def add(self, block: PacketBlock) -> None:
        """Count a block."""
        times = block.packets["time"]
        first, last = int(times.min()), int(times.max())
        self.first = min(self.first, first) if self.packets else first
        self.last = max(self.last, last)
        self.packets += len(times)
        self.bytes += int(block.packets["length"].sum(dtype="int64"))


@dataclass(slots=True)
class CaptureSource:
    """Reads capture files in order and yields the batches of their status records.

    A file that is damaged gives everything up to the damage; its error is kept in `errors` and reading goes on with
    the next file. `progress` is called after each block. Each run ends with an empty batch whose watermark is
    END_OF_RUN.
    """

    paths: Sequence[str]
    settings: ProbeSettings
    totals: CaptureTotals = field(default_factory=CaptureTotals)
    errors: list[InputError] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    reader: CaptureReader | None = None
    progress: Callable[[CaptureSource], object] | None = None

    def __iter__(self) -> Iterator[FlowBatch]:
        probe = FlowProbe(self.settings)
        for path in self.paths:
            try:
                self.reader = CaptureReader(path)
                for block in self.reader:
                    self.totals.add(block)
                    if self.progress:
                        self.progress(self)
                    if int(block.packets["time"][0]) < probe.clock - self.settings.status_interval:
                        yield from self._end(probe)
                        probe = self._next_run()
                    yield from probe.observe(block)
            except InputError as error:
                self.errors.append(error)
        yield from self._end(probe)

    def _end(self, probe: FlowProbe) -> Iterator[FlowBatch]:
        yield from probe.flush()
        for name, count in probe.counts().items():
            self.counts[name] = self.counts.get(name, 0) + count

    def _next_run(self) -> FlowProbe:
        self.settings = dataclasses.replace(self.settings, boot_id=self.settings.boot_id + 1)
        return FlowProbe(self.settings)
