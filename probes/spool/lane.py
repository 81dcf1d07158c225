"""The entries of one priority: numbered, in segments, handed out in order, and gone when they are settled."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from probes.spool.entry import HEAD, Head, Priority, encode
from probes.spool.losses import Cause
from probes.spool.segment import Segment, read, scan

if TYPE_CHECKING:
    from collections.abc import Callable

    from probes.spool.entry import Entry
    from probes.spool.files import Files
    from probes.spool.losses import Losses

MOST_RECENT = 16 * 1024 * 1024  # bytes that were just written and need not be read back
Loss = tuple[Cause, int, int, int]


@dataclass(slots=True, eq=False)
class Ticket:
    """Entries [first, next) on their way out: one that was handed out, or several that turned out damaged.

    One whose entry is not on disk has no segment and no numbers.
    """

    first: int
    next: int
    segment: Segment | None
    size: int
    entry: Entry | None
    settled: bool = False
    loss: Loss | None = None


class Lane:
    """A log. `append` takes entries in, `hand_out` gives them in order, `settle` lets them go.

    `acknowledged` is the number below which everything is settled; `expected` the one to be handed out next.
    """

    def __init__(self, files: Files, priority: Priority, marks: Callable[[], bytes], losses: Losses) -> None:
        self.priority = priority
        self.segments: deque[Segment] = deque()
        self.acknowledged = self.expected = self.next = 0
        self.evicted: list[list[int]] = []
        self._files, self._marks, self._losses = files, marks, losses
        self._tickets: deque[Ticket] = deque()
        self._recent: deque[tuple[Segment, int, Head, Entry]] = deque()
        self._recent_bytes = 0
        self._serial = 0
        self._open: Segment | None = None
        self._has_remains = False  # of entries that were not taken, with no segment behind them that tells so

    @property
    def bytes(self) -> int:
        """Bytes on disk."""
        return sum(segment.size for segment in self.segments)

    @property
    def waiting(self) -> int:
        """Entries that are not settled, damaged ones included."""
        given_up = sum(max(0, end - max(begin, self.acknowledged)) for begin, end in self.evicted)
        return self.next - self.acknowledged - given_up

    @property
    def in_flight(self) -> int:
        """Bytes of the entries that are handed out and not settled."""
        return sum(ticket.size for ticket in self._tickets)

    @property
    def is_handed_out(self) -> bool:
        """Whether nothing is left to hand out, nor to be found behind the last entry after a crash."""
        return not self._has_remains and all(segment.is_read for segment in self.segments)

    def recover(self, found: list[Segment], known: dict[str, Any]) -> list[Segment]:
        """Take over what an earlier process left; return the segments that hold nothing any more."""
        found = sorted(found, key=lambda segment: segment.serial)
        first = found[0].first if found else 0
        self.acknowledged = self.expected = int(known.get("acknowledged", first))
        self.evicted = [[int(begin), int(end)] for begin, end in known.get("evicted", [])]
        useless = []
        for segment, follower in itertools.zip_longest(found, found[1:]):
            if any(begin <= segment.first < end for begin, end in self.evicted):
                useless.append(segment)
                continue
            scan(self._files, segment, self.acknowledged, follower.first if follower else None)
            (useless if segment.is_read else self.segments).append(segment)
        ends = [segment.next for segment in self.segments]
        self.next = max([self.acknowledged, int(known.get("next", 0)), *ends])
        self._serial = max((segment.serial for segment in found), default=0)
        for segment in self.segments:  # what a killed process wrote may not be on disk yet
            self._files.sync(segment.name)
        self._pass_the_end()
        return useless

    def state(self) -> dict[str, Any]:
        """Return what `recover` has to know."""
        return {"acknowledged": self.acknowledged, "next": self.next, "evicted": self.evicted}

    def append(self, entries: list[Entry], most: int) -> None:
        """Put entries on disk, for certain, in segments of about `most` bytes.

        Raises OSError: then none of them is in, and what may be there of them is passed over.
        """
        made = self._open is None or self._open.size >= most
        segment = self._new_segment() if made or self._open is None else self._open
        number = self.next
        encoded = [encode(entry, number + n, segment.mark) for n, entry in enumerate(entries)]
        data = b"".join([part for _, *parts in encoded for part in parts])
        try:
            self._files.append(segment.name, data)
            self._files.sync(segment.name)
            if made:
                self._files.sync_names()
        except OSError:
            segment.size = segment.end + len(data)  # at the most
            self._has_remains = True
            self.seal()
            raise
        self._has_remains = False
        for entry, (head, *_) in zip(entries, encoded, strict=True):
            self._recent.append((segment, segment.end, head, entry))
            self._recent_bytes += head.size
            segment.hold(head, segment.end + HEAD + head.size)
            self.next += 1
        segment.size = segment.end
        while self._recent_bytes > MOST_RECENT:
            self._drop_recent()

    def seal(self) -> None:
        """Let the next entries go to a segment of their own."""
        self._open = None

    def _new_segment(self) -> Segment:
        self._serial += 1
        segment = Segment(self.priority, self._serial, self.next, self._marks(), next=self.next)
        self._files.create(segment.name)
        self.segments.append(segment)
        self._open = segment
        return segment

    def hand_out(self) -> Ticket | None:
        """Return the next entry that can be read, None when there is none."""
        for segment in list(self.segments):
            while not segment.is_read:
                found = self._from_memory(segment) or read(self._files, segment, self.expected)
                if found is None:
                    self._pass_over(segment, segment.next)
                    break
                head, entry = found
                self._pass_over(segment, head.number)
                if entry is not None:
                    return self._issue(segment, head.number + 1, HEAD + head.size, entry)
                loss = (Cause.DAMAGED, 1, head.records, head.packets)
                self._issue(segment, head.number + 1, 0, None, loss)
        self._pass_the_end()
        return None

    def _from_memory(self, segment: Segment) -> tuple[Head, Entry] | None:
        """Return what would be read next when it was written so lately that it is still in memory."""
        while self._recent and self._recent[0][2].number < self.expected:
            self._drop_recent()
        if not self._recent or self._recent[0][:2] != (segment, segment.offset):
            return None
        _, start, head, entry = self._recent[0]
        self._drop_recent()
        segment.pass_entry(head, start + HEAD + head.size)
        return head, entry

    def _drop_recent(self) -> None:
        self._recent_bytes -= self._recent.popleft()[2].size

    def _pass_the_end(self) -> None:
        """Count what was accepted and has vanished from the end."""
        if not self.segments and not self._tickets:
            self._losses.add(Cause.DAMAGED, self.waiting)
            self.acknowledged = self.expected = self.next
            self.evicted = []
        elif self.segments and all(segment.is_read for segment in self.segments):
            self._pass_over(self.segments[-1], self.next)

    def _pass_over(self, segment: Segment, number: int) -> None:
        """Count what should have stood before `number` and was not given up on purpose."""
        gone = sum(
            max(0, min(end, number) - max(begin, self.expected)) for begin, end in self.evicted if begin < number
        )
        missing = number - self.expected - gone
        if number > self.expected:
            loss = (Cause.DAMAGED, missing, 0, 0) if missing > 0 else None
            self._issue(segment, number, 0, None, loss)

    def _issue(
        self,
        segment: Segment,
        until: int,
        size: int,
        entry: Entry | None,
        loss: tuple[Cause, int, int, int] | None = None,
    ) -> Ticket:
        ticket = Ticket(self.expected, until, segment, size, entry, settled=entry is None, loss=loss)
        self._send_off(ticket, segment)
        return ticket

    def adopt(self, tickets: list[Ticket]) -> None:
        """Take over the entries that were just appended, which are on their way already; none waits before them."""
        while self._recent[0][2].number < self.next - len(tickets):  # given up before they were handed out
            self._drop_recent()
        for ticket in tickets:
            segment, start, head, _ = self._recent[0]
            self._drop_recent()
            segment.pass_entry(head, start + HEAD + head.size)
            ticket.first, ticket.next = head.number, head.number + 1
            ticket.segment, ticket.size = segment, HEAD + head.size
            self._send_off(ticket, segment)

    def _send_off(self, ticket: Ticket, segment: Segment) -> None:
        self.expected = ticket.next
        segment.in_flight += 1
        self._tickets.append(ticket)
        self._advance()

    def settle(self, ticket: Ticket, refused: bool = False) -> None:  # noqa: FBT001, FBT002 - how it ended
        """Note that an entry is with the brokers, or that they will never take it."""
        if refused and ticket.entry is not None:
            ticket.loss = (Cause.REFUSED, 1, ticket.entry.records, ticket.entry.packets)
        ticket.settled = True
        if ticket.segment is not None:
            self._advance()

    def _advance(self) -> None:
        while self._tickets and self._tickets[0].settled:
            ticket = self._tickets.popleft()
            if ticket.segment is not None:
                ticket.segment.in_flight -= 1
            self.acknowledged = ticket.next
            if ticket.loss is not None:
                self._losses.add(*ticket.loss)
        self.evicted = [span for span in self.evicted if span[1] > self.acknowledged]

    def rewind(self) -> None:
        """Hand out again what is not settled: nothing of it is on its way any more."""
        self._tickets.clear()
        self._recent.clear()
        self._recent_bytes = 0
        self.expected = self.acknowledged
        for segment in self.segments:
            segment.in_flight = 0
            if segment.next > self.acknowledged:
                segment.offset = segment.records = segment.packets = 0
                bound, size, end = segment.next, segment.size, segment.end
                scan(self._files, segment, self.acknowledged, bound)
                segment.size, segment.next, segment.end = size, bound, end

    def finished(self, most: int) -> list[Segment]:
        """Return the segments of which nothing is needed any more; one for new entries only if it is `most` bytes."""
        done = [each for each in self.segments if each.is_read and not each.in_flight]
        if self._open in done and self._open.size < most:
            done.remove(self._open)
        elif self._open in done:
            self.seal()
        return done

    def forget(self, segment: Segment) -> None:
        """Leave out a segment, whose file is going to be removed."""
        self.segments.remove(segment)

    def oldest_evictable(self) -> Segment | None:
        """Return the oldest segment of which nothing is on its way."""
        return next((each for each in self.segments if not each.in_flight and not each.is_read), None)

    def evict(self, segment: Segment) -> None:
        """Give up what was not handed out of a segment."""
        if segment is self._open:
            self.seal()
        begin = max(segment.first, self.expected)
        self.evicted.append([segment.first, segment.next])
        self._losses.add(Cause.FULL, segment.next - begin, segment.records, segment.packets)
        self.forget(segment)
