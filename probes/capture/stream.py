"""Bytes of a capture as they come: files, growing files, pipes; none of them waits longer than 0.2 s for more."""

from __future__ import annotations

import gzip
import io
import os
import select
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard

from probes.capture.clock import MILLISECOND, WAIT
from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from probes.capture.clock import Clock

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
LONGEST_MAGIC = 4


def _open(path: str) -> io.RawIOBase:
    if path == "-":
        raw: io.RawIOBase = sys.stdin.buffer.raw  # type: ignore[union-attr]  # every buffered reader has it
        return raw
    try:
        if Path(path).is_dir():
            raise InputError(f"{path}: is a directory, not a capture file")
        if Path(path).is_fifo():  # a plain open would wait for a writer, whatever signal comes
            return io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        return io.FileIO(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def _descriptor(stream: io.RawIOBase) -> int | None:
    try:
        return stream.fileno()
    except (OSError, io.UnsupportedOperation):
        return None


class CaptureStream:
    """The bytes of a file, of `-` (standard input) or of a named pipe.

    `read_into` returns how many bytes came, 0 at the end, None when nothing came for 0.2 s or when `stopped` says so.
    With `follow` the end is never reached: more is waited for. Raises InputError when the file cannot be read.
    """

    def __init__(self, path: str, *, follow: bool, clock: Clock, stopped: Callable[[], bool]) -> None:
        self.name = "standard input" if path == "-" else path
        self.size: int | None = None
        self._stream = _open(path)
        self._stopped = stopped
        self._clock = clock
        self._pipe: select.poll | None = None
        self.descriptor = descriptor = _descriptor(self._stream)
        status = os.fstat(descriptor) if descriptor is not None else None
        plain = status is not None and stat.S_ISREG(status.st_mode)
        self._follow = follow and (plain or path != "-")
        self.whole = not self._follow and (plain or descriptor is None)
        if plain and status:
            self.size = status.st_size or None
        elif descriptor is not None:
            self._pipe = select.poll()
            self._pipe.register(descriptor, select.POLLIN)

    def read_into(self, view: memoryview) -> int | None:
        """Read once."""
        if self._stopped():
            return None
        if self._pipe and not self._pipe.poll(WAIT // MILLISECOND):
            return None
        try:
            count = self._stream.readinto(view)
        except OSError as error:
            raise InputError(f"{self.name}: {error.strerror or error}") from error
        if count or not self._follow:
            return count
        self._clock.sleep(WAIT)
        return None

    def more(self) -> bool:
        """Whether reading again would not wait."""
        return self.whole or (self._pipe is not None and bool(self._pipe.poll(0)))

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if _descriptor(self._stream) != 0:
            self._stream.close()


class _Waiting(io.RawIOBase):
    """A stream that begins with bytes read before, and waits for the rest of them until it is stopped."""

    def __init__(self, head: bytes, stream: CaptureStream, stopped: Callable[[], bool]) -> None:
        self._head = head
        self._stream = stream
        self._stopped = stopped

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a BufferedReader gives no other
        if self._head:
            count = min(len(self._head), len(buffer))
            buffer[:count] = self._head[:count]
            self._head = self._head[count:]
            return count
        while not self._stopped():
            if (found := self._stream.read_into(buffer)) is not None:
                return found
        return 0


def decompressed(head: bytes, stream: CaptureStream, stopped: Callable[[], bool]) -> io.BufferedIOBase | None:
    """Return what undoes the compression that the first bytes tell of, None when there is none."""
    if head.startswith(GZIP_MAGIC):
        return gzip.GzipFile(fileobj=io.BufferedReader(_Waiting(head, stream, stopped)))
    if head.startswith(ZSTD_MAGIC):
        waiting = io.BufferedReader(_Waiting(head, stream, stopped))
        reader: io.BufferedIOBase = zstandard.ZstdDecompressor().stream_reader(waiting, read_across_frames=True)  # type: ignore[assignment]  # likewise
        return reader
    return None
