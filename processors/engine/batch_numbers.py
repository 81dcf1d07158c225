"""The numbers that probes give their batches: a replay is dropped, a gap is counted, and both outlast a restart.

A probe that crashed sends again what it cannot know to have arrived. Batches of one run and partition are numbered from
0, so the second copy can be told from the first, however much later it comes. What was had is remembered beside the
offset that is committed, as text, which has room for some 250 runs; what does not fit goes to a topic (see memory).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from topics.avro_reader import AvroReader
from topics.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY_BYTES = 6
MOST_RUNS = 16_384  # all of them in one message, at their longest, are below what brokers take
MOST_RANGES = 64
KEPT_RANGES = 4
MOST_TEXT = 3600  # brokers take 4096 bytes of metadata, some of which say other things
NONE_MISSING = b"\0"

Run = tuple[str, str, int]


def run_key(run: Run) -> bytes:
    """Return a hash of a run (site, probe, boot id) to remember it by."""
    return blake2b(f"{run[0]}\0{run[1]}\0{run[2]}".encode(), digest_size=KEY_BYTES).digest()


@dataclass(slots=True)
class Seen:
    """The highest number of a run that came, and the ranges [first, last] below it that did not."""

    highest: int
    missing: list[tuple[int, int]] = field(default_factory=list)

    def take(self, number: int) -> tuple[bool, int]:
        """Note a number; return whether it is new, and by how many the missing ones have become more."""
        if number > self.highest:
            lost = number - self.highest - 1
            if lost:
                self.missing = [*self.missing, (self.highest + 1, number - 1)][-MOST_RANGES:]
            self.highest = number
            return True, lost
        for place, (first, last) in enumerate(self.missing):
            if first <= number <= last:
                rest = [(first, number - 1), (number + 1, last)]
                self.missing[place : place + 1] = [each for each in rest if each[0] <= each[1]]
                return True, -1
        return False, 0


class BatchNumbers:
    """What came of the runs of one partition: as of now, and as of the offset that was acknowledged last.

    `base` is what `packed` of an earlier process said, `text` what `text_at` or, after a base, `changes_at` did.
    `replays` and `missing` (by site and probe) count batches. The MOST_RUNS runs heard last are known.
    """

    def __init__(self, text: str = "", base: bytes = b"") -> None:
        self.replays = 0
        self.missing: dict[tuple[str, str], int] = {}
        self._now = _Runs(base, text)
        self._acknowledged = _Runs(base, text)
        self._since: deque[tuple[int, bytes, int]] = deque()

    def take(self, run: Run, number: int, offset: int) -> bool:
        """Note the batch at an offset; False when it came before."""
        key = run_key(run)
        is_new, lost = self._now.take(key, number)
        self._since.append((offset, key, number))
        self.replays += not is_new
        if lost:
            who = run[:2]
            self.missing[who] = self.missing.get(who, 0) + lost
        return is_new

    def text_at(self, offset: int, most: int = MOST_TEXT) -> str:
        """Return what a successor that begins at `offset` has to know, of the runs heard last as many as fit.

        Offsets never fall from call to call of this and of `changes_at`.
        """
        self._acknowledge(offset)
        return b64encode(_fitting(reversed(self._acknowledged.seen.items()), most * 3 // 4)[0]).decode()

    def changes_at(self, offset: int) -> str | None:
        """Return the same of all runs heard since `packed` (or ever) and of no other; None when they do not fit."""
        self._acknowledge(offset)
        known, changed = self._acknowledged.seen, self._acknowledged.changed
        packed, fits = _fitting(((key, known[key]) for key in reversed(changed) if key in known), MOST_TEXT * 3 // 4)
        return b64encode(packed).decode() if fits else None

    def packed(self) -> bytes:
        """Return all that is known as of the offset acknowledged last; from now on changes are those since."""
        self._acknowledged.changed.clear()
        return b"".join(_part(key, seen) for key, seen in self._acknowledged.seen.items())

    def _acknowledge(self, offset: int) -> None:
        while self._since and self._since[0][0] < offset:
            _, key, number = self._since.popleft()
            self._acknowledged.take(key, number)


class Unnumbered(BatchNumbers):
    """Takes every batch as new: what workers put out is numbered by their input, several messages alike."""

    def take(self, run: Run, number: int, offset: int) -> bool:  # noqa: ARG002 - nothing is looked at
        """Return that the batch is new."""
        return True


class _Runs:
    """Runs by key, the one heard last at the end; `changed` are those heard since it was emptied, or since the base."""

    def __init__(self, base: bytes, text: str) -> None:
        self.seen = _unpacked(base)
        changes = _parsed(text)
        self.changed: OrderedDict[bytes, None] = OrderedDict.fromkeys(changes)
        for key, seen in changes.items():
            self.seen[key] = seen
            self.seen.move_to_end(key)

    def take(self, key: bytes, number: int) -> tuple[bool, int]:
        self.changed[key] = None
        self.changed.move_to_end(key)
        seen = self.seen.get(key)
        if seen is None:
            self.seen[key] = Seen(number)
            if len(self.seen) > MOST_RUNS:
                self.changed.pop(self.seen.popitem(last=False)[0], None)
            return True, 0
        self.seen.move_to_end(key)
        return seen.take(number)


def _part(key: bytes, seen: Seen) -> bytes:
    if not seen.missing:
        return key + _varint(seen.highest) + NONE_MISSING
    kept = seen.missing[-KEPT_RANGES:]
    numbers = [seen.highest, len(kept), *(number for span in kept for number in span)]
    return key + b"".join(map(_varint, numbers))


def _fitting(runs: Iterable[tuple[bytes, Seen]], room: int) -> tuple[bytes, bool]:
    """Return the runs, given last one first, in the order they were heard in; and whether all of them fit."""
    parts: list[bytes] = []
    for key, seen in runs:
        part = _part(key, seen)
        room -= len(part)
        if room < 0:
            return b"".join(reversed(parts)), False
        parts.append(part)
    return b"".join(reversed(parts)), True


def _parsed(text: str) -> OrderedDict[bytes, Seen]:
    """Read text of BatchNumbers; nothing from anything else."""
    try:
        return _unpacked(b64decode(text, validate=True))
    except (Base64Error, ValueError):
        return OrderedDict()


def _unpacked(data: bytes) -> OrderedDict[bytes, Seen]:
    """Read what was packed; nothing from anything else."""
    found: OrderedDict[bytes, Seen] = OrderedDict()
    reader = AvroReader(data)
    try:
        while reader.left:
            key = bytes(reader.take(KEY_BYTES))
            seen = Seen(reader.long())
            seen.missing = [(reader.long(), reader.long()) for _ in range(min(reader.long(), KEPT_RANGES))]
            found[key] = seen
    except DecodeError:
        return OrderedDict()
    return found


def _varint(number: int) -> bytes:
    """Return a number as Avro's long."""
    zigzag, out = number << 1, bytearray()
    while zigzag > 0x7F:
        out.append((zigzag & 0x7F) | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)
