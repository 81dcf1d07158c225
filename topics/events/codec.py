"""Events as Avro, in messages of bounded size."""

from __future__ import annotations

import dataclasses
import io
from typing import TYPE_CHECKING, Any
from zlib import crc32

from fastavro import schemaless_reader, schemaless_writer

from topics import single_object
from topics.definitions import MAX_MESSAGE_BYTES, MESSAGE_BYTES
from topics.errors import DecodeError
from topics.events.record import BODIES, EventRecord
from topics.framing import avro_schema, unframe

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT_RECORD = "event-record.v1"
MOST_ROWS = 1000  # of a table in one record


def load_schema() -> None:
    """Read from disk what encoding takes: a probe may give up its files before it has an event."""
    avro_schema(EVENT_RECORD)
    single_object.header(EVENT_RECORD)


def encode_event(event: EventRecord) -> bytes:
    """Return the message that carries an event."""
    out = io.BytesIO()
    values = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    values["body"] = None if event.body is None else (BODIES[event.kind], event.body)
    schemaless_writer(out, avro_schema(EVENT_RECORD), values)
    return single_object.wrap(EVENT_RECORD, out.getvalue())


def encode_parts(event: EventRecord) -> Iterator[tuple[EventRecord, bytes]]:
    """Yield an event, or the parts of one with longer tables, and the message of each; they are numbered from its own.

    No table is longer than MOST_ROWS and no message larger than MESSAGE_BYTES; a row that is too large alone is left
    out, and its event is `flooded`.
    """
    waiting, number = _cut(event, MOST_ROWS), 0
    while waiting:
        part = dataclasses.replace(waiting.pop(0), sequence=event.sequence + number, part=number)
        message = encode_event(part)
        if len(message) > MESSAGE_BYTES:
            longest = max((len(rows) for rows in _tables(part).values()), default=0)
            smaller = _cut(part, longest // 2) if longest > 1 else [_emptied(part)]
            waiting[:0] = smaller
            continue
        number += 1
        yield part, message


def decode_event(data: bytes | memoryview) -> EventRecord:
    """Return the event that a message carries; raises DecodeError."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise DecodeError(f"an event of {len(data)} bytes", 0)
    writer, payload = unframe(data, EVENT_RECORD)
    return read_event(io.BytesIO(payload), writer)


def read_event(source: io.BytesIO, writer: str = EVENT_RECORD) -> EventRecord:
    """Return the event that comes next in bytes without what names their schema; raises DecodeError."""
    theirs, ours = avro_schema(writer), avro_schema(EVENT_RECORD)
    try:
        values: Any = schemaless_reader(
            source, theirs, None if writer == EVENT_RECORD else ours, return_record_name=True
        )
    except Exception as error:  # noqa: BLE001 - fastavro lets through whatever damaged bytes lead to
        raise DecodeError(f"no {EVENT_RECORD} ({type(error).__name__})", source.tell()) from None
    body = values["body"]
    if body is not None:
        name, values["body"] = body
        if name != BODIES[values["kind"]]:
            raise DecodeError(f"an event of {values['kind']} with a body of {name}", source.tell())
    return EventRecord(**values)


def partition_of(site: str, probe: str, partitions: int) -> int:
    """Return the partition that holds all events of a probe, in order."""
    return crc32(f"{site}\0{probe}".encode()) % partitions


def _tables(event: EventRecord) -> dict[str, list[Any]]:
    return {name: value for name, value in (event.body or {}).items() if isinstance(value, list)}


def _cut(event: EventRecord, rows: int) -> list[EventRecord]:
    """Return the event in parts with so many rows of each table; counts and output stay with the first."""
    tables = _tables(event)
    parts = max([1, *(-(-len(table) // rows) for table in tables.values())])
    if parts == 1:
        return [event]
    cut = []
    for number in range(parts):
        body = dict(event.body or {}) if number == 0 else _without_counts(event)
        body |= {name: table[number * rows : (number + 1) * rows] for name, table in tables.items()}
        one = dataclasses.replace(event, body=body)
        cut.append(one if number == 0 else dataclasses.replace(one, output=b"", size=0, missed=0, errors=""))
    return cut


def _without_counts(event: EventRecord) -> dict[str, Any]:
    """Return the body for a later part, without what would be counted twice."""
    counted = {"destroyed", "unknown", "lost", "dropped", "others", "unreadable"}
    return {name: 0 if name in counted else value for name, value in (event.body or {}).items()}


def _emptied(event: EventRecord) -> EventRecord:
    """Return the event with nothing in it that is long."""
    return dataclasses.replace(event, body=None, output=b"", status="flooded", reason="too large for a message")
