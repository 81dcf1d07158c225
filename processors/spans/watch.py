"""Findings about mirror ports, raised and cleared as event time goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from processors.spans.diagnosis import diagnosis
from processors.spans.plain import plain_packets
from processors.spans.sums import LOOKED_AT, Kind, Place, Sums, copies_by_kind, packets_by_place
from topics.batch import END_OF_RUN
from topics.columns import split
from topics.spans import CLEARED, RAISED, SpanFinding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from topics.batch import FlowBatch, Observer, Records
    from topics.columns import Column

What = tuple[Place, Kind]
Key = tuple[str, str, int]

MANY = 256  # records that are worth the kernel for plain ones
PERIOD = 10_000_000_000  # ns of event time that are looked at together
LEAST_COPIES = 10  # that a conclusion takes; fewer wait for the next periods
RAISED_SHARE, RAISED_TIMES = 0.05, 2
CLEARED_SHARE, CLEARED_TIMES = 0.01, 3


@dataclass(slots=True)
class _Amount:
    """Packets of a place, and copies of one kind there."""

    packets: int = 0
    sums: Sums = field(default_factory=Sums)

    def add(self, packets: int, sums: Sums) -> None:
        self.packets += packets
        self.sums.add(sums)

    @property
    def is_fault(self) -> bool:
        return self.sums.copies >= max(LEAST_COPIES, RAISED_SHARE * self.packets)

    @property
    def is_enough(self) -> bool:
        """Whether there were packets enough to tell a fault from none."""
        return self.packets * RAISED_SHARE >= LEAST_COPIES


@dataclass(slots=True)
class _Period:
    packets: dict[Place, int] = field(default_factory=dict)
    copies: dict[What, Sums] = field(default_factory=dict)


@dataclass(slots=True)
class _Subject:
    """One kind of copies in one place since some time (ns): all of them, and those since the last conclusion."""

    since: int
    raised: bool = False
    streak: int = 0
    total: _Amount = field(default_factory=_Amount)
    recent: _Amount = field(default_factory=_Amount)


@dataclass(slots=True)
class _Source:
    """What is known of one run of a probe."""

    newest: int = 0
    closed: int = -1
    periods: dict[int, _Period] = field(default_factory=dict)
    subjects: dict[What, _Subject] = field(default_factory=dict)
    observers: dict[int, Observer] = field(default_factory=dict)


class SpanWatch:
    """Looks at status records on their way and finds ports that show packets more than once.

    A finding is raised when a kind of copies made at least RAISED_SHARE of the packets of its VLAN RAISED_TIMES one
    after the other, or once in a run that ends before, and cleared when it made less than CLEARED_SHARE CLEARED_TIMES.
    Each time is a period of event time, or more of them where packets are few. The same records give the same
    findings, however they are cut into batches.
    """

    def __init__(self) -> None:
        self._sources: dict[Key, _Source] = {}
        self.findings: list[SpanFinding] = []
        self.standing: list[SpanFinding] = []

    def process(self, batch: FlowBatch) -> Sequence[FlowBatch]:
        """Look at a batch and pass it on; what is raised or cleared is added to `findings`.

        What was not clear when its run ended is in `standing`, with all that was seen.
        """
        key = (batch.site, batch.probe, batch.boot_id)
        if not len(batch) and batch.watermark == END_OF_RUN:
            self._end(key)
            return [batch]
        source = self._sources.setdefault(key, _Source())
        if len(batch):
            source.observers.update(batch.observers)
            if not self._add_plain(source, batch.records):
                self._add(source, batch.records)
        watermark = source.newest - batch.status_interval if len(batch) else batch.watermark
        for number in sorted(number for number in source.periods if (number + 1) * PERIOD <= watermark):
            self._close(key, source, number)
        return [batch]

    def flush(self) -> Sequence[FlowBatch]:
        """End all that is under way."""
        for key in list(self._sources):
            self._end(key)
        return []

    def _add_plain(self, source: _Source, records: Records) -> bool:
        """Add records of one observer and VLAN without copies, which take one look; False where they are others."""
        plain = plain_packets(records, PERIOD, source.closed + 1) if len(records) >= MANY else None
        if plain is None:
            return False
        source.newest = max(source.newest, plain.newest)
        for number, count in plain.packets.items():
            packets = source.periods.setdefault(number, _Period()).packets
            if count:
                packets[plain.place] = packets.get(plain.place, 0) + count
        return True

    def _add(self, source: _Source, records: Records) -> None:
        columns = split(records, LOOKED_AT)  # in one go: a column at a time meets each record in memory again
        last = np.maximum(columns["src_last"], columns["dst_last"])
        source.newest = max(source.newest, int(last.max()))
        self._sum(source, records, columns, np.maximum(last // PERIOD, source.closed + 1))

    def _sum(self, source: _Source, records: Records, columns: Mapping[str, Column], number: Column) -> None:
        for each in np.unique(number).tolist():
            rows = np.flatnonzero(number == each)  # NumPy would copy whole records field by field
            period = source.periods.setdefault(each, _Period())
            for place, packets in packets_by_place(columns, rows):
                period.packets[place] = period.packets.get(place, 0) + packets
            for place, kind, sums in copies_by_kind(records, columns, rows):
                period.copies.setdefault((place, kind), Sums()).add(sums)

    def _close(self, key: Key, source: _Source, number: int) -> None:
        """Draw the conclusions from a period to which nothing is added any more."""
        period = source.periods.pop(number)
        source.closed = number
        for what in sorted(period.copies.keys() | source.subjects.keys()):
            subject = source.subjects.setdefault(what, _Subject(number * PERIOD))
            for amount in (subject.total, subject.recent):
                amount.add(period.packets.get(what[0], 0), period.copies.get(what, Sums()))
            self._conclude(key, source, what, (number + 1) * PERIOD)

    def _conclude(self, key: Key, source: _Source, what: What, time: int) -> None:
        subject = source.subjects[what]
        recent = subject.recent
        if not (recent.is_fault or recent.is_enough):
            return
        subject.recent = _Amount()
        if subject.raised:
            is_clear = recent.sums.copies < CLEARED_SHARE * recent.packets
            subject.streak = subject.streak + 1 if is_clear else 0
            if subject.streak == CLEARED_TIMES:
                self.findings.append(_finding(key, source, what, CLEARED, time))
                del source.subjects[what]
        elif not recent.is_fault:
            del source.subjects[what]
        else:
            subject.streak += 1
            if subject.streak == RAISED_TIMES:
                self._raise(key, source, what, time)

    def _raise(self, key: Key, source: _Source, what: What, time: int) -> None:
        subject = source.subjects[what]
        subject.raised, subject.streak = True, 0
        self.findings.append(_finding(key, source, what, RAISED, time))

    def _end(self, key: Key) -> None:
        source = self._sources.pop(key, None)
        if source is None:
            return
        for number in sorted(source.periods):
            self._close(key, source, number)
        for what, subject in sorted(source.subjects.items(), key=lambda item: item[0]):
            if not subject.raised and subject.total.is_fault:
                self._raise(key, source, what, source.newest)
            if subject.raised:
                self.standing.append(_finding(key, source, what, RAISED, source.newest))


def _finding(key: Key, source: _Source, what: What, state: str, time: int) -> SpanFinding:
    (place, kind), subject = what, source.subjects[what]
    packets, sums = subject.total.packets, subject.total.sums
    observer = source.observers.get(place.observer)
    return SpanFinding(
        site=key[0],
        probe=key[1],
        interface=observer.interface if observer else "",
        boot_id=key[2],
        state=state,
        since=subject.since,
        time=time,
        vlan=place.vlan,
        copy_vlan=kind.vlan,
        ttl_steps=kind.ttl_steps,
        differences=kind.differences,
        one_way=sums.one_way,
        packets=packets,
        copies=sums.copies,
        bytes=sums.bytes,
        lag_mean=sums.mean_lag,
        lag_max=sums.lag_max,
        lags=sums.lags.tolist(),
        diagnosis=diagnosis(place.vlan, kind, packets, sums),
    )
