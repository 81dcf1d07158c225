"""Whole records in a column: each an Argosy message of one record, which any reader of Avro can read by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics import single_object
from topics.batch import FlowBatch, concatenate
from topics.codec import decode_batch, encode_each, joined
from topics.schema import FLOW_BATCH

if TYPE_CHECKING:
    from collections.abc import Iterable


def encoded(batch: FlowBatch) -> list[bytes]:
    """Return each record as bytes that say which schema they are of (Avro single-object encoding)."""
    return [single_object.wrap(FLOW_BATCH, message) for message in encode_each(batch)]


def decoded(blobs: Iterable[bytes]) -> FlowBatch:
    """Return the records of such bytes, in order; raises DecodeError.

    Those of one observer and schema, which is nearly all of them, are decoded together.
    """
    runs: list[tuple[str, list[memoryview]]] = []
    for blob in blobs:
        name, message = single_object.unwrap(blob)
        if not runs or runs[-1][0] != name:
            runs.append((name, []))
        runs[-1][1].append(message)
    return concatenate(decode_batch(data, name) for name, messages in runs for data in joined(messages, name))
