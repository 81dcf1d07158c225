"""Names from their topic into a table, beside whatever looks them up."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from processors.engine.catching_up import catch_up
from processors.engine.name_progress import NameProgress
from processors.names.table import NameTable
from topics.bus import Subscriber
from topics.bus.offsets import Offsets
from topics.errors import BusError
from topics.names import AddressName, decode_name

if TYPE_CHECKING:
    from processors.engine.settings import WorkerSettings

RECEIVE_SECONDS = 0.05
LOOK_SECONDS = 0.1


class NameFeed:
    """Reads all partitions of the topic from the beginning, in a thread; `table` holds what came.

    `start` returns when what was there is read. What is known of names is asked for only while somebody waits for it.
    Raises BusError.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        url, patience = settings.url, settings.broker_timeout
        self.table = NameTable()
        self._patience = patience
        self._failure: BusError | None = None
        self._stop = threading.Event()
        self._subscriber: Subscriber[AddressName] = Subscriber(
            url, settings.names_topic, decode=decode_name, dead_letters=None
        )
        self._offsets = Offsets(url, settings.names_group, patience)
        self._progress = NameProgress(self._offsets, settings.control_topic, settings.names_topic)
        self._wanted = self._looked = 0.0
        self._thread = threading.Thread(target=self._follow, daemon=True)

    @property
    def is_stalled(self) -> bool:
        """Whether names were given up, since nothing moves."""
        return self._progress.is_stalled

    def start(self) -> None:
        """Read what the topic holds, to its end, then go on in the background."""
        catch_up(self._subscriber, self._take, self._patience)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()
        self._subscriber.close()
        self._offsets.close()

    def want(self, due: float) -> None:
        """Find out whether everything until a time (monotonic, s) is known."""
        self._wanted = max(self._wanted, due)

    def known_until(self) -> float:
        """Return until when all names are known (monotonic, s); raises what ended the thread, if anything has."""
        if self._failure is not None:
            raise self._failure
        return self._progress.known_until

    def _follow(self) -> None:
        try:
            while not self._stop.is_set():
                self._take()
                self._look(time.monotonic())
        except BusError as error:
            self._failure = error

    def _look(self, now: float) -> None:
        progress = self._progress
        if progress.known_until >= self._wanted or now - self._looked < LOOK_SECONDS:
            return
        self._looked, was_stalled = now, progress.is_stalled
        progress.look(self._subscriber.reached, now)
        if progress.is_stalled and not was_stalled:
            structlog.get_logger().warning("names do not move on, flows go without waiting for them")

    def _take(self) -> int:
        received = self._subscriber.receive(RECEIVE_SECONDS)
        for each in received:
            self.table.add(each.value)
        return len(received)
