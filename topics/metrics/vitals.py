"""Whether a program lives and can serve: what its loops and connections say of themselves, for any thread to read."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

STALE_SECONDS = 120.0  # without a turn of a loop: nothing that a program waits for by itself takes so long
START_SECONDS = 600.0  # after the start, during which turns may take longer: kernels may have to be compiled


class Check(NamedTuple):
    """One thing that was looked at: whether it is well, and why, for people."""

    name: str
    ok: bool
    reason: str


class Vitals:
    """The loops of a program, each of which says now and then that it turned, and what it takes to serve.

    `clock` is monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._began = self._clock()
        self._turns: dict[str, float] = {}
        self._needs: dict[str, tuple[bool, str]] = {}

    def turned(self, loop: str) -> None:
        """Say that a loop makes progress, be it that it found nothing to do."""
        self._turns[loop] = self._clock()

    def ended(self, loop: str) -> None:
        """Say that a loop ended as it should."""
        self._turns.pop(loop, None)

    def needs(self, name: str) -> None:
        """Say that the program cannot serve before something is so, unless it has said so already."""
        with self._lock:
            self._needs.setdefault(name, (False, "not yet"))

    def settle(self, name: str, reason: str, *, ok: bool = True) -> None:
        """Say that something is so, or is no more."""
        with self._lock:
            self._needs[name] = ok, reason

    def forget(self, name: str) -> None:
        """Say that something matters no more."""
        with self._lock:
            self._needs.pop(name, None)

    @property
    def idle_seconds(self) -> float:
        """How long ago the loop turned that has not for longest; 0 without one."""
        now = self._clock()
        return max((now - turned for turned in list(self._turns.values())), default=0.0)

    def alive(self) -> list[Check]:
        """Return a check for each loop."""
        now, turns = self._clock(), dict(self._turns)
        if not turns:
            ok = now - self._began < START_SECONDS
            return [Check("start", ok, f"starting for {now - self._began:.0f} s")]
        starting = now - self._began < START_SECONDS
        return [
            Check(loop, starting or now - turned < STALE_SECONDS, f"turned {now - turned:.1f} s ago")
            for loop, turned in sorted(turns.items())
        ]

    def ready(self) -> list[Check]:
        """Return a check for each thing that it takes to serve."""
        with self._lock:
            needs = sorted(self._needs.items())
        return [Check(name, ok, reason) for name, (ok, reason) in needs] or [Check("start", ok=False, reason="not yet")]


VITALS = Vitals()
