"""Captured packets at the pace they came, or a multiple of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from probes.capture.clock import WAIT, Clock
from probes.capture.packets import PACKET_DTYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from probes.capture.packets import PacketBlock

SHORTEST = 2_000_000  # ns; packets that come closer to each other go together
LONGEST_BACKSTEP = 60_000_000_000  # ns; where time steps back further, another capture begins


class Replay:
    """Holds packets back until their time: `scale` seconds of the capture pass in a second of `clock`.

    Packets keep their own times; with `wall` (ns since the epoch) they get those at which they come out, as if all that
    happened now, the faster by `scale`. While nothing is due, blocks without packets say every 0.2 s what time it is in
    the capture. `stop` ends the waiting at once.
    """

    def __init__(self, scale: float, clock: Clock | None = None, wall: Callable[[], int] | None = None) -> None:
        self._scale = scale
        self._wall = wall
        self._clock = clock or Clock()
        self._stopped = False
        self._start = 0  # of the clock
        self._first = 0  # of the capture
        self._placed = 0  # of the wall clock
        self._newest = 0

    def stop(self) -> None:
        """Give nothing more."""
        self._stopped = True

    def of(self, blocks: Iterable[PacketBlock]) -> Iterator[PacketBlock]:
        """Yield the packets of the blocks, each when it is due."""
        for block in blocks:
            if not len(block.packets):
                yield block
                continue
            yield from self._paced(block)
            if self._stopped:
                return

    def _paced(self, block: PacketBlock) -> Iterator[PacketBlock]:
        times = np.maximum.accumulate(block.packets["time"])
        if not self._newest or int(times[0]) < self._newest - LONGEST_BACKSTEP:
            self._start, self._first = self._clock.now(), int(times[0])
            self._placed = self._wall() if self._wall else 0
        self._newest = int(times[-1])
        given = 0
        while given < len(times) and not self._stopped:
            due = self._first + int((self._clock.now() - self._start) * self._scale)
            end = int(np.searchsorted(times, due, side="right"))
            if end > given:
                yield dataclasses.replace(block, packets=self._at_their_time(block.packets[given:end]))
                given = end
                continue
            wait = int((int(times[given]) - due) / self._scale)
            self._clock.sleep(min(max(wait, SHORTEST), WAIT))
            if wait > WAIT:
                now = self._first + int((self._clock.now() - self._start) * self._scale)
                now = min(now, int(times[given]))
                yield dataclasses.replace(block, packets=np.zeros(0, PACKET_DTYPE), now=int(self._told(np.int64(now))))

    def _at_their_time(self, packets: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if self._wall is None:
            return packets
        packets = packets.copy()
        packets["time"] = self._told(packets["time"])
        return packets

    def _told(self, time: Any) -> Any:  # noqa: ANN401 - one time or an array of them, ns
        """Return the time that is told for one of the capture."""
        return time if self._wall is None else self._placed + ((time - self._first) / self._scale).astype(np.int64)
