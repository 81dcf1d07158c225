"""What events beside captures tell `argosy run` of its flows."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from clients.events.rates import links_of, said
from clients.reading.event_files import events_of
from processors.attribution import Attributor
from processors.rates import InterfaceCounters, SeenBytes, compared
from sinks.formats.events import SUFFIX
from topics.events import encode_event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from processors.rates import Compared, InterfaceRate
    from topics.batch import FlowBatch
    from topics.events import EventRecord

AT_ONCE = 200
WAYS = {"exact": "by the connection itself", "listening": "by the port it came to", "unknown": "seen by nobody"}


class Told:
    """The events that are named, those beside captures (`FILE.events`) and those below the data directory.

    `attributor` has learnt them all. `links` say which interfaces of devices are mirrored. Raises InputError.
    """

    def __init__(self, named: Sequence[str], captures: Sequence[str], data: Path, links: Sequence[str] = ()) -> None:
        beside = [f"{name}{SUFFIX}" for name in captures if Path(f"{name}{SUFFIX}").is_file()]
        below = sorted(str(path) for path in data.rglob(f"*{SUFFIX}") if not path.name.startswith("."))
        self.files = list(dict.fromkeys([*named, *beside, *below]))
        self.attributor = Attributor()
        self.events = 0
        self._links, self._seen = links_of(links), SeenBytes()
        self._rates: list[InterfaceRate] = []
        counters = InterfaceCounters()
        for event in self._read():
            self.attributor.learn(event)
            self._rates += counters.learn(event)
            self.events += 1

    def process(self, batch: FlowBatch) -> list[FlowBatch]:
        """Take note of the bytes of status records where interfaces counted too."""
        if self._rates:
            self._seen.add(batch)
        return [batch]

    def flush(self) -> list[FlowBatch]:
        """Return nothing: nothing is held back."""
        return []

    def keep(self, database: Path) -> None:
        """Put the events into typed tables beside the flows; raises DatabaseError."""
        if not self.events:
            return
        from sinks.events import EventDatabase

        tables = EventDatabase(str(database))
        try:
            events = self._read()
            while some := list(islice(events, AT_ONCE)):
                tables.write([(event, encode_event(event)) for event in some])
        finally:
            tables.close()

    def lines(self) -> Iterator[str]:
        """Yield what is to be said of whose flows they were."""
        counts = self.attributor.counts
        if counts:
            ways = ", ".join(f"{counts[sure]:,} {way}" for sure, way in WAYS.items() if counts[sure])
            yield f"{counts.total():,} ends of flows are on hosts that told of their sockets: {ways}"
        if self.attributor.alerted:
            yield f"{self.attributor.alerted:,} flows have alerts of a detection system"
        yield from (each.text for each in said(self._compared()) if each.is_fine)

    def warnings(self) -> list[str]:
        """Return what is to be said of interfaces whose traffic the probe does not see as it is."""
        return [each.text for each in said(self._compared()) if not each.is_fine]

    def _compared(self) -> list[Compared]:
        return compared(self._rates, self._seen, self._links)

    def _read(self) -> Iterator[EventRecord]:
        return events_of(self.files)
