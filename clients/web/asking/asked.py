"""A question on its way: whether it still counts, and for how long it may go on."""

from __future__ import annotations

import threading
import time

from clients.web.errors import SupersededError, TimeoutExceededError


class Asked:
    """Looked at between the steps of an answer: `check` raises when nobody waits any more or it takes too long."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._left = threading.Event()

    def leave(self) -> None:
        """Say that nobody waits for the answer."""
        self._left.set()

    def check(self) -> None:
        """Raise SupersededError or TimeoutExceededError when there is no use in going on."""
        if self._left.is_set():
            raise SupersededError("another question took the place of this one")
        if time.monotonic() > self._end:
            raise TimeoutExceededError(
                f"the answer took longer than {self.seconds:g} s: ask about less time, or with a narrower filter"
            )
