"""Events in files: Avro object containers of what travels on the bus."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Self

from sinks.formats.container import ContainerWriter, read_blocks
from topics.errors import DecodeError, InputError
from topics.events.codec import EVENT_RECORD, read_event
from topics.schema import revisions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from topics.events import EventRecord

SUFFIX = ".events"
WHAT = "events"
AT_ONCE = 256
AT_ONCE_BYTES = 4 << 20


class EventWriter(ContainerWriter):
    """Writes messages, some at a time; the file appears whole, on closing. Raises OutputError naming it."""

    def __init__(self, path: str) -> None:
        super().__init__(path, EVENT_RECORD)
        self._waiting: list[bytes] = []
        self._bytes = 0

    def write(self, message: bytes) -> None:
        """Add the message of an event."""
        self._waiting.append(message)
        self._bytes += len(message)
        if len(self._waiting) >= AT_ONCE or self._bytes >= AT_ONCE_BYTES:
            self._flush()

    def close(self) -> None:
        """Let the file appear."""
        self._flush()
        super().close()

    def _flush(self) -> None:
        if self._waiting:
            self.put(self._waiting)
            self._waiting, self._bytes = [], 0


class LateEventWriter:
    """Writes a file as EventWriter does, if there is an event at all."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._writer: EventWriter | None = None

    def write(self, message: bytes) -> None:
        """Add the message of an event."""
        self._writer = self._writer or EventWriter(self._path)
        self._writer.write(message)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.__exit__(kind, error, trace)


def read_events(path: str) -> Iterator[EventRecord]:
    """Yield the events of a file; raises InputError naming it when it is something else or damaged."""
    for count, value, writer in read_blocks(path, (EVENT_RECORD, *revisions(EVENT_RECORD)), WHAT):
        source = io.BytesIO(value)
        for _ in range(count):
            try:
                yield read_event(source, writer)
            except DecodeError as error:
                raise InputError(f"{path}: no Avro file of {WHAT}, or a damaged one: {error}") from error
