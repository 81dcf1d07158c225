"""The spool: what was accepted is delivered in order, or counted, whatever happens to the process or the machine.

An entry is accepted when it and its file name are synced, or when it was delivered without that. It is removed when
it was delivered, or when room is needed and nothing of lower priority is left to give up. What was delivered shortly
before a crash is delivered again.
"""

from __future__ import annotations

import functools
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from probes.spool import checkpoint
from probes.spool.entry import MARK, Priority, encoded_size
from probes.spool.lane import Lane
from probes.spool.losses import Cause, Losses, losses_from
from probes.spool.segment import segment_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from probes.spool.entry import Entry
    from probes.spool.files import Files
    from probes.spool.lane import Ticket
    from probes.spool.segment import Segment

MOST_SEGMENT = 8 * 1024 * 1024
LEAST_SEGMENT = 64 * 1024
SEGMENTS = 32  # of a full spool: what is given up at once
WINDOW_PART = 4  # of the spool may be on its way, and can then not be given up
MOST_WINDOW = 32 * 1024 * 1024


class Spool:
    """Entries on disk, at most `limit` bytes. Belongs to one thread; nothing here waits but for the disk.

    `losses` counts, since the directory was first used, what was accepted and will not be delivered; `refused` what was
    not accepted. `remembered` is kept across restarts for the owner.
    """

    def __init__(
        self, files: Files, limit: int, least: int = LEAST_SEGMENT, marks: Callable[[], bytes] | None = None
    ) -> None:
        marks = marks or functools.partial(secrets.token_bytes, MARK)
        self._files, self._limit = files, limit
        self._segment_bytes = min(MOST_SEGMENT, max(least, limit // SEGMENTS))
        self._window = min(MOST_WINDOW, limit // WINDOW_PART)
        known = checkpoint.load(files)
        self.losses = losses_from(known.get("losses"))
        self.refused = Losses()
        self.remembered: dict[str, int] = known.get("remembered", {})
        self.accepted = 0
        self.lanes = {priority: Lane(files, priority, marks, self.losses) for priority in Priority}
        self._saved = ""
        self._recover(known.get("lanes", {}))

    def _recover(self, known: dict[str, dict[str, object]]) -> None:
        names = self._files.names()
        found = [segment for name in names if (segment := segment_named(name)) is not None]
        for priority, lane in self.lanes.items():
            own = [segment for segment in found if segment.lane is priority]
            for useless in lane.recover(own, known.get(priority.name.lower(), {})):
                self._files.remove(useless.name)
        if checkpoint.NEW in names:
            self._files.remove(checkpoint.NEW)
        self._files.sync_names()

    @property
    def bytes(self) -> int:
        """Bytes on disk."""
        return sum(lane.bytes for lane in self.lanes.values())

    @property
    def waiting(self) -> int:
        """Entries that are not delivered, the damaged ones among them included."""
        return sum(lane.waiting for lane in self.lanes.values())

    def append(self, entries: list[Entry]) -> list[Entry]:
        """Accept entries, in order; return those that were, all others are counted in `refused`."""
        accepted: list[Entry] = []
        for priority in sorted(Priority, reverse=True):
            for group in self._groups([entry for entry in entries if entry.priority is priority]):
                cause = self._write(self.lanes[priority], group)
                if cause is None:
                    accepted += group
                    continue
                for entry in group:
                    self.note_refused(entry, cause)
        return accepted

    def keep(self, priority: Priority, leaving: list[tuple[Ticket, Entry]]) -> dict[Ticket, Cause]:
        """Accept entries of a priority that are on their way already; return those that were not, and why.

        No other entry of the priority may be waiting to be handed out.
        """
        refused: dict[Ticket, Cause] = {}
        tickets = [ticket for ticket, _ in leaving]
        for group in self._groups([entry for _, entry in leaving]):
            chosen, tickets = tickets[: len(group)], tickets[len(group) :]
            cause = self._write(self.lanes[priority], group)
            if cause is None:
                self.lanes[priority].adopt(chosen)
            else:
                refused |= dict.fromkeys(chosen, cause)
        return refused

    def note_settled(self, ticket: Ticket) -> None:
        """Count an entry that was settled without having been on disk."""
        if ticket.loss is None:
            self.accepted += 1
        else:
            self.refused.add(*ticket.loss)

    def note_refused(self, entry: Entry, cause: Cause) -> None:
        """Count an entry that is neither on disk nor on its way."""
        self.refused.add(cause, 1, entry.records, entry.packets)

    def _groups(self, entries: list[Entry]) -> Iterator[list[Entry]]:
        """Cut entries into groups that fit into a segment."""
        group: list[Entry] = []
        size = 0
        for entry in entries:
            if group and size + encoded_size(entry) > self._segment_bytes:
                yield group
                group, size = [], 0
            group.append(entry)
            size += encoded_size(entry)
        if group:
            yield group

    def _write(self, lane: Lane, group: list[Entry]) -> Cause | None:
        """Put a group on disk; return why not when it could not be."""
        try:
            if not self._make_room(lane.priority, sum(map(encoded_size, group))):
                return Cause.FULL
            lane.append(group, self._segment_bytes)
        except OSError:
            return Cause.DISK
        self.accepted += len(group)
        return None

    def _make_room(self, priority: Priority, size: int) -> bool:
        """Give up old entries of this priority or a lower one, the lowest first, until `size` bytes fit."""
        if self.bytes + size <= self._limit:
            return True
        self.tidy(everything=True)
        while self.bytes + size > self._limit:
            lanes = (self.lanes[each] for each in Priority if each <= priority)
            found = next(((lane, each) for lane in lanes if (each := lane.oldest_evictable()) is not None), None)
            if found is None:
                return False
            lane, segment = found
            lane.evict(segment)
            with suppress(OSError):  # what is missing at the next start is counted then
                self.save()
            self._remove(segment)
        return True

    def hand_out(self, closed: frozenset[Priority] = frozenset()) -> Iterator[tuple[Lane, Ticket]]:
        """Return entries to deliver, the highest priority first, as long as not too much is on its way."""
        room = self._window - sum(lane.in_flight for lane in self.lanes.values())
        for priority in sorted(Priority, reverse=True):
            lane = self.lanes[priority]
            while room > 0 and priority not in closed and (ticket := lane.hand_out()) is not None:
                room -= ticket.size
                yield lane, ticket

    def tidy(self, *, everything: bool = False) -> None:
        """Remember how far delivery has come, and remove what is delivered.

        A segment that still grows stays, unless `everything` has to go. A disk that refuses is asked again later.
        """
        most = 0 if everything else self._segment_bytes // 2
        done = [(lane, segment) for lane in self.lanes.values() for segment in lane.finished(most)]
        try:
            self.save()
        except OSError:
            if not done:
                return
        for lane, segment in done:
            lane.forget(segment)
            self._remove(segment)

    def save(self) -> None:
        """Put down what is not in the segments, if it has changed; raises OSError."""
        lanes = {priority.name.lower(): lane.state() for priority, lane in self.lanes.items()}
        content = {"lanes": lanes, "losses": self.losses.as_json(), "remembered": self.remembered}
        if repr(content) != self._saved:
            checkpoint.save(self._files, content)
            self._saved = repr(content)

    def close(self) -> None:
        """Remember how far delivery has come, and leave the directory."""
        self.tidy(everything=True)
        self._files.close()

    def _remove(self, segment: Segment) -> None:
        try:
            self._files.remove(segment.name)
        except OSError:
            segment.size = 0  # it is found and removed at the next start
