"""Entries that leave for the brokers before they are on disk; those that are not confirmed soon go there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from probes.spool.entry import Priority, encoded_size
from probes.spool.lane import Ticket
from probes.spool.losses import Cause

if TYPE_CHECKING:
    from collections.abc import Collection

    from probes.spool.entry import Entry
    from probes.spool.lane import Lane
    from probes.spool.spool import Spool

NOT_NUMBERED = -1
ON_DISK_FIRST = Priority.EVENTS


@dataclass(slots=True)
class _Leaving:
    since: float
    ticket: Ticket
    entry: Entry
    refused: Cause | None = None  # why it is not on disk, where it should be by now


class Carried:
    """Entries in memory on their way to the brokers, at most `most` bytes of each priority, for `seconds` at the most.

    What is confirmed within that time never touches the disk. An entry is accepted when it is confirmed or on disk, so
    a crash costs what was taken in the last `seconds`. Events are always on disk first. Times are of a monotonic clock.
    Belongs to the thread of the spool.
    """

    def __init__(self, spool: Spool, seconds: float, most: int) -> None:
        self._spool, self._seconds, self._most = spool, seconds, most
        self._leaving: dict[Priority, deque[_Leaving]] = {priority: deque() for priority in Priority}
        self._bytes = dict.fromkeys(Priority, 0)
        self._refused: list[_Leaving] = []

    @property
    def waiting(self) -> int:
        """Entries that are neither confirmed nor on disk."""
        return sum(map(len, self._leaving.values())) + len(self._refused)

    @property
    def bytes(self) -> int:
        """Bytes of those."""
        return sum(self._bytes.values())

    @property
    def is_half_full(self) -> bool:
        """Whether as much of a priority is on its way as may wait for confirmation without going to the disk soon."""
        return max(self._bytes.values()) > self._most // 2

    def take(self, entries: list[Entry], now: float, halted: Collection[Priority] = ()) -> list[tuple[Lane, Ticket]]:
        """Take entries: return those that leave at once; all others are in the spool, behind what came before.

        Those of a priority leave at once when all of it that is on disk left before, and its delivery is not `halted`.
        """
        leaving: list[tuple[Lane, Ticket]] = []
        for priority in sorted(Priority, reverse=True):
            group = [entry for entry in entries if entry.priority is priority]
            if group and priority not in halted and self._may_leave(priority, sum(map(encoded_size, group))):
                lane = self._spool.lanes[priority]
                leaving += [(lane, self._carry(entry, now)) for entry in group]
            elif group:
                self.keep(priority)
                self._spool.append(group)
        return leaving

    def _may_leave(self, priority: Priority, size: int) -> bool:
        is_quick = self._seconds > 0 and priority is not ON_DISK_FIRST
        return is_quick and self._bytes[priority] + size <= self._most and self._spool.lanes[priority].is_handed_out

    def _carry(self, entry: Entry, now: float) -> Ticket:
        ticket = Ticket(NOT_NUMBERED, NOT_NUMBERED, None, encoded_size(entry), entry)
        self._leaving[entry.priority].append(_Leaving(now, ticket, entry))
        self._bytes[entry.priority] += ticket.size
        return ticket

    def settle(self) -> None:
        """Let go of what is confirmed."""
        for priority, leaving in self._leaving.items():
            while leaving and leaving[0].ticket.settled:
                each = leaving.popleft()
                self._bytes[priority] -= each.ticket.size
                self._spool.note_settled(each.ticket)
        for each in [each for each in self._refused if each.ticket.settled]:
            self._refused.remove(each)
            self._spool.note_settled(each.ticket)

    def keep_overdue(self, now: float) -> None:
        """Put on disk what is not confirmed and should be by now."""
        self.settle()
        for priority, leaving in self._leaving.items():
            if leaving and leaving[0].since + self._seconds <= now:
                self.keep(priority)

    def keep(self, priority: Priority) -> None:
        """Put on disk what is not confirmed of a priority; what the disk refuses may still arrive."""
        found = list(self._leaving[priority])
        self._leaving[priority].clear()
        self._bytes[priority] = 0
        for each in found:
            if each.ticket.settled:
                self._spool.note_settled(each.ticket)
        waiting = [each for each in found if not each.ticket.settled]
        refused = self._spool.keep(priority, [(each.ticket, each.entry) for each in waiting])
        for each in waiting:
            each.refused = refused.get(each.ticket)
        self._refused += [each for each in waiting if each.refused is not None]

    def fail(self, priority: Priority, ticket: Ticket | None = None) -> None:
        """Note that an entry came back, or that all of a priority are lost on their way: only the disk has them now."""
        self.keep(priority)
        lost = [each for each in self._refused if each.entry.priority is priority and ticket in {None, each.ticket}]
        for each in lost:
            self._refused.remove(each)
            self._spool.note_refused(each.entry, each.refused or Cause.DISK)

    def close(self) -> None:
        """Put on disk what is not confirmed, and give up what the disk does not take."""
        for priority in Priority:
            self.fail(priority)
