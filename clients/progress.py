"""How far reading has come, or the work after it, on standard error: only on a terminal, only when it takes long."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

PATIENCE = 1.0  # seconds before anything is shown
EVERY = 0.2
CLEAR = "\r\x1b[K"


class Progress:
    """A line that counts records and files or the like.

    Nothing where standard error is no terminal or output goes to one.
    """

    def __init__(self, parts: int, part: str = "file") -> None:
        self._parts, self._place, self._records, self._part = parts, 1, 0, part
        self._wanted = sys.stderr.isatty() and not sys.stdout.isatty()
        self._next = time.monotonic() + PATIENCE
        self._shown = False

    def show(self, records: int) -> None:
        """Count records that were read."""
        self._records += records
        now = time.monotonic()
        if self._wanted and now >= self._next:
            self._next, self._shown = now + EVERY, True
            sys.stderr.write(f"{CLEAR}{self._records:,} records, {self._part} {self._place} of {self._parts}")
            sys.stderr.flush()

    def next(self) -> None:
        """Count a file that was read to its end, or whatever the line counts."""
        self._place = min(self._place + 1, self._parts)

    def clear(self) -> None:
        """Take the line away, for one that stays."""
        if self._shown:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
