"""A disk that loses what was not synced, tears what was being written, and may fail at any call."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random


class PowerCutError(BaseException):
    """The machine, or only the process, stops here."""


@dataclass(eq=False)
class File:
    """`data` is what the process sees, of which the first `synced` bytes are on disk for certain."""

    data: bytearray = field(default_factory=bytearray)
    synced: int = 0
    damaged: set[int] = field(default_factory=set)


class FakeDisk:
    """Files as probes.spool.files has them. `crash_in` calls, or `fail_in`, from now on there is trouble."""

    def __init__(self, choice: random.Random) -> None:
        self._choice = choice
        self.seen: dict[str, File] = {}
        self.kept: dict[str, File] = {}
        self.crash_in = self.fail_in = -1
        self.failed = self.torn = 0

    def names(self) -> list[str]:
        return sorted(self.seen)

    def size(self, name: str) -> int:
        return len(self.seen[name].data)

    def create(self, name: str) -> None:
        self._call()
        self.seen[name] = File()

    def append(self, name: str, data: bytes) -> None:
        try:
            self._call()
        except (PowerCutError, OSError):
            self.seen[name].data += data[: self._choice.randint(0, len(data))]
            raise
        self.seen[name].data += data

    def sync(self, name: str) -> None:
        self._call()
        self.seen[name].synced = len(self.seen[name].data)

    def read(self, name: str, offset: int, size: int) -> bytes:
        return bytes(self.seen[name].data[offset : offset + size])

    def rename(self, name: str, new: str) -> None:
        self._call()
        self.seen[new] = self.seen.pop(name)

    def remove(self, name: str) -> None:
        self._call()
        self.seen.pop(name, None)

    def sync_names(self) -> None:
        self._call()
        self.kept = dict(self.seen)

    def close(self) -> None: ...

    def _call(self) -> None:
        self.crash_in -= 1
        self.fail_in -= 1
        if self.crash_in == 0:
            raise PowerCutError
        if self.fail_in == 0:
            self.failed += 1
            raise OSError(errno.ENOSPC, "No space left on device")

    def power_cut(self) -> None:
        """Lose what was not synced: of each change of a name, and of the end of each file, any part."""
        names = sorted(self.seen.keys() | self.kept.keys())
        held = {name: self._choice.choice((self.seen, self.kept)).get(name) for name in names}
        files = {name: file for name, file in held.items() if file is not None}
        for file in dict.fromkeys(files.values()):
            self._tear(file)
        self.seen, self.kept = dict(files), dict(files)
        self.crash_in = self.fail_in = -1

    def kill(self) -> None:
        """Stop the process alone: the system goes on and loses nothing."""
        self.crash_in = self.fail_in = -1

    def _tear(self, file: File) -> None:
        tail = file.data[file.synced :]
        del tail[self._choice.randint(0, len(tail)) :]
        if tail and self._choice.random() < 0.3:  # blocks are not written in order
            self.torn += 1
            begin = self._choice.randrange(len(tail))
            tail[begin : begin + 16] = bytes(len(tail[begin : begin + 16]))
        file.data[file.synced :] = tail
        file.synced = len(file.data)

    def damage(self) -> bool:
        """Change a byte on disk; False when there is none."""
        files = [file for name, file in self.seen.items() if name.endswith(".segment") and file.data]
        if not files:
            return False
        file = self._choice.choice(files)
        place = self._choice.randrange(len(file.data))
        if place in file.damaged:  # a second change might heal it
            return False
        file.damaged.add(place)
        file.data[place] ^= self._choice.randint(1, 255)
        return True
