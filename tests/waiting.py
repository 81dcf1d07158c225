"""Waiting for what other processes and threads do: ask again, a little later each time, until it is too late.

Asking without a pause would take the processors from those that are waited for.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

PATIENCE_SECONDS = 90.0
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.2  # seconds

Answer = TypeVar("Answer")


def wait_until(
    condition: Callable[[], Answer],
    what: str = "what is waited for",
    seconds: float = PATIENCE_SECONDS,
    process: subprocess.Popen[bytes] | subprocess.Popen[str] | None = None,
) -> Answer:
    """Return the first answer that is true; AssertionError when time is over or the process that does it ended."""
    end, pause, idle = time.monotonic() + seconds, FIRST_PAUSE, threading.Event()
    while not (answer := condition()):
        assert time.monotonic() < end, f"no {what} within {seconds:g} s"
        assert process is None or process.poll() is None, (f"no {what}: it ended", process.communicate())
        idle.wait(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    return answer
