"""The state of an evaluator in messages of bounded size."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import dataclass

from fastavro import schemaless_writer

from topics import single_object
from topics.framing import avro_schema, read_record

ALERT_STATE = "alert-state.v1"


@dataclass(frozen=True, slots=True)
class StatePart:
    """One message; the attributes are those of the schema, where each is explained."""

    group: str
    number: int
    whole: bool
    part: int
    parts: int
    body: bytes


def encode_state(part: StatePart) -> bytes:
    """Return the message that carries a part."""
    out = io.BytesIO()
    schemaless_writer(out, avro_schema(ALERT_STATE), dataclasses.asdict(part))
    return single_object.wrap(ALERT_STATE, out.getvalue())


def decode_state(data: bytes | memoryview) -> StatePart:
    """Return the part that a message carries; raises DecodeError."""
    return StatePart(**read_record(data, ALERT_STATE))
