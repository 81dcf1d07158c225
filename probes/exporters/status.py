"""What is said of each exporter, and of who collects: the messages of the topic of probes, one record each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probes.exporters.collector import Collector, Told
from topics.probe_status import START, STATUS, STOP, InterfaceStatus, ProbeStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from probes.exporters.exporter import Exporter
    from probes.status import Identity


class ExporterReporter:
    """Says when statuses are due and what they hold.

    `dropped` and `output`, where they are set, tell what was lost before it was looked at, and what the ways to the bus
    counted. Times are those of the datagrams, of the clock when `live`.
    """

    def __init__(self, collector: Collector, probe: str, identity: Identity, started: int, *, live: bool) -> None:
        self.identity, self.live = identity, live
        self.output: Callable[[], Mapping[str, int]] = dict
        self.dropped: Callable[[], Mapping[str, int]] = dict
        self._collector, self._probe, self._started = collector, probe, started
        self._due: int | None = None
        self._sequences: dict[int, int] = {}
        self._own = 0

    def due(self, now: int) -> bool:
        """Return whether statuses are due."""
        return self._due is None or now >= self._due

    def statuses(self, now: int) -> Iterator[ProbeStatus]:
        """Yield a status of the collector and of each exporter, and the last one of those that were let go."""
        cause = STATUS if self._due is not None else START
        self._due = (self._due or now) + self.identity.interval
        if self._due <= now:
            self._due = now + self.identity.interval
        yield self._collectors(cause, now)
        yield from self._exporters(now, STATUS)

    def finish(self, now: int) -> Iterator[ProbeStatus]:
        """Yield the last status of everyone."""
        if self._due is None:
            yield self._collectors(START, now)
        yield self._collectors(STOP, now)
        yield from self._exporters(now, STOP)

    def snapshot(self) -> ProbeStatus:
        """Return the state of the collector outside the sequence of records; for any thread."""
        return self._collectors(STATUS, self._collector.clock, counted=False)

    def snapshots(self) -> list[ProbeStatus]:
        """Return the states of all exporters likewise."""
        return [
            self._exporter(each, STATUS, self._collector.clock, counted=False)
            for each in list(self._collector.exporters.values())
        ]

    def _exporters(self, now: int, cause: str) -> Iterator[ProbeStatus]:
        ended, self._collector.ended = self._collector.ended, []
        for exporter in ended:
            yield self._exporter(exporter, STOP, now)
            self._collector.told.pop(exporter.boot_id, None)
            self._sequences.pop(exporter.boot_id, None)
        for exporter in self._collector.exporters.values():
            yield self._exporter(exporter, cause, now)

    def _collectors(self, cause: str, now: int, *, counted: bool = True) -> ProbeStatus:
        collector = self._collector
        counts = dict(collector.counts) | collector.pairing_counts()
        counts |= {"exporters": len(collector.exporters), "waiting": collector.waiting}
        self._own += counted
        dropped, output = dict(self.dropped()), dict(self.output())
        return self._status(
            self._probe, collector.settings.boot_id, self._own - counted, cause, now, Told(), counts, dropped, output
        )

    def _exporter(self, exporter: Exporter, cause: str, now: int, *, counted: bool = True) -> ProbeStatus:
        told = self._collector.told.get(exporter.boot_id, Told())
        number = self._sequences.get(exporter.boot_id, 0)
        if counted:
            self._sequences[exporter.boot_id] = number + 1
        cause = START if number == 0 and cause == STATUS else cause
        status = self._status(exporter.name, exporter.boot_id, number, cause, now, told, counts_of(exporter), {}, {})
        if exporter.first:
            status.interfaces.append(_interface(exporter, told))
        return status

    def _status(
        self,
        name: str,
        boot_id: int,
        sequence: int,
        cause: str,
        now: int,
        told: Told,
        counts: dict[str, int],
        dropped: dict[str, int],
        output: dict[str, int],
    ) -> ProbeStatus:
        settings = self._collector.settings
        return ProbeStatus(
            site=settings.site,
            probe=name,
            boot_id=boot_id,
            runs=1,
            sequence=sequence,
            cause=cause,
            time=now,
            started=self._started,
            live=self.live,
            version=self.identity.version,
            configuration=self.identity.configuration,
            status_interval=settings.longest + settings.window,
            probe_status_interval=self.identity.interval,
            packets=told.packets,
            bytes=told.bytes,
            flows=told.records,
            records=told.records,
            record_packets=told.record_packets,
            active_flows=0,
            max_flows=settings.most_waiting,
            evicted=0,
            dropped=dropped,
            output=output,
            exporter={key: count for key, count in sorted(counts.items()) if count},
        )


def counts_of(exporter: Exporter) -> dict[str, int]:
    """Return what was counted of an exporter, by name."""
    counts = dict(exporter.counts)
    counts |= {
        "datagrams": exporter.datagrams,
        "bytes": exporter.bytes,
        "known_templates": len(exporter.templates),
        "templates_changed": exporter.templates.changed,
        "templates_forgotten": exporter.templates.forgotten,
        "held_sets": len(exporter.held),
    }
    for stream in list(exporter.streams.values()):
        sequence = stream.sequence
        found = {f"lost_{sequence.unit}": sequence.lost, "late": sequence.late, "restarts": sequence.restarts}
        for name, count in found.items():
            counts[name] = counts.get(name, 0) + count
    return counts


def _interface(exporter: Exporter, told: Told) -> InterfaceStatus:
    return InterfaceStatus(
        interface="",
        probe=exporter.name,
        boot_id=exporter.boot_id,
        link_types=[],
        first=exporter.first,
        last=exporter.last,
        packets=told.packets,
        bytes=told.bytes,
        records=told.records,
        record_packets=told.record_packets,
        active_flows=0,
    )
