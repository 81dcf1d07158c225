"""Events as Avro, in messages of bounded size."""

from __future__ import annotations

import dataclasses
import functools
import io
from typing import TYPE_CHECKING, Any
from zlib import crc32

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from topics import single_object
from topics.definitions import MAX_MESSAGE_BYTES, MESSAGE_BYTES
from topics.errors import DecodeError
from topics.events.record import BODIES, EventRecord
from topics.schema import schema_json

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT_RECORD = "event-record.v1"
MOST_ROWS = 1000  # of a table in one record


@functools.cache
def _schema(name: str = EVENT_RECORD) -> Any:  # noqa: ANN401 - fastavro's parsed schemas have no type of their own
    return parse_schema(schema_json(name))


def load_schema() -> None:
    """Read from disk what encoding takes: a probe may give up its files before it has an event."""
    _schema()
    single_object.header(EVENT_RECORD)


def encode_event(event: EventRecord) -> bytes:
    """Return the message that carries an event."""
    out = io.BytesIO()
    values = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    values["body"] = None if event.body is None else (BODIES[event.kind], event.body)
    schemaless_writer(out, _schema(), values)
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
    schema, payload = single_object.unwrap(data)
    if schema.partition("/")[0] != EVENT_RECORD:
        raise DecodeError(f"a {schema}, not an {EVENT_RECORD},", 0)
    if len(payload) > MAX_MESSAGE_BYTES:
        raise DecodeError(f"an event of {len(payload)} bytes", 0)
    return read_event(io.BytesIO(payload), schema)


def read_event(source: io.BytesIO, schema: str = EVENT_RECORD) -> EventRecord:
    """Return the event that comes next in bytes without the name of their schema; raises DecodeError."""
    try:
        values: Any = schemaless_reader(source, _schema(schema), _schema(), return_record_name=True)
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
