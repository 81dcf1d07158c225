"""The directory of a sink: one writer at a time, made so that it outlasts a power cut, without leftovers."""

from __future__ import annotations

import fcntl
import os
import re
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from sinks.files.facts import Ledger, facts_of
from sinks.formats.destination import sync_directory, writing_to
from topics.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

LOCK = ".argosy.lock"
PARTIAL = re.compile(r"\..+\.(parquet|avro|jsonl|csv|facts)\.partial")


MOST_REMEMBERED = 4096  # ledgers
Facts = dict[str, Any]


class Place(Protocol):
    """Where files of a sink go: they are written below `path`, and there for others once they are published."""

    path: Path

    def known(self, path: Path) -> Facts | None:
        """Return the facts of a file that is there, empty for one of another writer, None for one that is not."""

    def merged(self, path: Path) -> Facts | None:
        """Return the facts of a file that was merged into others, None of one that was not."""

    def publish(self, path: Path) -> None:
        """Let a closed file be there."""

    def close(self) -> None:
        """Leave it to others."""


class Held:
    """A directory that no other sink writes to until close(); raises OutputError naming it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory
        self._lock: BinaryIO = _lock(directory)
        self._ledgers: dict[Path, Ledger] = {}

    def known(self, path: Path) -> Facts | None:
        """Return the facts of a file that is there, empty for one of another writer, None for one that is not."""
        return facts_of(path) if path.exists() else None

    def merged(self, path: Path) -> Facts | None:
        """Return the facts of a file that was merged into others, None of one that was not."""
        if len(self._ledgers) >= MOST_REMEMBERED:
            self._ledgers.clear()
        return self._ledgers.setdefault(path.parent, Ledger(path.parent)).get(path.name)

    def publish(self, path: Path) -> None:
        """Do nothing: a file is there as soon as it has its name."""

    def close(self) -> None:
        """Leave it to others."""
        self._lock.close()


def make_directory(directory: Path) -> None:
    """Make a directory and its parents, and see to it that they outlast a power cut."""
    if not directory.is_dir():
        make_directory(directory.parent)
        directory.mkdir(exist_ok=True)
        sync_directory(directory.parent)


def _lock(directory: Path) -> BinaryIO:
    with writing_to(str(directory)):
        make_directory(directory)
        lock = (directory / LOCK).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise OutputError(f"{directory}: another sink writes to this directory") from error
        for partial in directory.rglob(".*.partial"):
            if PARTIAL.fullmatch(partial.name):
                _remove_left_over(partial)
    return lock


def _remove_left_over(partial: Path) -> None:
    """Remove what a killed process was writing; what another one writes below this directory is locked by it."""
    try:
        descriptor = os.open(partial, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        partial.unlink(missing_ok=True)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)
