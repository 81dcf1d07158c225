"""What is known of one exporter: who it is, its templates and options, and what was counted of it."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import NamedTuple, TypeVar

from probes.exporters.sequence import Sequence
from probes.exporters.templates import Templates
from topics.batch import Observer

MOST_TEMPLATES, MOST_DOMAINS = 4096, 64
MOST_INTERFACES, MOST_SAMPLERS = 4096, 1024
MOST_HELD_SETS, MOST_HELD_BYTES = 1024, 1 << 20
Key = TypeVar("Key")
Value = TypeVar("Value")


class Held(NamedTuple):
    """A set of records that came before its template."""

    stream: Stream
    number: int
    data: bytes
    time: int
    sampling: int
    boot: int
    arrived: int


class Stream:
    """One observation domain of an exporter; its `number` names it in rows."""

    __slots__ = ("domain", "exporter", "interface_rates", "number", "observer", "sampling", "sequence", "system_start")

    def __init__(self, exporter: Exporter, domain: int, number: int, observer: Observer) -> None:
        self.exporter, self.domain, self.number, self.observer = exporter, domain, number, observer
        self.sequence = Sequence()
        self.sampling = 0
        self.interface_rates: OrderedDict[int, int] = OrderedDict()
        self.system_start = 0

    def learn_interface_rate(self, interface: int, rate: int) -> None:
        """Keep that of the packets which an interface takes in one of `rate` is counted."""
        _keep(self.interface_rates, interface, rate, MOST_INTERFACES)


class Exporter:
    """One sender of flow records. All that it can make us keep is bounded; `counts` tells what became of the rest."""

    def __init__(self, site: str, name: str, boot_id: int, address: bytes = bytes(16)) -> None:
        self.site, self.name, self.boot_id, self.address = site, name, boot_id, address
        self.templates = Templates(MOST_TEMPLATES)
        self.streams: dict[int, Stream] = {}
        self.samplers: OrderedDict[tuple[int, int], int] = OrderedDict()
        self.interfaces: OrderedDict[tuple[int, int], str] = OrderedDict()
        self.held: deque[Held] = deque()
        self.held_bytes = 0
        self.counts: Counter[str] = Counter()
        self.first = self.last = self.datagrams = self.bytes = 0
        self.labels_version = 0
        self.newest = 0

    def stream(self, domain: int, number: int) -> Stream | None:
        """Return the stream of a domain, made with this number when it is new; None when there are too many."""
        found = self.streams.get(domain)
        if found is None and len(self.streams) < MOST_DOMAINS:
            observer = Observer(self.site, self.name, str(domain) if domain else "")
            found = self.streams[domain] = Stream(self, domain, number, observer)
        return found

    def learn_interface(self, domain: int, number: int, name: str) -> None:
        """Keep the name of an interface."""
        if self.interfaces.get((domain, number)) != name:
            self.labels_version += 1
        _keep(self.interfaces, (domain, number), name, MOST_INTERFACES)

    def learn_sampler(self, domain: int, number: int, rate: int) -> None:
        """Keep that a sampler takes one of `rate` packets."""
        _keep(self.samplers, (domain, number), rate, MOST_SAMPLERS)

    def hold(self, held: Held) -> None:
        """Keep a set until its template comes; the oldest ones are given up when there is no room."""
        if len(held.data) > MOST_HELD_BYTES:
            self.give_up(held)
            return
        self.held.append(held)
        self.held_bytes += len(held.data)
        while len(self.held) > MOST_HELD_SETS or self.held_bytes > MOST_HELD_BYTES:
            self._drop_oldest()

    def expire(self, before: int) -> None:
        """Give up what arrived before a time (ns) and still waits."""
        while self.held and self.held[0].arrived < before:
            self._drop_oldest()

    def released(self, domain: int, number: int) -> list[Held]:
        """Return, and keep no longer, what waited for a template."""
        if not self.held:
            return []
        found = [each for each in self.held if each.stream.domain == domain and each.number == number]
        if found:
            self.held = deque(each for each in self.held if each.stream.domain != domain or each.number != number)
            self.held_bytes = sum(len(each.data) for each in self.held)
        return found

    def give_up(self, held: Held) -> None:
        """Count a set that nobody can read."""
        self.counts["sets_without_template"] += 1
        self.counts["bytes_without_template"] += len(held.data)

    def _drop_oldest(self) -> None:
        oldest = self.held.popleft()
        self.held_bytes -= len(oldest.data)
        self.give_up(oldest)


def _keep(known: OrderedDict[Key, Value], key: Key, value: Value, most: int) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > most:
        known.popitem(last=False)
