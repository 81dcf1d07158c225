"""What events tell of hosts while flows are looked at: of files, directories and topics, by a thread of its own."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from topics.errors import ArgosyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from topics.events import EventRecord

KEPT = 20_000  # rows of all hosts
ROWS = 4_096  # of one event
LONGEST = 240  # characters of a row that is shown
WAIT = 0.2  # seconds between looks whether to stop
BEFORE = 3600  # seconds of a topic that are read before what comes


class ToldOfHosts:
    """Rows of events by the addresses in them, the newest KEPT of those that came."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._rows: deque[tuple[float, frozenset[str], str]] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="argosy-events", daemon=True)
        self.error = ""

    def __bool__(self) -> bool:
        """Whether any events are read."""
        return bool(self._names)

    def start(self) -> None:
        """Begin to read."""
        if self._names:
            self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._stopped.set()

    def of(self, addresses: Iterable[str], most: int) -> list[str]:
        """Return the last rows that name one of some addresses, oldest first."""
        wanted = set(addresses)
        with self._lock:
            found = [(when, line) for when, named, line in self._rows if named & wanted]
        return [line for _, line in sorted(found)[-most:]]

    def learn(self, event: EventRecord) -> None:
        """Take note of the rows of an event that name addresses."""
        rows = list(_rows(event))
        with self._lock:
            self._rows.extend(rows)

    def _run(self) -> None:
        from clients.reading.event_files import events_of
        from clients.reading.source_names import SCHEME

        topics = [name for name in self._names if name.startswith(SCHEME)]
        try:
            for event in events_of([name for name in self._names if name not in topics]):
                self.learn(event)
                if self._stopped.is_set():
                    return
            if topics:
                self._follow(topics)
        except (ArgosyError, OSError) as error:
            self.error = str(error)

    def _follow(self, topics: Sequence[str]) -> None:
        from contextlib import ExitStack

        from clients.reading.source_names import topic_address
        from topics.bus import Subscriber
        from topics.events import decode_event

        begin = time.time() - BEFORE
        with ExitStack() as stack:
            subscribers = [
                stack.enter_context(
                    Subscriber(*topic_address(name), decode=decode_event, since=begin, dead_letters=None)
                )
                for name in topics
            ]
            while not self._stopped.is_set():
                for subscriber in subscribers:
                    for received in subscriber.receive(WAIT):
                        self.learn(received.value)


def _rows(event: EventRecord) -> Iterator[tuple[float, frozenset[str], str]]:
    """Yield when, of which addresses and what an event tells in its tables, a line for each row."""
    from clients.events.raevent import described, readable

    found = described(event)
    clock = time.strftime("%H:%M:%S", time.localtime(found["start"]))
    head = f"{clock} {readable(event.probe)} {readable(event.source)}"
    for table, rows in found["body"].items():
        for row in (rows if isinstance(rows, list) else ())[:ROWS]:
            told = {name: value for name, value in row.items() if value not in ("", 0, "*", {}, [], None)}
            addresses = frozenset(value for value in told.values() if isinstance(value, str))
            text = " ".join(f"{name}={readable(str(value))}" for name, value in told.items())
            yield found["start"], addresses, f"{head} {table}: {text}"[:LONGEST]
