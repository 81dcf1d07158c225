"""ControlBatch as Avro: the header with fastavro, the payloads in the kernels that encode flow records.

One message a payload would cost as much as the payload: a batch, as for flow records, is what the topic carries.
"""

from __future__ import annotations

import functools
import io
from typing import Any

import numpy as np
from fastavro import parse_schema, schemaless_writer

from topics import single_object
from topics.avro_reader import AvroReader
from topics.control.batch import CONTROL_DTYPE, ControlBatch
from topics.errors import DecodeError
from topics.framing import MOST_SCHEMAS, schema_of, unframe, unreadable
from topics.row_codec import RowCodec
from topics.schema import schema_json

CONTROL_BATCH = "control-batch.v1"
HEADER = ("site", "probe", "interface", "boot_id", "partition", "sequence")
COUNT_BYTES = 10


Fields = tuple[tuple[str, Any], ...]


def _fields(schema: dict[str, Any]) -> Fields:
    return tuple((field["name"], field["type"]) for field in schema["fields"])


@functools.cache
def _header_schema() -> Any:  # noqa: ANN401 - fastavro's parsed schemas have no type of their own
    schema = schema_json(CONTROL_BATCH)
    return parse_schema(schema | {"fields": [each for each in schema["fields"] if each["name"] != "records"]})


@functools.lru_cache(MOST_SCHEMAS)
def _written(writer: str) -> tuple[Fields, RowCodec]:
    """Return the fields of a writer's schema and the codec of its records; raises DecodeError."""
    try:
        fields, ours = _fields(schema_of(writer)), _fields(schema_json(CONTROL_BATCH))
        return fields, RowCodec(dict(ours)["records"]["items"], CONTROL_DTYPE, dict(fields)["records"]["items"])
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(error) from None


def encode_control(batch: ControlBatch) -> bytes:
    """Return the message that carries a batch, whatever its size."""
    return encode_control_messages(batch, 2**63)[0]


def encode_control_messages(batch: ControlBatch, limit: int) -> list[bytes]:
    """Return the messages that carry a batch, numbered from its sequence on, of at most `limit` bytes or one record.

    Raises OutputError naming the record whose payload does not lie in the heap.
    """
    payload, ends = _written(CONTROL_BATCH)[1].encode(batch.records, batch.heap)
    messages: list[bytes] = []
    start = begin = 0
    while start < len(batch) or not messages:
        head = _header(batch.replace(sequence=batch.sequence + len(messages)))
        room = limit - len(head) - COUNT_BYTES - single_object.HEADER
        stop = max(int(np.searchsorted(ends, min(begin + room, 2**62), side="right")), min(start + 1, len(batch)))
        end = int(ends[stop - 1]) if stop else 0
        blocks = (_count(stop - start), payload[begin:end]) if stop > start else ()
        messages.append(single_object.wrap(CONTROL_BATCH, b"".join((head, *blocks, b"\0"))))
        start, begin = stop, end
    return messages


def decode_control(data: bytes | memoryview) -> ControlBatch:
    """Return the batch that a message carries; raises DecodeError."""
    writer, payload = unframe(data, CONTROL_BATCH)
    fields, codec = _written(writer)
    reader = AvroReader(payload)
    values: dict[str, Any] = {}
    for field, kind in fields:
        values[field] = codec.decode(reader) if field == "records" else reader.value(kind)
    if reader.left:
        raise DecodeError("bytes after the end of the batch", reader.at)
    records, heap = values["records"]
    return ControlBatch(records, heap, kinds=tuple(values["kinds"]), **{name: values[name] for name in HEADER})


def _header(batch: ControlBatch) -> bytes:
    out = io.BytesIO()
    schemaless_writer(out, _header_schema(), {name: getattr(batch, name) for name in HEADER} | {"kinds": batch.kinds})
    return out.getvalue()


def _count(value: int) -> bytes:
    out = io.BytesIO()
    schemaless_writer(out, "long", value)
    return out.getvalue()
