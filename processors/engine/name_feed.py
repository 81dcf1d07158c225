"""Names from their topic into a table, beside whatever looks them up."""

from __future__ import annotations

import threading

from processors.engine.catching_up import catch_up
from processors.names.table import NameTable
from topics.bus import Subscriber
from topics.errors import BusError
from topics.names import AddressName, decode_name

RECEIVE_SECONDS = 0.1


class NameFeed:
    """Reads all partitions of the topic from the beginning, in a thread; `table` holds what came.

    `start` returns when what was there is read. Raises BusError, `check` what ended the thread.
    """

    def __init__(self, url: str, topic: str, patience: float) -> None:
        self.table = NameTable()
        self._patience = patience
        self._failure: BusError | None = None
        self._stop = threading.Event()
        self._subscriber: Subscriber[AddressName] = Subscriber(url, topic, decode=decode_name, dead_letters=None)
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """Read what the topic holds, to its end, then go on in the background; raises BusError when nothing comes."""
        catch_up(self._subscriber, self._take, self._patience)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()
        self._subscriber.close()

    def check(self) -> None:
        """Raise what ended the thread, if anything has."""
        if self._failure is not None:
            raise self._failure

    def _follow(self) -> None:
        try:
            while not self._stop.is_set():
                self._take()
        except BusError as error:
            self._failure = error

    def _take(self) -> int:
        received = self._subscriber.receive(RECEIVE_SECONDS)
        for each in received:
            self.table.add(each.value)
        return len(received)
