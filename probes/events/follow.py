"""Lines that are appended to a file, as they come: the log of a detection system, also when it is rotated."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import BinaryIO

from probes.events.answer import FAILED, FLOODED, Answer


class FollowedFile:
    """Reads whole lines from the end of a file on, from the start of one that took its place or was emptied."""

    def __init__(self, path: str, *, from_start: bool = False) -> None:
        self._path, self._from_start = path, from_start
        self._file: BinaryIO | None = None
        self._rest = b""
        self._skipping = False

    def begin(self) -> None:
        """Take note of where the file ends now, if there is one: what comes behind is new."""
        with suppress(OSError):
            self._open()

    def read(self, most: int) -> Answer:
        """Return the lines that came since the last time, at most `most` bytes; the others are left for the next.

        A line longer than that is skipped, and its answer `flooded`.
        """
        try:
            self._open()
            data = self._rest + (self._file.read(most - len(self._rest)) if self._file else b"")
        except OSError as error:
            return Answer(status=FAILED, reason=f"{self._path}: {error.strerror}")
        end = data.rfind(b"\n") + 1
        if not end and len(data) >= most:
            self._rest, self._skipping = b"", True
            return Answer(status=FLOODED, reason=f"{self._path}: a line longer than {most} bytes", size=len(data))
        lines, self._rest = data[:end], data[end:]
        if self._skipping and end:
            lines, self._skipping = lines.partition(b"\n")[2], False
        return Answer(lines, size=len(lines))

    def close(self) -> None:
        """Read no more."""
        if self._file:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        if self._file is not None and not self._replaced():
            return
        again = self._file is not None
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        fresh = os.fdopen(descriptor, "rb", buffering=0)
        if not again and not self._from_start:
            with suppress(OSError):
                fresh.seek(0, os.SEEK_END)
        self.close()
        self._file, self._rest = fresh, b""

    def _replaced(self) -> bool:
        """Tell whether the name means another file now, or this one became shorter, and nothing is left of it."""
        assert self._file is not None  # noqa: S101 - the caller looked
        held, at = os.fstat(self._file.fileno()), self._file.tell()
        if held.st_size > at:
            return False
        try:
            named = os.stat(self._path)  # noqa: PTH116 - beside os.fstat
        except FileNotFoundError:
            return False
        return (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino) or held.st_size < at
