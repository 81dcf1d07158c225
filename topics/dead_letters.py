"""Dead letters: what could not be read, kept with its reason and origin."""

from __future__ import annotations

import io
from dataclasses import dataclass

from fastavro import schemaless_writer

from topics import single_object
from topics.framing import avro_schema, read_record

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


def dead_letter(topic: str, partition: int, offset: int, value: bytes, reason: str) -> bytes:
    """Return the message for the dead-letters topic; of a value that is too long for it, the beginning."""
    if len(value) > MOST_VALUE:
        reason = f"{reason}; of {len(value)} bytes the first {MOST_VALUE} are kept"
        value = value[:MOST_VALUE]
    out = io.BytesIO()
    letter = {"topic": topic, "partition": partition, "offset": offset, "reason": reason, "value": value}
    schemaless_writer(out, avro_schema(DEAD_LETTER), letter)
    return single_object.wrap(DEAD_LETTER, out.getvalue())


def read_dead_letter(data: bytes) -> DeadLetter:
    """Return what a message of the dead-letters topic says; raises DecodeError."""
    return DeadLetter(**read_record(data, DEAD_LETTER))
