"""Dead letters: what could not be read, kept with its reason and origin."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from topics import single_object
from topics.errors import DecodeError
from topics.schema import schema_json

DEAD_LETTER = "dead-letter.v1"
MOST_VALUE = 1024 * 1024  # a letter has to fit in a message, whatever it is about


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that could not be read."""

    topic: str
    partition: int
    offset: int
    reason: str
    value: bytes


@functools.cache
def _schema(name: str = DEAD_LETTER) -> Any:  # noqa: ANN401 - fastavro's parsed schemas have no type of their own
    return parse_schema(schema_json(name))


def dead_letter(topic: str, partition: int, offset: int, value: bytes, reason: str) -> bytes:
    """Return the message for the dead-letters topic; of a value that is too long for it, the beginning."""
    if len(value) > MOST_VALUE:
        reason = f"{reason}; of {len(value)} bytes the first {MOST_VALUE} are kept"
        value = value[:MOST_VALUE]
    out = io.BytesIO()
    letter = {"topic": topic, "partition": partition, "offset": offset, "reason": reason, "value": value}
    schemaless_writer(out, _schema(), letter)
    return single_object.wrap(DEAD_LETTER, out.getvalue())


def read_dead_letter(data: bytes) -> DeadLetter:
    """Return what a message of the dead-letters topic says; raises DecodeError."""
    name, payload = single_object.unwrap(data)
    if name.partition("/")[0] != DEAD_LETTER:
        raise DecodeError(f"a {name}, not a dead letter,", 0)
    try:
        letter = schemaless_reader(io.BytesIO(payload), _schema(name), _schema())
    except (EOFError, ValueError, IndexError, UnicodeDecodeError) as error:
        raise DecodeError(f"damaged dead letter ({error})", single_object.HEADER) from error
    return DeadLetter(**letter)  # type: ignore[arg-type]  # the schema is a record with exactly these fields
