"""A batch as a Kafka message: Avro single-object encoding of FlowBatch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics import single_object
from topics.codec import decode_batch, encode_batch, encode_cut
from topics.errors import DecodeError
from topics.schema import FLOW_BATCH

if TYPE_CHECKING:
    from topics.batch import FlowBatch


def encode_message(batch: FlowBatch) -> bytes:
    """Return the message that carries a batch."""
    return single_object.wrap(FLOW_BATCH, encode_batch(batch))


def encode_messages(batch: FlowBatch, limit: int) -> list[bytes]:
    """Return the messages that carry a batch, numbered from its sequence on, of at most `limit` bytes or one record."""
    room = limit - single_object.HEADER
    return [single_object.wrap(FLOW_BATCH, payload) for payload in encode_cut(batch, room)]


def decode_message(data: bytes | memoryview) -> FlowBatch:
    """Return the batch that a message carries; raises DecodeError."""
    name, payload = single_object.unwrap(data)
    if name != FLOW_BATCH:
        raise DecodeError(f"a {name}, not a {FLOW_BATCH},", 0)
    return decode_batch(payload, name)
