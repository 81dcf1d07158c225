"""The state of the probe as a record: at its start, every so often, at its end.

Time is the packets' own when files are read, so that the same files give the same records, and the wall clock's on
interfaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from probes.capture import link_types
from probes.capture.packets import PacketBlock
from topics.probe_status import START, STATUS, STOP, InterfaceStatus, ProbeStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np

    from probes.sensor import Lane, Sensor
    from probes.source import PacketSource

KNOWN_COUNTS = frozenset({"packets", "bytes", "flows", "records", "evicted"})
LINK_TYPE_NAMES = {
    number: name.lower() for name, number in vars(link_types).items() if name.isupper() and isinstance(number, int)
}


@dataclass(frozen=True, slots=True)
class Identity:
    """What does not change while a probe runs, but for the interval (ns) and the digest of the settings."""

    version: str
    configuration: str
    interval: int


def _nothing() -> Mapping[str, int]:
    return {}


class StatusReporter:
    """Says when a status is due and what it holds.

    `output` and `control`, where they are set, return what the way to the bus and the control plane counted.
    `clock` gives ns since the epoch; records take their time from it only when the source is live.
    Everything may be asked by another thread.
    """

    def __init__(
        self,
        sensor: Sensor,
        source: PacketSource,
        identity: Identity,
        clock: Callable[[], int],
    ) -> None:
        self.identity = identity
        self.output: Callable[[], Mapping[str, int]] = _nothing
        self.control: Callable[[], Mapping[str, int]] = _nothing
        self.started = clock()
        self._sensor, self._source, self._clock = sensor, source, clock
        self._due: int | None = None
        self._sequence = 0
        self._offset: int | None = None

    def watch(self, block: PacketBlock) -> Iterator[PacketBlock | ProbeStatus]:
        """Yield the block, cut where a status is due, and the status between the pieces."""
        if self._source.live:
            yield from self._watch_live(block)
            return
        if not len(block.packets) or (self._due is not None and block.totals.last < self._due):
            if block.feed and self._due is not None:
                block.feed.before(self._due)
            yield block
            return
        times = block.packets["time"]
        begin = 0
        while begin < len(times):
            end = self._next_cut(times, begin)
            if end > begin:
                if block.feed and self._due is not None and end - begin == len(times):
                    block.feed.before(self._due)
                yield block if end - begin == len(times) else _part(block, begin, end)
            if end < len(times):
                yield self._status(STATUS if self._due is not None else START, int(times[end]))
            begin = end

    def finish(self) -> Iterator[ProbeStatus]:
        """Yield the last status, after the first when no packet ever came."""
        now = self._clock() if self._source.live else self._sensor.totals.last
        if self._due is None:
            yield self._status(START, now)
        yield self._status(STOP, now)

    def snapshot(self) -> ProbeStatus:
        """Return the state of this moment outside the sequence of records."""
        return self._state(STATUS, self._clock())

    def _next_cut(self, times: np.ndarray[tuple[int], np.dtype[np.int64]], begin: int) -> int:
        """Return the index of the first packet that comes after a status."""
        if self._due is None:
            return begin
        late = times[begin:] >= self._due
        return begin + int(late.argmax()) if late.any() else len(times)

    def _watch_live(self, block: PacketBlock) -> Iterator[PacketBlock | ProbeStatus]:
        now = self._clock()
        if self._due is None or now >= self._due:
            yield self._status(STATUS if self._due is not None else START, now)
        if len(block.packets):
            self._offset = now - block.totals.last
        yield block

    def _status(self, cause: str, now: int) -> ProbeStatus:
        interval = self.identity.interval
        due = now if self._due is None else self._due
        self._due = due + (max(0, now - due) // interval + 1) * interval
        self._sequence += 1
        return self._state(cause, now)

    def _state(self, cause: str, time: int) -> ProbeStatus:
        sensor, settings, counts = self._sensor, self._sensor.settings, self._sensor.counts()
        lanes = dict(sensor.lanes).items()  # another thread may ask
        dropped = self._source.dropped_by_interface()
        return ProbeStatus(
            site=settings.site,
            probe=settings.probe,
            boot_id=settings.boot_id,
            runs=sensor.runs,
            sequence=self._sequence - 1,
            cause=cause,
            time=time,
            started=self.started,
            live=self._source.live,
            version=self.identity.version,
            configuration=self.identity.configuration,
            status_interval=settings.status_interval,
            probe_status_interval=self.identity.interval,
            packets=sensor.totals.packets,
            bytes=sensor.totals.bytes,
            flows=counts.get("flows", 0),
            records=counts.get("records", 0),
            record_packets=sum(lane.record_packets for _, lane in lanes),
            active_flows=sum(lane.probe.active_flows for _, lane in lanes),
            max_flows=settings.max_flows * max(1, len(lanes)),
            evicted=counts.get("evicted", 0),
            dropped=dict(self._source.counters()),
            odd={name: count for name, count in counts.items() if name not in KNOWN_COUNTS},
            output=dict(self.output()),
            control=dict(self.control()),
            clock_offset=self._offset,
            interfaces=[_interface(name, lane, dropped.get(name, 0)) for name, lane in lanes],
        )


def _interface(name: str, lane: Lane, dropped: int) -> InterfaceStatus:
    return InterfaceStatus(
        interface=name,
        probe=lane.probe.settings.probe,
        boot_id=lane.probe.settings.boot_id,
        link_types=[LINK_TYPE_NAMES.get(number, str(number)) for number in sorted(lane.link_types)],
        first=lane.totals.first,
        last=lane.totals.last,
        packets=lane.totals.packets,
        bytes=lane.totals.bytes,
        records=lane.counts().get("records", 0),
        record_packets=lane.record_packets,
        active_flows=lane.probe.active_flows,
        dropped=dropped,
    )


def _part(block: PacketBlock, begin: int, end: int) -> PacketBlock:
    return PacketBlock(block.data, block.packets[begin:end], block.interface)
