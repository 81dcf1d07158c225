"""The system calls of the spool, one a method, so that a test can stand in for the disk and fail at any of them."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from topics.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

LOCK = ".lock"


class Files(Protocol):
    """Files of one directory. What is not synced may be lost, or half there, after a power cut."""

    def names(self) -> list[str]:
        """Return the names of all files."""

    def size(self, name: str) -> int:
        """Return the bytes of a file."""

    def create(self, name: str) -> None:
        """Make an empty file, also in place of one that is there."""

    def append(self, name: str, data: bytes) -> None:
        """Write at the end of a file; an OSError leaves an unknown part of the data there."""

    def sync(self, name: str) -> None:
        """Put the bytes of a file on disk."""

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Return bytes of a file, fewer where it ends."""

    def rename(self, name: str, new: str) -> None:
        """Give a file the name of another, which is gone then."""

    def remove(self, name: str) -> None:
        """Remove a file."""

    def sync_names(self) -> None:
        """Put the names of all files on disk."""

    def close(self) -> None:
        """Let go of everything."""


class Disk:
    """A directory of the file system, held by one process at a time; raises OutputError when it cannot be had."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open: dict[str, int] = {}
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise OutputError(f"{directory}: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise OutputError(f"{directory}: another probe spools there") from None

    def names(self) -> list[str]:
        """Return the names of all files but the lock."""
        return sorted(path.name for path in self._directory.iterdir() if path.name != LOCK)

    def size(self, name: str) -> int:
        """Return the bytes of a file."""
        return (self._directory / name).stat().st_size

    def create(self, name: str) -> None:
        """Make an empty file."""
        self._forget(name)
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        self._open[name] = os.open(self._directory / name, flags, 0o600)

    def append(self, name: str, data: bytes) -> None:
        """Write at the end of a file."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor(name), rest) :]

    def sync(self, name: str) -> None:
        """Put the bytes of a file on disk."""
        os.fsync(self._descriptor(name))

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Return bytes of a file."""
        return os.pread(self._descriptor(name), size, offset)

    def rename(self, name: str, new: str) -> None:
        """Give a file the name of another."""
        self._forget(name)
        self._forget(new)
        (self._directory / name).replace(self._directory / new)

    def remove(self, name: str) -> None:
        """Remove a file."""
        self._forget(name)
        (self._directory / name).unlink(missing_ok=True)

    def sync_names(self) -> None:
        """Put the names on disk."""
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Leave the directory to others."""
        for name in list(self._open):
            self._forget(name)
        os.close(self._lock)

    def _descriptor(self, name: str) -> int:
        if name not in self._open:
            self._open[name] = os.open(self._directory / name, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        return self._open[name]

    def _forget(self, name: str) -> None:
        with suppress(KeyError):
            os.close(self._open.pop(name))
