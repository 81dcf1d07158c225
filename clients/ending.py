"""SIGTERM while a file is written: what is half is taken away, as with Ctrl-C."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

TERMINATED = 128 + signal.SIGTERM  # as shells report it


@contextmanager
def undone_by_sigterm() -> Iterator[None]:
    """Let SIGTERM raise SystemExit within, unless somebody listens to it already, or it is ignored."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # who ends a whole group of processes often sends it twice
    raise SystemExit(TERMINATED)
