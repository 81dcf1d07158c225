"""One file of the spool: entries one behind the other, found again past any damage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from probes.spool.entry import HEAD, MARK, Head, Priority, decode_body, decode_head

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probes.spool.entry import Entry
    from probes.spool.files import Files

NAME = re.compile(r"(status|dns|events)-(\d{10})-([0-9a-f]{16})-([0-9a-f]{16})\.segment")
CHUNK = 64 * 1024


@dataclass(slots=True, eq=False)
class Segment:
    """A file, what it holds, and how far it was read.

    `size` are its bytes, `end` those that hold entries; `next` is the number behind its last entry. `offset` is where
    reading goes on; `records` and `packets` are those of the entries from there on. `in_flight` counts the entries that
    were read and are not settled.
    """

    lane: Priority
    serial: int
    first: int
    mark: bytes
    size: int = 0
    end: int = 0
    next: int = 0
    offset: int = 0
    records: int = 0
    packets: int = 0
    in_flight: int = 0

    @property
    def name(self) -> str:
        """Return the name of the file: which lane, which segment of it, its first number and its mark."""
        return f"{self.lane.name.lower()}-{self.serial:010d}-{self.first:016x}-{self.mark.hex()}.segment"

    @property
    def is_read(self) -> bool:
        """Whether nothing more is to be read in it."""
        return self.offset >= self.end

    def hold(self, head: Head, end: int) -> None:
        """Note an entry at the end."""
        self.end, self.next = end, head.number + 1
        self.records += head.records
        self.packets += head.packets

    def pass_entry(self, head: Head, end: int) -> None:
        """Note that the entry that ends there was read."""
        self.offset = end
        self.records -= head.records
        self.packets -= head.packets


def segment_named(name: str) -> Segment | None:
    """Return the segment that a file name tells of, None for another file; nothing is known yet of what it holds."""
    found = NAME.fullmatch(name)
    if found is None:
        return None
    first = int(found[3], 16)
    return Segment(Priority[found[1].upper()], int(found[2]), first, bytes.fromhex(found[4]), next=first)


def scan(files: Files, segment: Segment, acknowledged: int, bound: int | None) -> None:
    """Find out what a file holds: entries below `bound`, and where the first one at or above `acknowledged` is."""
    segment.size = files.size(segment.name)
    for start, head in heads(files, segment, 0, segment.first, segment.size):
        if bound is not None and head.number >= bound:
            return
        end = start + HEAD + head.size
        segment.hold(head, end)
        if head.number < acknowledged:
            segment.offset = end
            segment.records -= head.records
            segment.packets -= head.packets


def read(files: Files, segment: Segment, expected: int) -> tuple[Head, Entry | None] | None:
    """Read on: the header of the next entry, and the entry if its body is whole; None when there is none left."""
    for start, head in heads(files, segment, segment.offset, expected, segment.end):
        segment.pass_entry(head, start + HEAD + head.size)
        return head, decode_body(_bytes(files, segment, start + HEAD, head.size), head, segment.lane)
    segment.offset, segment.records, segment.packets = segment.end, 0, 0
    return None


def heads(files: Files, segment: Segment, offset: int, expected: int, end: int) -> Iterator[tuple[int, Head]]:
    """Return where entries begin, from `offset` on, and their headers; numbers rise from `expected` on."""
    while offset < end:
        head = decode_head(_bytes(files, segment, offset, HEAD), segment.mark)
        if head is None or head.number < expected:
            offset = _next_mark(files, segment, offset + 1, end)
            continue
        if offset + HEAD + head.size > end:
            return
        yield offset, head
        expected = head.number + 1
        offset += HEAD + head.size


def _next_mark(files: Files, segment: Segment, offset: int, end: int) -> int:
    """Return where the mark stands next, `end` when it does not."""
    while offset < end:
        chunk = _bytes(files, segment, offset, CHUNK)
        found = chunk.find(segment.mark)
        if found >= 0:
            return offset + found
        offset += max(1, len(chunk) - MARK + 1)
    return end


def _bytes(files: Files, segment: Segment, offset: int, size: int) -> bytes:
    """Read; a place that the disk cannot read is damaged as any other."""
    try:
        return files.read(segment.name, offset, size)
    except OSError:
        return b""
