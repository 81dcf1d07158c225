"""Captured packets at the pace they came, or a multiple of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from probes.capture.clock import WAIT, Clock
from probes.capture.packets import PACKET_DTYPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from probes.capture.packets import PacketBlock

SHORTEST = 2_000_000  # ns; packets that come closer to each other go together
LONGEST_BACKSTEP = 60_000_000_000  # ns; where time steps back further, another capture begins


class Replay:
    """Holds packets back until their time: `scale` seconds of the capture pass in a second of `clock`.

    Packets keep their own times. While nothing is due, blocks without packets say every 0.2 s what time it is in the
    capture. `stop` ends the waiting at once.
    """

    def __init__(self, scale: float, clock: Clock | None = None) -> None:
        self._scale = scale
        self._clock = clock or Clock()
        self._stopped = False
        self._start = 0  # of the clock
        self._first = 0  # of the capture
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
        self._newest = int(times[-1])
        given = 0
        while given < len(times) and not self._stopped:
            due = self._first + int((self._clock.now() - self._start) * self._scale)
            end = int(np.searchsorted(times, due, side="right"))
            if end > given:
                yield dataclasses.replace(block, packets=block.packets[given:end])
                given = end
                continue
            wait = int((int(times[given]) - due) / self._scale)
            self._clock.sleep(min(max(wait, SHORTEST), WAIT))
            if wait > WAIT:
                now = self._first + int((self._clock.now() - self._start) * self._scale)
                now = min(now, int(times[given]))
                yield dataclasses.replace(block, packets=np.zeros(0, PACKET_DTYPE), now=now)
