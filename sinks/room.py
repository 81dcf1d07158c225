"""Waiting for room on a disk that was full: what was in no finished file is read again when there is some."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import structlog

from topics.metrics import table
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.errors import DiskFullError

MARGIN = 16 << 20  # bytes that have to be free beyond what the last attempt had written
SOONEST, LATEST = 2.0, 60.0  # seconds to the next attempt, which double: a quota may leave no room where there is some


class Room:
    """Knows whether it is worth while to try again. `clock` is monotonic, in seconds; `free` tells bytes of a disk."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, free: Callable[[str], int] | None = None) -> None:
        self._clock, self._free = clock, free or free_bytes
        self._full: DiskFullError | None = None
        self._waits, self._seconds, self._next = False, SOONEST, 0.0

    def refused(self, error: DiskFullError) -> None:
        """Note that there was no room, and tell, unless nothing was kept since it was told last."""
        if self._full is None:
            _tell(str(error), "files wait for room", full=True)
            self._seconds = SOONEST
        self._full, self._waits = error, True
        self._next = self._clock() + self._seconds
        self._seconds = min(LATEST, 2 * self._seconds)

    def is_wanted(self) -> bool:
        """Tell whether to wait on; looks at the disk now and then."""
        if self._waits and self._full is not None and self._clock() >= self._next:
            self._next = self._clock() + SOONEST
            self._waits = self._free(self._full.directory) < self._full.size + MARGIN
        return self._waits

    def kept(self) -> None:
        """Note that something lasts: there is room again."""
        if self._full is not None and not self._waits:
            self._full = None
            _tell("there was no room on the disk, now there is", "files are written again", full=False)


def free_bytes(directory: str) -> int:
    """Return how many bytes may be written below a directory."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def _tell(why: str, what: str, *, full: bool) -> None:
    """Say in the log, where there is one, and to who asks for health, whether a disk is full."""
    VITALS.settle("disk", why if full else "has room", ok=not full)
    table.SINK_FULL.set(float(full))
    if structlog.is_configured():
        structlog.get_logger().warning(what, reason=why)
