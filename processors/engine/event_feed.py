"""Events from their topic into what attributes flows, in the thread that asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.engine.catching_up import catch_up
from topics.bus import Subscriber
from topics.events import decode_event

if TYPE_CHECKING:
    from processors.attribution import Attributor
    from topics.events import EventRecord

RECEIVE_SECONDS = 0.1
MOST_ROUNDS = 20  # of receiving at a time: flows wait meanwhile


class EventFeed:
    """Teaches an attributor all events that were published from `since` (seconds since the epoch) on.

    Raises BusError.
    """

    def __init__(self, url: str, topic: str, attributor: Attributor, *, since: float, patience: float) -> None:
        self._attributor, self._patience = attributor, patience
        self.events = 0
        self._subscriber: Subscriber[EventRecord] = Subscriber(
            url, topic, decode=decode_event, dead_letters=None, since=since
        )

    def start(self) -> None:
        """Read what the topic holds, to its end."""
        catch_up(self._subscriber, lambda: self._take(RECEIVE_SECONDS), self._patience)

    def learn(self) -> None:
        """Take what came, without waiting."""
        rounds = 0
        while rounds < MOST_ROUNDS and self._take(0):
            rounds += 1

    def _take(self, seconds: float) -> int:
        received = self._subscriber.receive(seconds)
        for each in received:
            self._attributor.learn(each.value)
        self.events += len(received)
        return len(received)
