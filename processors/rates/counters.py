"""From totals that interfaces count to what they carried between two looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from topics.events import EventRecord

SECOND = 1_000_000_000
LOOPBACK = 24  # softwareLoopback of IANAifType
COUNTS = ("octets", "packets", "errors", "discards")
MOST = 100_000  # interfaces


class InterfaceRate(NamedTuple):
    """What an interface counted from `first` to `last` (ns), in octets, packets, errors and discards.

    `device` is empty for the interfaces of the probe's own host. What a loopback interface sends it receives.
    """

    site: str
    probe: str
    device: str
    interface: str
    first: int
    last: int
    received: tuple[int, ...]
    sent: tuple[int, ...]
    speed: int
    is_loopback: bool

    @property
    def seconds(self) -> float:
        """Length of the interval."""
        return (self.last - self.first) / SECOND

    @property
    def octets(self) -> int:
        """What passed the interface in both directions."""
        return self.received[0] if self.is_loopback else self.received[0] + self.sent[0]


class _Totals(NamedTuple):
    time: int
    uptime: int
    received: tuple[int, ...]
    sent: tuple[int, ...]


class InterfaceCounters:
    """Makes rates of the events of kinds snmp and netstat, in the order they were recorded."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, ...], _Totals] = {}

    def learn(self, event: EventRecord) -> list[InterfaceRate]:
        """Return what the interfaces of an event carried since the event before; nothing after a restart."""
        if event.kind not in {"snmp", "netstat"} or event.body is None:
            return []
        rates = [self._rate(event, event.body, row) for row in event.body.get("interfaces", ())]
        return [rate for rate in rates if rate is not None]

    def _rate(self, event: EventRecord, body: dict[str, Any], row: dict[str, Any]) -> InterfaceRate | None:
        device, name = body.get("device", ""), row["name"]
        key = event.site, event.probe, event.source, device, str(row.get("index", "")), name
        received, sent = (tuple(row[f"{way}_{count}"] for count in COUNTS) for way in ("in", "out"))
        now = _Totals(event.started, body.get("uptime", 0), received, sent)
        before = self._before.get(key)
        if before is not None or len(self._before) < MOST:
            self._before[key] = now
        if before is None or now.time <= before.time or now.uptime < before.uptime:
            return None
        wraps = row.get("counter_bits", 64) == 32
        carried = [_differences(*pair, wraps=wraps) for pair in ((before.received, received), (before.sent, sent))]
        if carried[0] is None or carried[1] is None:
            return None
        is_loopback = name == "lo" if not device else row["type"] == LOOPBACK
        who = event.site, event.probe, device, name, before.time, now.time
        return InterfaceRate(*who, carried[0], carried[1], row.get("speed", 0), is_loopback)


def _differences(before: tuple[int, ...], now: tuple[int, ...], *, wraps: bool) -> tuple[int, ...] | None:
    """Return how counters grew; those of 32 bits begin again at 0, of others that means that they were reset."""
    grown = [new - old for old, new in zip(before, now, strict=True)]
    if not wraps and min(grown) < 0:
        return None
    return tuple(each % (1 << 32) if each < 0 else each for each in grown)
