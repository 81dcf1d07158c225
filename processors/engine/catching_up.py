"""Reading what a topic holds before anything is looked up in it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from topics.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.bus import Subscriber


def catch_up(subscriber: Subscriber[Any], take: Callable[[], int], patience: float) -> None:
    """Call `take`, which says how many messages it took, until the end of the topic was reached.

    Raises BusError when nothing comes for `patience` seconds.
    """
    heard = time.monotonic()
    while subscriber.behind:
        if take():
            heard = time.monotonic()
        elif time.monotonic() - heard > patience:
            raise BusError(f"{subscriber.url}: topic {subscriber.topic}: no answer")
