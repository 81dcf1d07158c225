"""The numbers that probes give their batches: a replay is dropped, a gap is counted, and both outlast a restart.

A probe that crashed sends again what it cannot know to have arrived. Batches of one run and partition are numbered from
0, so the second copy can be told from the first, however much later it comes.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from hashlib import blake2b

from topics.avro_reader import AvroReader
from topics.errors import DecodeError

KEY_BYTES = 6
MOST_RUNS = 4096
MOST_RANGES = 64
KEPT_RANGES = 4
MOST_TEXT = 3600  # brokers take 4096 bytes of metadata, some of which say other things

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

    `text` is what `text_at` of an earlier process said. `replays` and `missing` (by site and probe) count batches. The
    runs heard last are known, MOST_RUNS of them in memory and as many as fit in the text.
    """

    def __init__(self, text: str = "") -> None:
        self.replays = 0
        self.missing: dict[tuple[str, str], int] = {}
        self._now = _Runs(text)
        self._acknowledged = _Runs(text)
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

    def text_at(self, offset: int) -> str:
        """Return what a successor that begins at `offset` has to know; offsets never fall from call to call."""
        while self._since and self._since[0][0] < offset:
            _, key, number = self._since.popleft()
            self._acknowledged.take(key, number)
        return self._acknowledged.text()


class Unnumbered(BatchNumbers):
    """Takes every batch as new: what workers put out is numbered by their input, several messages alike."""

    def take(self, run: Run, number: int, offset: int) -> bool:  # noqa: ARG002 - nothing is looked at
        """Return that the batch is new."""
        return True


class _Runs:
    """Runs by key, the one heard last at the end."""

    def __init__(self, text: str) -> None:
        self._seen = _parsed(text)

    def take(self, key: bytes, number: int) -> tuple[bool, int]:
        seen = self._seen.get(key)
        if seen is None:
            self._seen[key] = Seen(number)
            if len(self._seen) > MOST_RUNS:
                self._seen.popitem(last=False)
            return True, 0
        self._seen.move_to_end(key)
        return seen.take(number)

    def text(self) -> str:
        parts: list[bytes] = []
        room = MOST_TEXT * 3 // 4
        for key, seen in reversed(self._seen.items()):
            kept = seen.missing[-KEPT_RANGES:]
            numbers = [seen.highest, len(kept), *(number for span in kept for number in span)]
            part = key + b"".join(map(_varint, numbers))
            room -= len(part)
            if room < 0:
                break
            parts.append(part)
        return b64encode(b"".join(reversed(parts))).decode()


def _parsed(text: str) -> OrderedDict[bytes, Seen]:
    """Read what `_Runs.text` wrote; nothing from anything else."""
    found: OrderedDict[bytes, Seen] = OrderedDict()
    try:
        reader = AvroReader(b64decode(text, validate=True))
        while reader.left:
            key = bytes(reader.take(KEY_BYTES))
            seen = Seen(reader.long())
            seen.missing = [(reader.long(), reader.long()) for _ in range(min(reader.long(), KEPT_RANGES))]
            found[key] = seen
    except (Base64Error, ValueError, DecodeError):
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
