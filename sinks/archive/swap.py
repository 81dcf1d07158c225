"""How files take the place of others, so that a reader never sees a flow twice or not at all.

A swap is announced in `.argosy.swap.json` of the directory of the new file: as long as it is not done, the new file
does not count; from the moment that it is, the old ones do not. That moment is the replacing of one small file.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ANNOUNCED = ".argosy.swap.json"
NAMES = ("new", "old", "done", "merged", "removed")
MOST_PARENTS = 12


@dataclass(frozen=True, slots=True)
class Swap:
    """Files below the directory of the announcement, `new` in place of `old`; `merged` has facts of old ones by name.

    `new` is empty when nothing is left of the old ones, `removed` says then what they held.
    """

    new: str
    old: tuple[str, ...]
    done: bool = False
    merged: dict[str, dict[str, Any]] = field(default_factory=dict)
    removed: dict[str, Any] = field(default_factory=dict)

    def as_bytes(self) -> bytes:
        """Return the announcement."""
        return json.dumps({name: getattr(self, name) for name in NAMES}).encode()

    @classmethod
    def of(cls, data: bytes) -> Swap:
        """Return what an announcement says; raises ValueError."""
        said = json.loads(data)
        old = tuple(map(str, said["old"]))
        return cls(str(said["new"]), old, bool(said["done"]), dict(said["merged"]), dict(said["removed"]))

    @property
    def hidden(self) -> tuple[str, ...]:
        """Names that do not count now."""
        return self.old if self.done else (self.new,)


def hidden(directory: Path, announcement: Path) -> set[Path]:
    """Return the files that do not count because of an announcement in `directory`; none when it is gone."""
    try:
        return {directory / name for name in Swap.of(announcement.read_bytes()).hidden if name}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def hidden_above(directory: Path) -> set[Path]:
    """Return the files that do not count because of announcements in the directories above."""
    found: set[Path] = set()
    for parent in list(directory.absolute().parents)[:MOST_PARENTS]:
        found |= hidden(parent, parent / ANNOUNCED)
    return found


_READ: list[int] = []


def reading(directory: Path) -> None:
    """Say that files below a directory are read, until this process ends or changes an archive itself."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    _READ.append(descriptor)
    with suppress(OSError):  # some file systems lock no directories
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def no_longer_reading() -> None:
    """Take back what `reading` said."""
    while _READ:
        os.close(_READ.pop())


def is_read(path: Path) -> bool:
    """Tell whether some process says that it reads below one of the directories that lead to a file."""
    return any(_is_locked(parent) for parent in path.absolute().parents)


def _is_locked(directory: Path) -> bool:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        return False
    finally:
        os.close(descriptor)
