"""Network interfaces as a source of packet blocks."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from probes.live import interfaces
from probes.live.balance import BALANCE
from probes.live.lane import Lane, Place
from probes.live.ring import Ring, RingCounters
from probes.live.settings import LiveSettings, filter_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probes.capture.packets import PacketBlock
    from topics.errors import InputError

MAX_LANES = 64


class LiveSource:
    """Packets of interfaces as they come, in blocks that name their interface.

    `open` needs the capability CAP_NET_RAW, and CAP_NET_ADMIN for time stamps of the adapter; after it no rights are
    needed. It raises InterfaceError (no such interface, down, no permission), FilterError or LibraryError.
    Iterating is the run; with several lanes, `lanes` are to be iterated instead, each in a thread of its own.
    """

    live = True

    def __init__(self, settings: LiveSettings) -> None:
        self.settings = settings
        self._places: list[list[Place]] = []  # by interface and lane
        self._groups: dict[str, int | None] = {}
        self._rings: dict[str, list[Ring]] = {}
        self._lanes: list[Lane] = []

    def open(self) -> None:
        """Make the rings and begin to capture."""
        try:
            for number, name in enumerate(interfaces.chosen(list(self.settings.interfaces))):
                group = self.settings.group
                self._groups[name] = None if group is None else group + number
                self._open_interface(name)
        except BaseException:
            self.close()
            raise
        by_lane = zip(*self._places, strict=True)
        self._lanes = [Lane(places, patient=self.settings.patient) for places in by_lane]

    def _open_interface(self, name: str) -> None:
        reopen = functools.partial(self._open_ring, name)
        self._places.append([Place(name, None, reopen) for _ in range(self.settings.lanes)])
        for place in self._places[-1]:
            place.ring = reopen(begin=False)
        for place in self._places[-1]:
            if place.ring:
                place.ring.begin(filter_program(place.ring.link, self.settings))

    def _open_ring(self, name: str, *, begin: bool = True) -> Ring:
        settings = self.settings
        link = interfaces.link(name)
        program = filter_program(link, settings) if begin else None
        size, promiscuous, hardware = settings.ring_bytes, settings.promiscuous, settings.hardware_times
        ring = Ring(link, size, settings.snaplen, promiscuous=promiscuous, hardware=hardware)
        self._rings.setdefault(name, []).append(ring)
        if settings.lanes > 1 or settings.group is not None:
            self._groups[name] = ring.share(self._groups[name], BALANCE)
        if begin:
            ring.begin(program)
        return ring

    def __iter__(self) -> Iterator[PacketBlock]:
        if len(self._lanes) > 1:
            places = [place for each in self._places for place in each]
            self._lanes = [Lane(places, patient=self.settings.patient)]
        return iter(self._lanes[0])

    def lanes(self) -> list[Lane]:
        """Return the lanes: sources that share the packets, all of one flow in the same lane."""
        return self._lanes

    @property
    def errors(self) -> list[InputError]:
        """What went wrong with an interface while it was captured."""
        return [error for lane in self._lanes for error in lane.errors]

    def stop(self) -> None:
        """End the run soon: what was received until now is still given. A signal handler may call it."""
        for lane in self._lanes:
            lane.stop()

    def counters_by_interface(self) -> dict[str, RingCounters]:
        """Return totals since capture began, which only grow, by interface; from any thread."""
        return {name: _sum([ring.count() for ring in rings]) for name, rings in self._rings.items()}

    def counters(self) -> dict[str, int]:
        """Return what the operating system received and what it had no room for, over all interfaces."""
        total = _sum(list(self.counters_by_interface().values()))
        return {
            "kernel_packets": total.received,
            "kernel_dropped": total.dropped,
            "ring_frozen": total.frozen,
            "interface_down": sum(lane.downs for lane in self._lanes),
        }

    def close(self) -> None:
        """Give everything back, at whatever point."""
        for lane in self._lanes:
            lane.close()
        for rings in self._rings.values():
            for ring in rings:
                ring.close()


def _sum(parts: list[RingCounters]) -> RingCounters:
    return RingCounters(
        packets=sum(part.packets for part in parts),
        bytes=sum(part.bytes for part in parts),
        received=sum(part.received for part in parts),
        dropped=sum(part.dropped for part in parts),
        frozen=sum(part.frozen for part in parts),
    )
