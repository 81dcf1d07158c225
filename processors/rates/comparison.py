"""What interfaces counted beside what the probe saw there, and what that says of the mirror port."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from processors.rates.counters import InterfaceRate
    from processors.rates.seen import SeenBytes
    from topics.batch import Observer

FEW = 10_000  # bytes in an interval that say nothing
BLIND, PARTIAL, FINE, EXCESS, DOUBLED, IDLE = "blind", "partial", "fine", "excess", "doubled", "idle"
# Counters hold a few bytes a packet more or less than frames do (the check sequence).
LEAST, MOST = 0.8, 1.25
BLIND_BELOW, DOUBLED_FROM = 0.05, 1.75
# What is said may be so old, ns: agents look at their counters every few seconds only, hosts at those of their cards.
AGE_OF_DEVICE, AGE_OF_HOST = 5_000_000_000, 1_000_000_000


class Link(NamedTuple):
    """The probe sees interface `interface` of a device (empty: of its own host) on its interface `seen`."""

    device: str
    interface: str
    seen: str


class Compared(NamedTuple):
    """An interval: what the interfaces behind `seen` counted, what the probe saw (bytes), and what that means."""

    seen: Observer | None
    rates: tuple[InterfaceRate, ...]
    counted: int
    observed: float
    verdict: str

    @property
    def ratio(self) -> float | None:
        """Return bytes seen for each that was counted; None where nothing was."""
        return self.observed / self.counted if self.counted else None


def verdict(counted: float, least: float, most: float) -> str:
    """Return what it means that so many bytes were counted, and at least and at most so many seen in that time."""
    if max(counted, least) < FEW:
        return IDLE
    if most < LEAST * counted:
        return BLIND if most < BLIND_BELOW * counted else PARTIAL
    if least > MOST * counted:
        return DOUBLED if counted >= FEW and least >= DOUBLED_FROM * counted else EXCESS
    return FINE


def compared(rates: Iterable[InterfaceRate], seen: SeenBytes, links: Sequence[Link] = ()) -> list[Compared]:
    """Return the intervals of interfaces that the probe sees, and that lie within its time, in order.

    Those are the interfaces of its own host by their names, unless `links` say which there are. Interfaces that are
    mirrored to the same one are added up when they were asked together.
    """
    groups: dict[tuple[object, ...], list[InterfaceRate]] = {}
    observers: dict[tuple[object, ...], Observer | None] = {}
    for rate in rates:
        if rate.first < seen.first or (seen.last and rate.last > seen.last):
            continue
        for target, observer in _targets(rate, seen.observers, links):
            key = rate.device, rate.first, rate.last, target, observer
            groups.setdefault(key, []).append(rate)
            observers[key] = observer
    return [_compare(observers[key], tuple(group), seen) for key, group in groups.items()]


def _targets(
    rate: InterfaceRate, observers: list[Observer], links: Sequence[Link]
) -> list[tuple[str, Observer | None]]:
    """Return where an interface is seen; nowhere known, None, when it should be and the probe has no record of it."""
    if not links:
        names = [rate.interface] if not rate.device else []
        ours = [each for each in observers if (each.site, each.probe) == (rate.site, rate.probe)]
    else:
        names = [link.seen for link in links if (link.device, link.interface) == (rate.device, rate.interface)]
        ours = observers
    found = []
    for name in names:
        matching: list[Observer | None] = [each for each in ours if each.interface == name]
        found += [(name, observer) for observer in matching or ([None] if links else [])]
    return found


def _compare(observer: Observer | None, rates: tuple[InterfaceRate, ...], seen: SeenBytes) -> Compared:
    counted, first, last = sum(rate.octets for rate in rates), rates[0].first, rates[0].last
    if observer is None:
        return Compared(None, rates, counted, 0.0, verdict(counted, 0.0, 0.0))
    age = AGE_OF_DEVICE if rates[0].device else AGE_OF_HOST
    least = seen.between(observer, first, max(first, last - age))
    most = seen.between(observer, first - age, last)
    return Compared(observer, rates, counted, seen.between(observer, first, last), verdict(counted, least, most))
