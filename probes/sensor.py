"""Packets of all interfaces through their flow tables: a run each, a new one where time steps back."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from probes.flows.probe import FlowProbe, ProbeSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from probes.capture.packets import PacketBlock
    from probes.source import PacketSource
    from topics.batch import FlowBatch


@dataclass(slots=True)
class PacketTotals:
    """What was read so far: packets, bytes on the wire, and the time of the first and last packet (ns)."""

    packets: int = 0
    bytes: int = 0
    first: int = 0
    last: int = 0

    def add(self, block: PacketBlock) -> None:
        """Count a block that is not empty."""
        times = block.packets["time"]
        first, last = int(times.min()), int(times.max())
        self.first = min(self.first, first) if self.packets else first
        self.last = max(self.last, last)
        self.packets += len(times)
        self.bytes += int(block.packets["length"].sum(dtype="int64"))


class Sensor:
    """Turns blocks of packets into batches of status records, with a flow table of its own for each interface.

    Files that continue each other are one run; where time steps back by more than the status interval, a run ends and
    the next begins. Each run has a boot id of its own and ends with an empty batch whose watermark is END_OF_RUN.
    """

    def __init__(self, settings: ProbeSettings) -> None:
        self.settings = settings
        self.totals = PacketTotals()
        self.probes: dict[str, FlowProbe] = {}
        self._ended: dict[str, int] = {}
        self._runs = 0

    def take(self, block: PacketBlock) -> Iterator[FlowBatch]:
        """Count a block; yield the records that became due."""
        if not len(block.packets):
            return
        self.totals.add(block)
        probe = self.probes.get(block.interface)
        if probe is None:
            probe = self._begin(block.interface)
        elif int(block.packets["time"][0]) < probe.clock - self.settings.status_interval:
            yield from self._end(probe)
            probe = self._begin(block.interface)
        yield from probe.observe(block)

    def due(self) -> Iterator[FlowBatch]:
        """Yield what is written and waits for its batch to fill."""
        for probe in self.probes.values():
            yield from probe.due()

    def flush(self) -> Iterator[FlowBatch]:
        """Report all open flows and end every run."""
        for probe in self.probes.values() if self.probes else [self._begin("")]:
            yield from self._end(probe)
        self.probes.clear()

    def counts(self) -> dict[str, int]:
        """Return what the flow tables counted since the beginning, by name."""
        counts = dict(self._ended)
        for probe in self.probes.values():
            _add(counts, probe.counts())
        return counts

    def _begin(self, interface: str) -> FlowProbe:
        settings = dataclasses.replace(
            self.settings,
            interface=interface or self.settings.interface,
            boot_id=self.settings.boot_id + self._runs,
        )
        self._runs += 1
        self.probes[interface] = probe = FlowProbe(settings)
        return probe

    def _end(self, probe: FlowProbe) -> Iterator[FlowBatch]:
        yield from probe.flush()
        _add(self._ended, probe.counts())


def _add(counts: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


def flow_batches(
    source: PacketSource, sensor: Sensor, progress: Callable[[], object] | None = None
) -> Iterator[FlowBatch]:
    """Yield the batches of everything a source gives, to the end; `progress` is called after each block."""
    for block in source:
        yield from sensor.take(block)
        if progress:
            progress()
    yield from sensor.flush()
