"""Records read by a thread of its own, at their own pace or as fast as they come, into a bounded queue."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING

from topics.batch import last_times, start_times
from topics.errors import ArgosyError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from topics.batch import FlowBatch

WAITING = 16  # batches
PIECE = 16_384  # records at a time
SECOND = 1_000_000_000
STEP = 0.25  # seconds between looks at the clock


class Feed:
    """Batches of `source`, taken by `take`; with `pace` as they happened, so many times as fast.

    `now` is the time of events: that of the newest record, and what has passed since on the clock of the machine.
    """

    def __init__(self, source: Iterable[FlowBatch], pace: float = 0) -> None:
        self._source, self._pace = source, pace
        self._queue: queue.Queue[FlowBatch] = queue.Queue(WAITING)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._newest, self._seen = 0, time.monotonic()
        self._begin, self._origin = 0.0, 0  # when the first record was given out, and its time
        self.ended = False
        self.error = ""
        self.records = 0

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._stopped.set()

    def take(self, seconds: float) -> list[FlowBatch]:
        """Return what has come, for no longer than so many seconds, without waiting for more."""
        end, taken = time.monotonic() + seconds, []
        while time.monotonic() < end:
            try:
                taken.append(self._queue.get_nowait())
            except queue.Empty:
                break
        for batch in taken:
            self.records += len(batch)
            newest = int(last_times(batch.records).max())
            if newest > self._newest:
                self._newest, self._seen = newest, time.monotonic()
        return taken

    @property
    def now(self) -> int:
        """How late it is, ns; after the end of the records, the time of the newest."""
        if not self._newest or (self.ended and self._queue.empty()):
            return self._newest
        return self._newest + int((time.monotonic() - self._seen) * (self._pace or 1) * SECOND)

    def _run(self) -> None:
        try:
            for batch in self._source:
                for start in range(0, len(batch), PIECE):
                    self._put(batch.select(slice(start, start + PIECE)))
                if self._stopped.is_set():
                    return
        except (ArgosyError, OSError) as error:
            self.error = str(error)
        finally:
            self.ended = True

    def _put(self, batch: FlowBatch) -> None:
        for part in self._paced(batch) if self._pace else (batch,):
            while not self._stopped.is_set():
                try:
                    self._queue.put(part, timeout=STEP)
                    break
                except queue.Full:
                    continue

    def _paced(self, batch: FlowBatch) -> Iterable[FlowBatch]:
        """Yield the records of each quarter of a second when it is over; those that are late come at once."""
        ends = last_times(batch.records)
        if not self._origin:
            self._begin, self._origin = time.monotonic(), int(start_times(batch.records).min())
        slots = ((ends - self._origin) / (SECOND * self._pace * STEP)).astype(int)
        order = ends.argsort(kind="stable")
        for slot in sorted(set(slots.tolist())):
            due = self._begin + slot * STEP
            while not self._stopped.is_set() and (wait := due - time.monotonic()) > 0:
                self._stopped.wait(min(wait, STEP))
            yield batch.select(order[slots[order] == slot])
