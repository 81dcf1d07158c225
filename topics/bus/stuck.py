"""Calls of librdkafka that may never come back, whatever time limit they were given."""

from __future__ import annotations

import time
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_SECONDS = 0.2


class StuckError(Exception):
    """A call did not come back, or was given up before it did."""


def within(seconds: float, call: Callable[[], object], given_up: Callable[[], bool]) -> None:
    """Make a call in a thread of its own, and raise what it raises.

    Raises StuckError when it takes longer than `seconds`, or `given_up` says so meanwhile. It then goes on, and with it
    whatever it holds, perhaps for ever.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again below
            raised.append(error)

    thread = Thread(target=run, name="librdkafka", daemon=True)
    thread.start()
    end = time.monotonic() + seconds
    while thread.is_alive():
        if time.monotonic() > end or given_up():
            raise StuckError
        thread.join(LOOK_SECONDS)
    if raised:
        raise raised[0]
