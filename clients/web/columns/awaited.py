"""Hours of databases that are still to be read: which there are, and which of them is next."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from clients.web.columns.imported import MOST_ROWS, hours
from topics.errors import ArgosyError, DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from clients.web.columns.imported import Hour

LOOK = 30.0  # seconds between looks at what a database has: it counts all of its flows for one


class Awaited:
    """The hours of databases, those that were read and those that were not; `now` is a clock (s)."""

    def __init__(self, cache: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._cache, self._now = cache, now
        self._known: dict[str, tuple[float, list[Hour]]] = {}
        self._refused: set[Path] = set()
        self._shown: dict[tuple[str, int], Path] = {}  # what was read of an hour last
        self._old: list[Path] = []
        self._asked: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def look(self, address: str) -> tuple[list[str], list[str]]:
        """Return the files of a database that were read, and what is wrong with it; raises ArgosyError."""
        with self._lock:
            looked, found = self._known.get(address, (0.0, []))
            if address not in self._known or self._now() - looked >= LOOK:
                self._forget_old()
                found = hours(address, self._cache)
                self._known[address] = self._now(), found
            kept = _newest(found)
            left = "" if len(kept) == len(found) else f"{address}: only the newest {MOST_ROWS:,} flows are shown"
            return [str(path) for hour in kept if (path := self._latest(hour))], [left] if left else []

    def _latest(self, hour: Hour) -> Path | None:
        """Return what was read of an hour last, None where nothing was."""
        before = self._shown.get((hour.address, hour.hour))
        if hour.path == before or not hour.path.exists():
            return before
        self._old += [] if before is None else [before]
        self._shown[hour.address, hour.hour] = hour.path
        return hour.path

    def hours(self) -> list[Hour]:
        """Return the hours of which nothing was there when it was looked."""
        return [hour for hour in self._known_hours() if (hour.address, hour.hour) not in self._shown]

    def _known_hours(self) -> list[Hour]:
        known = [hour for _, found in self._known.values() for hour in _newest(found)]
        return [hour for hour in known if hour.path not in self._refused]

    def ask(self, first: int, end: int) -> None:
        """Say for which time (ns) somebody waits: its hours are read before others."""
        self._asked = first, end

    def read_next(self) -> str | None:
        """Read one hour, of the time that was asked for last and the newest; return what went wrong, None when done.

        An empty text is said where one was read.
        """
        waiting = [hour for hour in self._known_hours() if not hour.path.exists()]
        if not waiting:
            return None
        first, end = self._asked or (0, 0)
        hour = max(waiting, key=lambda each: (each.first <= end and each.end >= first, each.first))
        try:
            hour.read()
        except ArgosyError as error:
            self._refused.add(hour.path)
            return str(error)
        return ""

    def _forget_old(self) -> None:
        """Remove what was read of hours that were read again since, and the columns of it."""
        from clients.web.columns.prepared import key_of

        while self._old:
            path = self._old.pop()
            with suppress(OSError):  # somebody else removed it
                for kept in self._cache.glob(f"{key_of(str(path))}.*"):
                    kept.unlink(missing_ok=True)
                path.unlink()


def _newest(found: list[Hour]) -> list[Hour]:
    """Return the hours that are shown: no more flows than there is room for; raises DatabaseError for a single one."""
    rows = 0
    kept: list[Hour] = []
    for hour in reversed(found):
        rows += hour.rows
        if rows > MOST_ROWS:
            break
        kept.append(hour)
    if found and not kept:
        raise DatabaseError(f"{found[-1].address}: an hour of more than {MOST_ROWS:,} flows")
    return kept[::-1]
