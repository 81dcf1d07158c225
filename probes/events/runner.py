"""All sources at work: a thread each, so that none waits for another, and one bounded queue of what they told."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import structlog

from probes.events.answer import FAILED, OK, Answer
from probes.events.asking import Told, open_source
from probes.events.parsing.text import short
from probes.events.schedule import Schedule
from topics.errors import InputError
from topics.events import EventRecord, encode_parts, with_output
from topics.metrics.table import EVENT_TROUBLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from probes.events.asking import Asked
    from probes.events.settings import EventSource

MOST_WAITING = 64 << 20  # bytes of messages that nobody took yet
STOP_SECONDS = 5.0
MOST_ERRORS = 2000
FAILED_OUTPUT = 4096  # of what a source said that nobody could read
log = structlog.get_logger()


class EventRunner:
    """Asks sources on their schedules from `start` on; `take` gives what they told, encoded, in order.

    Raises InputError when a listener cannot listen. `clock` is the packets', in ns since the epoch. What nobody takes
    in time is dropped and counted in `dropped`.
    """

    def __init__(
        self,
        sources: Iterable[EventSource],
        *,
        site: str,
        probe: str,
        boot_id: int,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._identity = site, probe, boot_id
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[tuple[EventRecord, bytes]] = deque()
        self._bytes = self._sequence = 0
        self.dropped = self.records = 0
        self._stopping = threading.Event()
        self.told = threading.Event()
        self._sources: list[tuple[EventSource, Asked]] = []
        try:
            for source in sources:
                self._sources.append((source, self._opened(source)))
        except BaseException:
            for _, asked in self._sources:
                asked.close()
            raise
        self._threads = [
            threading.Thread(target=self._work, args=pair, name=f"event {pair[0].label[:40]}", daemon=True)
            for pair in self._sources
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    @property
    def is_over(self) -> bool:
        """Whether every source was asked for the last time, as those that are asked once are."""
        return not any(thread.is_alive() for thread in self._threads)

    def take(self) -> list[tuple[EventRecord, bytes]]:
        """Return the events since the last time with the message of each."""
        with self._lock:
            self.told.clear()
            taken = list(self._waiting)
            self._waiting.clear()
            self._bytes = 0
        return taken

    def stop(self) -> None:
        """End all sources; what they told until now can still be taken."""
        self._stopping.set()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        for (_, asked), thread in zip(self._sources, self._threads, strict=True):
            if thread.ident is None:
                asked.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _opened(self, source: EventSource) -> Asked:
        try:
            return open_source(source, self._clock)
        except OSError as error:
            raise InputError(f"{source.label}: {error.strerror or error}") from None

    def _work(self, source: EventSource, asked: Asked) -> None:
        try:
            self._keep_asking(source, asked)
        finally:
            asked.close()

    def _keep_asking(self, source: EventSource, asked: Asked) -> None:
        schedule = Schedule(source.every, source.jitter)
        before = OK
        while (turn := schedule.next_time(time.monotonic())) is not None:
            due, missed = turn
            if source.listen:
                due, missed = 0.0, 0  # a listener waits by itself, and is never late
            if self._stopping.wait(max(0.0, due - time.monotonic())):
                return
            before = self._ask(source, asked, missed, before)
            if self._stopping.is_set():
                return

    def _ask(self, source: EventSource, asked: Asked, missed: int, before: str) -> str:
        """Ask once and queue what is told; return how it went."""
        started = self._clock()
        try:
            told = asked.ask(self._stopping.is_set)
        except Exception as error:  # noqa: BLE001 - a source that surprises us must not end, nor harm others
            told = [_surprise(source, error)]
        worst = next((each.answer for each in told if each.answer.status != OK), None)
        if worst:
            EVENT_TROUBLES.add(1, worst.status)
        if worst and worst.status != before:
            log.warning("event source", source=source.label, status=worst.status, reason=worst.reason)
        elif told and not worst and before != OK:
            log.warning("event source is well again", source=source.label)
        for number, each in enumerate(told):
            self._queue(self._record(source, each, started, missed if number == 0 else 0))
        return worst.status if worst else OK if told else before

    def _record(self, source: EventSource, told: Told, started: int, missed: int) -> EventRecord:
        site, probe, boot_id = self._identity
        answer = told.answer
        record = EventRecord(
            site, probe, boot_id, 0, source.label, told.kind, started, self._clock(),
            status=answer.status, exit_status=answer.exit_status, reason=short(answer.reason, 500),
            errors=answer.errors.decode("utf-8", "replace")[:MOST_ERRORS], missed=min(missed, 1 << 30),
            size=answer.size, body=told.body,
        )  # fmt: skip
        return with_output(record, kept(told.kind, answer, told.body), compress=source.compress)

    def _queue(self, record: EventRecord) -> None:
        with self._lock:
            for part, message in encode_parts(replace(record, sequence=self._sequence)):
                self._sequence = part.sequence + 1  # a gap tells of what was dropped
                if self._bytes + len(message) > MOST_WAITING:
                    self.dropped += 1
                    continue
                self._waiting.append((part, message))
                self._bytes += len(message)
                self.records += 1
            self.told.set()


def kept(kind: str, answer: Answer, body: object) -> bytes:
    """Return what is kept of an output: all of what has no table, the beginning of what could not be read."""
    if kind == "generic":
        return answer.output
    return b"" if body is not None else answer.output[:FAILED_OUTPUT]


def _surprise(source: EventSource, error: Exception) -> Told:
    return Told(Answer(status=FAILED, reason=f"{type(error).__name__} in a source of kind {source.kind}"), source.kind)
