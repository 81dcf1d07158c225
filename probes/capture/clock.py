"""The clock that waiting goes by: a test gives its own, and so never sleeps."""

from __future__ import annotations

import time

MILLISECOND = 1_000_000
WAIT = 200 * MILLISECOND  # the longest that anything waits before it looks whether it was stopped


class Clock:
    """The machine's: `now` in ns from some point on, never stepping back; `sleep` for so many ns."""

    def now(self) -> int:
        """Return the time, ns."""
        return time.monotonic_ns()

    def sleep(self, span: int) -> None:
        """Do nothing for `span` ns."""
        time.sleep(span / 1e9)
