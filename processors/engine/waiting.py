"""Flows that wait until what will be said of them is known, and checkpoints that wait behind them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from processors.merge.stream import MergedFlows
    from topics.batch import FlowBatch

MOST_WAITING = 32_768  # flows of a partition; beyond them its input waits


class Patience(Protocol):
    """How long flows wait. Times are those of a monotonic clock, in seconds."""

    def due(self, batch: FlowBatch) -> float:
        """Return until when everything has to be known before flows that came now may go on."""

    def known_until(self) -> float:
        """Return until when everything is known; raises BusError when no more comes."""

    def rest(self) -> bool:
        """Wait a moment for more; False when there is no time to wait any more."""


@dataclass(slots=True)
class Entry:
    """Flows that came with the input at an offset; or a mark behind all before it: up to where input is settled."""

    flows: MergedFlows | None
    offset: int
    due: float = 0.0


class WaitingRoom:
    """Lets flows and marks go in the order in which they came, flows when it is time."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._entries: deque[Entry] = deque()
        self._flows = 0

    def put(self, flows: MergedFlows, offset: int) -> None:
        """Take in flows that came with the input at an offset."""
        self._entries.append(Entry(flows, offset, self._patience.due(flows)))
        self._flows += len(flows)

    def mark(self, offset: int) -> None:
        """Take note that input before an offset is settled once all flows before have gone."""
        if self._entries and self._entries[-1].flows is None:
            self._entries.pop()
        self._entries.append(Entry(None, offset))

    def leaving(self) -> list[Entry]:
        """Return what may go now; raises BusError."""
        if not self._entries:
            return []
        until, gone = self._patience.known_until(), []
        while self._entries and (self._entries[0].flows is None or self._entries[0].due <= until):
            entry = self._entries.popleft()
            self._flows -= len(entry.flows) if entry.flows is not None else 0
            gone.append(entry)
        return gone

    def is_too_full(self) -> bool:
        """Wait a moment while there are too many; False when there are not, or there is no time to wait."""
        return self._flows > MOST_WAITING and self._patience.rest()
