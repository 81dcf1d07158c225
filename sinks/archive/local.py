"""An archive in a directory."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sinks.archive import swap
from sinks.archive.store import Listed
from sinks.files.directory import make_directory
from sinks.files.facts import put_whole
from sinks.formats.destination import sync_directory, writing_to
from sinks.formats.names import reason
from topics.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = ".argosy.archive.lock"
STAGED = ".staged."


class LocalStore:
    """Files below a directory; one process changes it at a time. Raises InputError, OutputError."""

    def __init__(self, directory: str) -> None:
        self.address = directory
        self._root = Path(directory)
        if not self._root.is_dir():
            raise InputError(f"{directory}: is no directory" if self._root.exists() else f"{directory}: does not exist")
        swap.no_longer_reading()
        with writing_to(directory):
            self._lock = (self._root / LOCK).open("wb")
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                self._lock.close()
                raise OutputError(f"{directory}: another process changes this archive") from error

    def list(self) -> Iterator[Listed]:
        """Yield all files in the order of their keys, what is behind links left out."""
        for place, directories, names in os.walk(self._root):
            directories[:] = sorted(name for name in directories if not name.startswith("."))
            for name in sorted(names):
                path = Path(place, name)
                if not path.is_symlink():
                    yield Listed(path.relative_to(self._root).as_posix(), path.stat().st_size)

    def read(self, key: str) -> bytes | None:
        """Return the content of a small file, None of one that is not there."""
        try:
            return (self._root / key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{self._root / key}: {reason(error)}") from error

    def put(self, key: str, data: bytes) -> None:
        """Write a small file, in place of one that may be there."""
        put_whole(self._root / key, data)

    def stage(self, key: str) -> Path:
        """Return where to write a file: beside its name."""
        path = self._root / key
        make_directory(path.parent)
        return path.with_name(f"{STAGED}{path.name}")

    def publish(self, staged: Path, key: str) -> None:
        """Let a staged file appear."""
        with writing_to(str(self._root / key)):
            staged.replace(self._root / key)
            sync_directory(staged.parent)

    def delete(self, key: str) -> None:
        """Remove a file, and its directory when nothing is left in it."""
        path = self._root / key
        with writing_to(str(path)):
            path.unlink(missing_ok=True)
            sync_directory(path.parent)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Give the path of a file."""
        yield self._root / key

    def is_read(self, key: str) -> bool:
        """Tell whether a process said that it reads below a directory that leads to the file."""
        return swap.is_read(self._root / key)

    def close(self) -> None:
        """Let others change it."""
        self._lock.close()
