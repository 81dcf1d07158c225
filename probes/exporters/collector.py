"""Everything between a datagram and a batch of flow records: whose it is, what it says, what belongs together."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from probes.exporters import layout as at
from probes.exporters.exporter import Exporter, Stream
from probes.exporters.labels import Labels
from probes.exporters.messages import Messages
from probes.exporters.pairing import FOREVER, NONE, Pairing
from probes.exporters.records import records_of
from probes.exporters.sampling import apply_sampling
from probes.exporters.sflow import SampleWork, read_header
from probes.exporters.work import Work
from topics.address_text import ip_text
from topics.batch import END_OF_RUN, FlowBatch, packets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from probes.exporters.templates import Template

Int64 = np.ndarray[Any, np.dtype[np.int64]]

SECOND = 1_000_000_000
MOST_EXPORTERS = 4096
IDLE = 600 * SECOND  # after which an exporter may make room for another
HEARTBEAT = 10 * SECOND
TUNNELS = 0  # sampled headers are too short for what is inside


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """Who collects, and how; times in ns.

    `window` is how long a record waits for that of the other direction, and how long samples of sFlow are gathered;
    `longest` the longest time that a record of an exporter covers; `hold` how long data waits for its template.
    `allowed` tells by its address (16 bytes) whether an exporter is listened to.
    """

    site: str = ""
    boot_id: int = 0
    window: int = 10 * SECOND
    longest: int = 300 * SECOND
    hold: int = 300 * SECOND
    most_waiting: int = 1 << 18
    most_exporters: int = MOST_EXPORTERS
    tunnels: int = TUNNELS
    allowed: Callable[[bytes], bool] = lambda _: True


@dataclass(slots=True)
class Told:
    """What one exporter told so far, and what became records."""

    packets: int = 0
    bytes: int = 0
    rows: int = 0
    records: int = 0
    record_packets: int = 0


class Collector:
    """Takes datagrams in the order of arrival; yields batches, each of one exporter.

    `work.view` may be written to behind `work.used` before `received` is called with the place; `take` does both.
    `learned`, where it is set, is told of templates that are new: exporter, domain, id, template.
    """

    def __init__(self, settings: CollectorSettings) -> None:
        self.settings = settings
        self.work = Work()
        self.exporters: OrderedDict[tuple[str, bytes, int], Exporter] = OrderedDict()
        self.ended: list[Exporter] = []
        self.told: dict[int, Told] = {}
        self.counts: Counter[str] = Counter()
        self.clock = 0
        self.learned: Callable[[Exporter, int, int, Template], None] = lambda *_: None
        self._samples = SampleWork(settings.tunnels)
        self._messages = Messages(self.work, self.stream, self._new_template)
        self._streams: list[Stream] = []
        self._free: list[int] = []
        self._pairing = Pairing(settings.window, settings.most_waiting)
        self._labels = Labels()
        self._begun = 0
        self._next_heartbeat = 0

    @property
    def waiting(self) -> int:
        """How many records wait for that of the other direction."""
        return self._pairing.waiting

    def take(self, kind: str, sender: bytes, data: bytes | memoryview, arrived: int) -> None:
        """Take a datagram (`kind` is netflow or sflow) of a sender (16 bytes); `work.full` must not hold."""
        begin, end = self.work.append(data)
        self.received(kind, sender, begin, end, arrived)

    def received(self, kind: str, sender: bytes, begin: int, end: int, arrived: int) -> None:
        """Take a datagram that lies in the arena already."""
        self.work.used = max(self.work.used, end)
        self.clock = max(self.clock, arrived)
        if kind == "sflow":
            self._take_samples(begin, end, arrived)
            return
        exporter = self._exporter(kind, sender, 0, end - begin, arrived)
        if exporter is not None:
            if exporter.held:
                exporter.expire(arrived - self.settings.hold)
            self._messages.take(exporter, begin, end, arrived)

    def decoded(self, now: int = 0) -> Iterator[FlowBatch]:
        """Yield the records of all that was taken; with `now` (ns), also those whose time to wait is over by then."""
        for rows in self.work.decoded():
            if self.work.sampled:
                apply_sampling(rows, self._streams)
            yield from self._batches(rows)
        for rows in self._samples.decoded(self.work.arena):
            yield from self._batches(rows)
        if now:
            yield from self._reported(self._pairing.take(NONE, now))

    def heartbeats(self, now: int) -> Iterator[FlowBatch]:
        """Yield, from time to time, an empty batch for each exporter that tells how far its time has come."""
        if now < self._next_heartbeat:
            return
        self._next_heartbeat = now + HEARTBEAT
        for exporter in self.exporters.values():
            if exporter.newest:
                yield self._empty(exporter, max(0, exporter.newest - self.settings.longest))
        for exporter in self.exporters.values():
            exporter.expire(now - self.settings.hold)

    def finish(self) -> Iterator[FlowBatch]:
        """Yield everything that waits, then the end of each run."""
        yield from self.decoded()
        yield from self._reported(self._pairing.flush())
        for exporter in self.exporters.values():
            exporter.expire(FOREVER)
            yield self._empty(exporter, END_OF_RUN)

    def pairing_counts(self) -> dict[str, int]:
        """Return how many records found that of the other direction, and how many did not."""
        return self._pairing.counts()

    def known(self, kind: str, address: bytes) -> Exporter | None:
        """Return an exporter by its address, made when it is new, without a datagram of it; None when refused."""
        return self._exporter(kind, address, 0, 0, 0)

    def release(self, exporter: Exporter, domain: int, number: int, template: Template) -> None:
        """Take what waited for a template that was learned elsewhere."""
        self._messages.release(exporter, domain, number, template)

    def _new_template(self, exporter: Exporter, domain: int, number: int, template: Template) -> None:
        self.learned(exporter, domain, number, template)

    def _take_samples(self, begin: int, end: int, arrived: int) -> None:
        header = read_header(self.work.view, begin, end)
        if header is None:
            self.counts["not_understood"] += 1
            return
        exporter = self._exporter("sflow", header.agent, header.sub_agent, end - begin, arrived)
        stream = None if exporter is None else self.stream(exporter, header.sub_agent)
        if stream is not None:
            stream.sequence.unit = "datagrams"
            stream.sequence.take(header.sequence, 1)
            self._samples.add(stream, header.begin, end, arrived)

    def _exporter(self, kind: str, address: bytes, part: int, size: int, arrived: int) -> Exporter | None:
        key = kind, address, part
        found = self.exporters.get(key)
        if found is None:
            found = self._admitted(key, arrived)
            if found is None:
                self.counts["refused_datagrams"] += 1
                return None
        elif arrived:
            self.exporters.move_to_end(key)
        if arrived:
            found.first = found.first or arrived
            found.last = arrived
            found.datagrams += 1
            found.bytes += size
        return found

    def _admitted(self, key: tuple[str, bytes, int], arrived: int) -> Exporter | None:
        _, address, _ = key
        if not self.settings.allowed(address):
            return None
        if len(self.exporters) >= self.settings.most_exporters:
            oldest = next(iter(self.exporters))
            if arrived - self.exporters[oldest].last < IDLE:
                return None
            self._end(self.exporters.pop(oldest))
        self._begun += 1
        found = Exporter(self.settings.site, ip_text(address), self.settings.boot_id + self._begun, address)
        self.exporters[key] = found
        return found

    def _end(self, exporter: Exporter) -> None:
        """Let an exporter go: what was decoded of it has left the pairing by now."""
        self.ended.append(exporter)
        self._free += [stream.number for stream in exporter.streams.values()]

    def stream(self, exporter: Exporter, domain: int) -> Stream | None:
        """Return the stream of a domain, made when it is new; None for one too many."""
        found = exporter.streams.get(domain)
        if found is not None:
            return found
        number = self._free[-1] if self._free else len(self._streams)
        found = exporter.stream(domain, number)
        if found is None:
            exporter.counts["refused_domains"] += 1
        elif self._free:
            self._streams[self._free.pop()] = found
        else:
            self._streams.append(found)
        return found

    def _batches(self, rows: Int64) -> Iterator[FlowBatch]:
        for stream, part in self._parts(rows):
            told = self._told(stream.exporter)
            told.rows += len(part)
            told.packets += int(part[:, at.FORWARD + at.PACKETS].sum() + part[:, at.REVERSE + at.PACKETS].sum())
            told.bytes += int(part[:, at.FORWARD + at.BYTES].sum() + part[:, at.REVERSE + at.BYTES].sum())
        yield from self._reported(self._pairing.take(rows))

    def _told(self, exporter: Exporter) -> Told:
        return self.told.setdefault(exporter.boot_id, Told())

    def _parts(self, rows: Int64) -> Iterator[tuple[Stream, Int64]]:
        """Yield runs of rows of the same stream."""
        numbers = rows[:, at.EXPORTER]
        edges = [0, *(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1).tolist(), len(rows)]
        for begin, end in pairwise(edges):
            yield self._streams[numbers[begin]], rows[begin:end]

    def _reported(self, paired: Iterator[Int64]) -> Iterator[FlowBatch]:
        for unsorted in paired:
            numbers = unsorted[:, at.EXPORTER]
            rows = unsorted if (numbers[1:] >= numbers[:-1]).all() else unsorted[np.argsort(numbers, kind="stable")]
            records, heap = records_of(rows, self._streams, self._labels)
            place = 0
            for stream, part in self._parts(rows):
                exporter = stream.exporter
                chosen = records[place : place + len(part)]
                place += len(part)
                told = self._told(exporter)
                told.records += len(part)
                told.record_packets += packets_of(chosen)
                exporter.newest = max(exporter.newest, int(chosen["src_last"].max()), int(chosen["dst_last"].max()))
                empty = self._empty(exporter, 0)
                yield empty.replace(records=chosen, heap=heap, observers={stream.observer.id: stream.observer})

    def _empty(self, exporter: Exporter, watermark: int) -> FlowBatch:
        return FlowBatch(
            site=exporter.site,
            probe=exporter.name,
            boot_id=exporter.boot_id,
            status_interval=self.settings.longest + self.settings.window,
            watermark=watermark,
            observers={stream.observer.id: stream.observer for stream in exporter.streams.values()},
        )
