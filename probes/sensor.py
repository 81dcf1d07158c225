"""Packets of all interfaces through their flow tables: a run each, a new one where time steps back."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from probes.flows.marks import Marks
from probes.flows.probe import FlowProbe, ProbeSettings
from topics.batch import packets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from probes.capture.packets import BlockTotals, PacketBlock
    from probes.control.protocols import Protocols
    from probes.source import PacketSource
    from topics.batch import FlowBatch


@dataclass(slots=True)
class PacketTotals:
    """What was read so far: packets, bytes on the wire, and the time of the first and last packet (ns)."""

    packets: int = 0
    bytes: int = 0
    first: int = 0
    last: int = 0

    def add(self, packets: int, totals: BlockTotals) -> None:
        """Count some packets, of which there is at least one."""
        self.first = min(self.first, totals.first) if self.packets else totals.first
        self.last = max(self.last, totals.last)
        self.packets += packets
        self.bytes += totals.bytes


class Lane:
    """One interface: the flow table of its current run, and what it counted in all its runs."""

    def __init__(self, settings: ProbeSettings, marks: Marks | None = None) -> None:
        self.probe = FlowProbe(settings, marks)
        self.totals = PacketTotals()
        self.link_types: set[int] = set()
        self.record_packets = 0
        self._before: dict[str, int] = {}

    def take(self, block: PacketBlock) -> Iterator[FlowBatch]:
        """Count a block that is not empty; yield the records that became due."""
        self.totals.add(len(block.packets), block.totals)
        self.link_types.update(block.link_types())
        yield from self.reported(self.probe.observe(block))
        if block.feed and (fed := block.feed.taken())[0]:
            self.totals.add(*fed)

    def reported(self, batches: Iterator[FlowBatch]) -> Iterator[FlowBatch]:
        """Count what is reported on its way."""
        for batch in batches:
            self.record_packets += packets_of(batch.records)
            yield batch

    def begin(self, boot_id: int) -> None:
        """Begin another run, the one before having been flushed."""
        self._before = self.counts()
        self.probe = FlowProbe(dataclasses.replace(self.probe.settings, boot_id=boot_id), self.probe.marks)

    def counts(self) -> dict[str, int]:
        """Return what the flow tables of all runs counted, by name."""
        return {name: count + self._before.get(name, 0) for name, count in self.probe.counts().items()}


class Sensor:
    """Turns blocks of packets into batches of status records, with a flow table of its own for each interface.

    Files that continue each other are one run; where time steps back by more than the status interval, a run ends and
    the next begins. Each run has a boot id of its own and ends with an empty batch whose watermark is END_OF_RUN.
    `names` are those that the records of some interfaces carry instead of the probe's. Packets of `protocols` are
    marked on the way.
    """

    def __init__(
        self, settings: ProbeSettings, names: Mapping[str, str] | None = None, protocols: Protocols | None = None
    ) -> None:
        self.settings = settings
        self.totals = PacketTotals()
        self.lanes: dict[str, Lane] = {}
        self.runs = 0
        self._names, self._protocols = names or {}, protocols

    def marks(self, block: PacketBlock) -> Marks:
        """Return which packets of the block taken last are marked, and their flows."""
        return self.lanes[block.interface].probe.marks if len(block.packets) else Marks()

    def follow(self, protocols: Protocols) -> None:
        """Mark the packets of other protocols from now on."""
        self._protocols = protocols
        for lane in self.lanes.values():
            lane.probe.marks = protocols.marks

    def take(self, block: PacketBlock) -> Iterator[FlowBatch]:
        """Count a block; yield the records that became due, by the clock of the block when it holds no packets."""
        if not len(block.packets):
            if block.now and block.interface in self.lanes:
                lane = self.lanes[block.interface]
                yield from lane.reported(lane.probe.advance(block.now))
            return
        self.totals.add(len(block.packets), block.totals)
        lane = self._lane(block.interface)
        if int(block.packets["time"][0]) < lane.probe.clock - self.settings.status_interval:
            yield from lane.reported(lane.probe.flush())
            lane.begin(self._next_boot_id())
        yield from lane.take(block)
        if block.feed and (fed := block.feed.taken())[0]:
            self.totals.add(*fed)

    def due(self) -> Iterator[FlowBatch]:
        """Yield what is written and waits for its batch to fill."""
        for lane in self.lanes.values():
            yield from lane.reported(lane.probe.due())

    def flush(self) -> Iterator[FlowBatch]:
        """Report all open flows and end every run; nothing may be taken afterwards."""
        for lane in list(self.lanes.values()) or [self._lane(self.settings.interface)]:
            yield from lane.reported(lane.probe.flush())

    def counts(self) -> dict[str, int]:
        """Return what the flow tables counted since the beginning, by name."""
        counts: dict[str, int] = {}
        for lane in list(self.lanes.values()):  # another thread may ask
            for name, count in lane.counts().items():
                counts[name] = counts.get(name, 0) + count
        return counts

    def _lane(self, interface: str) -> Lane:
        if interface not in self.lanes:
            settings = dataclasses.replace(
                self.settings,
                interface=interface,
                probe=self._names.get(interface, self.settings.probe),
                boot_id=self._next_boot_id(),
            )
            self.lanes[interface] = Lane(settings, self._protocols.marks if self._protocols else None)
        return self.lanes[interface]

    def _next_boot_id(self) -> int:
        self.runs += 1
        return self.settings.boot_id + self.runs - 1


def flow_batches(
    source: PacketSource, sensor: Sensor, progress: Callable[[], object] | None = None
) -> Iterator[FlowBatch]:
    """Yield the batches of everything a source gives, to the end; `progress` is called after each block."""
    for block in source:
        yield from sensor.take(block)
        if progress:
            progress()
    yield from sensor.flush()
