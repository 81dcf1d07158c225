"""What signals that end a program do to a command; afterwards they do what they did before it."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


@contextmanager
def heeding(stop: Callable[[], None], reload: Callable[[], None] | None = None) -> Iterator[None]:
    """Call `stop` at SIGTERM and SIGINT, `reload` at SIGHUP; a second SIGTERM or SIGINT ends the process as ever."""
    before: dict[int, Any] = {}

    def ending(number: int, _frame: object) -> None:
        stop()
        signal.signal(number, before[number])

    for caught in (signal.SIGTERM, signal.SIGINT):
        before[caught] = signal.signal(caught, ending)
    if reload is not None:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda *_: reload())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Yield what SIGTERM and SIGINT set instead of ending the process, for services that run until then."""
    stop = threading.Event()
    with heeding(stop.set):
        yield stop
