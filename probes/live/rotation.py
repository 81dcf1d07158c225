"""The loop that reads some rings in turn and says how late it is where nothing comes."""

from __future__ import annotations

import os
import select
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from probes.capture.packets import PACKET_DTYPE, PacketBlock
from probes.live import interfaces
from probes.live.ring import RETIRE_MS, Ring
from topics.errors import InputError, InterfaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

MILLISECOND = 1_000_000
TICK_MS = 200  # how often a quiet interface says how late it is
MARGIN = 4 * RETIRE_MS * MILLISECOND  # younger packets may lie in a block that is not handed over yet
LAST_BLOCKS_MS = 2_000  # how long the blocks that are not handed over yet are waited for
SEARCH_MS = 1_000  # how often an interface that went away is looked for
NO_PACKETS = np.zeros(0, PACKET_DTYPE)
NO_BYTES = np.zeros(1, np.uint8)


@dataclass(slots=True)
class Place:
    """A ring, None while its interface is away, and whether that is switched off.

    `told` and `sought` (ns): when it last said how late it is, when its interface was last looked for. `reopen` makes
    the ring anew; it raises InterfaceError while the interface is away.
    """

    name: str
    ring: Ring | None
    reopen: Callable[[], Ring]
    down: bool = False
    told: int = 0
    sought: int = 0


class Rotation:
    """Blocks of packets from some rings, in turn; iterating it is the run, which `stop` ends.

    A block is good until the next. An interface from which nothing comes gives a block without packets every 200 ms.
    One that goes away gives what it had; then it is an InterfaceError in `errors`, or is looked for every second when
    the rotation is `patient`. One that is switched off is read on when it is on again; `downs` counts that.
    """

    def __init__(
        self,
        places: Sequence[Place],
        errors: list[InputError],
        *,
        patient: bool = False,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.downs = 0
        self._errors = errors
        self._places = list(places)
        self._patient = patient
        self._clock = clock
        self._stopped = False
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def stop(self) -> None:
        """End the run soon: what was received until now is still given. A signal handler may call it."""
        self._stopped = True
        if self._bell >= 0:
            os.eventfd_write(self._bell, 1)

    def __iter__(self) -> Iterator[PacketBlock]:
        try:
            while self._places and not self._stopped:
                found = False
                for place in list(self._places):
                    found |= yield from self._look(place)
                if not found:
                    yield from self._wait()
            yield from self._rest([place for place in self._places if place.ring])
        finally:
            self.close()

    def close(self) -> None:
        """Give the rings back."""
        for place in self._places:
            if place.ring:
                place.ring.close()
        if self._bell >= 0:
            os.close(self._bell)
            self._bell = -1

    def _look(self, place: Place) -> Generator[PacketBlock, None, bool]:
        """Give the next block of a place if there is one; return whether there was."""
        now = self._clock()
        if place.ring is None:
            self._search(place, now)
        elif (block := place.ring.take()) is not None:
            yield block
            place.ring.give_back()
            return True
        if now - place.told >= TICK_MS * MILLISECOND:
            place.told = now
            if place.down:
                yield from self._check(place)
            yield PacketBlock(NO_BYTES, NO_PACKETS, place.name, now - MARGIN)
        return False

    def _search(self, place: Place, now: int) -> None:
        if now - place.sought < SEARCH_MS * MILLISECOND:
            return
        place.sought = now
        try:
            place.ring = place.reopen()
        except InterfaceError:
            return

    def _wait(self) -> Iterator[PacketBlock]:
        """Sleep until a block is handed over, an interface fails, or it is time to say how late it is."""
        rings = {place.ring.socket.fileno(): place for place in self._places if place.ring}
        waiting = select.poll()
        waiting.register(self._bell, select.POLLIN)
        for number in rings:
            waiting.register(number, select.POLLIN)
        for number, event in waiting.poll(TICK_MS):
            place = rings.get(number)
            if place and event & select.POLLERR and place.ring and place.ring.failed():
                yield from self._check(place)

    def _check(self, place: Place) -> Iterator[PacketBlock]:
        """Look at an interface that failed: one that is switched off is kept, one that is gone gives what it had."""
        ring = place.ring
        if ring is None:
            return
        state = interfaces.state(ring.link.index)
        if state != "gone":
            self.downs += not place.down
            place.down = state == "down"
            return
        yield from self._rest([place])
        ring.close()
        place.ring, place.down = None, False
        if not self._patient:
            self._places.remove(place)
            self._errors.append(InterfaceError(f"{place.name}: interface went away"))

    def _rest(self, places: Sequence[Place]) -> Iterator[PacketBlock]:
        """Receive nothing more and give all that was received."""
        rings = [place.ring for place in places if place.ring]
        for ring in rings:
            ring.end()
        deadline = time.monotonic_ns() + LAST_BLOCKS_MS * MILLISECOND
        while rings and time.monotonic_ns() < deadline:
            for ring in rings:
                while (block := ring.take()) is not None:
                    yield block
                    ring.give_back()
            rings = [ring for ring in rings if not ring.is_empty]
            if rings:
                time.sleep(RETIRE_MS / 4000)
