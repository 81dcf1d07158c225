"""Where the bytes of a file go until it is whole: beside its name, which appears only when everything is on disk."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sinks.formats.names import DASH, SCHEME, reason
from topics.errors import DiskFullError, OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinks.archive.objects import ObjectStore

FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def writing_to(name: str) -> Iterator[None]:
    """Turn whatever the system refuses into an OutputError that names the file, for want of room into DiskFullError.

    A broken pipe stays one.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        kind = DiskFullError if error.errno in FULL else OutputError
        raise kind(f"{name}: {reason(error)}") from error


class Destination:
    """A file that is written as `.NAME.partial` in the directory of its name, or standard output for `-`.

    An object, s3://BUCKET/KEY, is written to a temporary file and uploaded in the end. `stream` takes
    the bytes. Raises OutputError, also when another process is writing the same name.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        self._partial: Path | None = None
        self._bucket: ObjectStore | None = None
        self._written = 0
        with writing_to(path):
            self.stream: BinaryIO = self._opened(path)

    def _opened(self, path: str) -> BinaryIO:
        if path == DASH:
            return self._standard_output()
        return self._staged(path) if path.startswith(SCHEME) else self._beside(Path(path))

    def _staged(self, address: str) -> BinaryIO:
        from sinks.archive.objects import ObjectStore  # loads the library for object stores

        parent, _, name = address.rpartition("/")
        if not name or parent in {SCHEME, SCHEME[:-1]}:
            raise UsageError(f"'{address}' names no object: s3://BUCKET/KEY")
        self._bucket = ObjectStore(parent)
        self._partial = self._bucket.stage(name)
        return self._partial.open("wb")

    def _standard_output(self) -> BinaryIO:
        if sys.stdout.isatty():
            raise UsageError("-: standard output is a terminal, flow records go to a pipe or file")
        return sys.stdout.buffer

    def _beside(self, path: Path) -> BinaryIO:
        if path.is_dir():
            raise OutputError(f"{self.name}: is a directory")
        if path.exists() and not path.is_file():  # what /dev/stdout leads to, for one, has no name of its own
            return path.open("wb")
        self._target = target = path.resolve()
        self._partial = target.with_name(f".{target.name}.partial")
        return self._locked(self._partial)

    def _locked(self, partial: Path) -> BinaryIO:
        """Open the partial file, taking over one that a killed process left behind."""
        while True:
            stream = os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT, 0o666), "wb")
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                stream.close()
                raise OutputError(f"{self.name}: another process is writing it") from error
            if partial.exists() and partial.stat().st_ino == os.fstat(stream.fileno()).st_ino:
                stream.truncate(0)
                return stream
            stream.close()  # its owner renamed it between our opening and locking

    @property
    def written(self) -> int:
        """Bytes that were written, those that still wait in memory included."""
        return self._written if self.stream.closed else self.stream.tell()

    def aside(self) -> Path:
        """Return where what was written stands, nothing of it in memory any more."""
        self.stream.flush()
        return self._partial or Path(self.name)

    def commit(self) -> None:
        """Put everything on disk and let the file appear under its name; standard output is only flushed."""
        with writing_to(self.name):
            self.stream.flush()
            if self._partial is not None:
                self._written = self.stream.tell()
            if self._bucket is not None and self._partial is not None:
                self._bucket.publish(self._partial, self._partial.name)
            elif self._partial is not None:
                os.fsync(self.stream.fileno())
                self._partial.replace(self._target)
                sync_directory(self._target.parent)
            self._close()

    def replace(self, target: Path) -> None:
        """Let the file appear under another name of the same directory."""
        self._target = target.resolve()

    def abort(self) -> None:
        """Remove what was written; what a pipe already took stays taken."""
        if self._partial is not None:
            self._partial.unlink(missing_ok=True)
            self._written = self.written
            with suppress(OSError):  # a full disk refuses what is still in memory, and closes all the same
                self.stream.close()
        self._close()

    def _close(self) -> None:
        self._partial = None
        if self.name != DASH:
            self.stream.close()
        if self._bucket is not None:
            self._bucket.close()


def sync_directory(directory: Path) -> None:
    """Put the names in a directory on disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
