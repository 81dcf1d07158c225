"""A batch as a Kafka message: FlowBatch in Avro, behind what names the schema it was written with."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from topics import single_object
from topics.codec import WriterSchema, decode_written, encode_batch, encode_cut, writer_schema
from topics.framing import MOST_SCHEMAS, frame, schema_of, unframe, unreadable
from topics.schema import FLOW_BATCH

if TYPE_CHECKING:
    from topics.batch import FlowBatch


def encode_message(batch: FlowBatch) -> bytes:
    """Return the message that carries a batch."""
    return frame(FLOW_BATCH, encode_batch(batch))


def encode_messages(batch: FlowBatch, limit: int) -> list[bytes]:
    """Return the messages that carry a batch, numbered from its sequence on, of at most `limit` bytes or one record."""
    room = limit - single_object.HEADER
    return [frame(FLOW_BATCH, payload) for payload in encode_cut(batch, room)]


def decode_message(data: bytes | memoryview) -> FlowBatch:
    """Return the batch that a message carries; raises DecodeError."""
    writer, payload = unframe(data, FLOW_BATCH)
    return decode_written(payload, _prepared(writer))


@functools.lru_cache(MOST_SCHEMAS)
def _prepared(writer: str) -> WriterSchema:
    """Prepare the schema that somebody wrote with for decoding; raises DecodeError when ours cannot be made from it."""
    try:
        return writer_schema(schema_of(writer))
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(error) from None
