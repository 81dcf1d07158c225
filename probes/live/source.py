"""Network interfaces as a source of packet blocks."""

from __future__ import annotations

import functools
from dataclasses import asdict
from typing import TYPE_CHECKING

from probes.live import interfaces
from probes.live.balance import BALANCE
from probes.live.ring import Ring, RingCounters
from probes.live.rotation import Place, Rotation
from probes.live.settings import LiveSettings, filter_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probes.capture.packet_range import PacketRange
    from probes.capture.packets import PacketBlock
    from topics.errors import InputError


class LiveSource:
    """Packets of interfaces as they come, in blocks that name their interface; see Rotation for when none come.

    `open` needs the capability CAP_NET_RAW, and CAP_NET_ADMIN for time stamps of the adapter; after it no rights are
    needed, unless an interface that went away is to be opened again. It raises InterfaceError (no such interface, down,
    no permission), FilterError or LibraryError.
    """

    live = True

    def __init__(self, settings: LiveSettings, packet_range: PacketRange | None = None) -> None:
        self.settings = settings
        self.errors: list[InputError] = []
        self._range = packet_range
        self._rotation = Rotation([], self.errors)
        self._missed: dict[str, int] = {}  # by adapters before capture began
        self._rings: dict[str, list[Ring]] = {}  # one after the other, where an interface went away and came back

    def open(self) -> None:
        """Make the rings and begin to capture."""
        names = interfaces.chosen(self.settings.interfaces)
        reopen = [functools.partial(self._open_ring, name, number) for number, name in enumerate(names)]
        try:
            places = [Place(name, again(), again) for name, again in zip(names, reopen, strict=True)]
        except BaseException:
            self.close()
            raise
        self._rotation.close()
        self._rotation = Rotation(places, self.errors, patient=self.settings.patient)

    def _open_ring(self, name: str, number: int) -> Ring:
        settings = self.settings
        link = interfaces.link(name)
        program = filter_program(link, settings)
        ring = Ring(
            link,
            settings.ring_bytes,
            settings.snaplen,
            promiscuous=settings.promiscuous,
            hardware=settings.hardware_times,
        )
        self._rings.setdefault(name, []).append(ring)
        if settings.group is not None:  # a group is about one interface
            ring.share((settings.group + number) & 0xFFFF, BALANCE)
        self._missed.setdefault(name, interfaces.missed(name))
        ring.begin(program)
        return ring

    def __iter__(self) -> Iterator[PacketBlock]:
        blocks = iter(self._rotation)
        return self._range.of(blocks) if self._range else blocks

    def stop(self) -> None:
        """End the run soon: what was received until now is still given. A signal handler may call it."""
        self._rotation.stop()

    def counters_by_interface(self) -> dict[str, RingCounters]:
        """Return totals since capture began, which only grow, by interface; from any thread."""
        return {name: _sum([ring.count() for ring in rings]) for name, rings in list(self._rings.items())}

    def counters(self) -> dict[str, int]:
        """Return what the operating system or the adapter had no room for and what was left out, by cause."""
        total = _sum(list(self.counters_by_interface().values()))
        adapters = sum(max(0, interfaces.missed(name) - before) for name, before in list(self._missed.items()))
        counters = {"kernel_dropped": total.dropped, "adapter_dropped": adapters}
        if self._range:
            counters["out_of_range"] = self._range.left_out
        return counters

    def dropped_by_interface(self) -> dict[str, int]:
        """Return what the operating system had no room for, by interface; from any thread."""
        return {name: counters.dropped for name, counters in self.counters_by_interface().items()}

    def close(self) -> None:
        """Give everything back, at whatever point."""
        self._rotation.close()
        for rings in self._rings.values():
            for ring in rings:
                ring.close()


def _sum(parts: list[RingCounters]) -> RingCounters:
    names = asdict(RingCounters())
    return RingCounters(**{name: sum(getattr(part, name) for part in parts) for name in names})
