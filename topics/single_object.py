"""Avro single-object encoding: a value that names the schema it was written with (Avro specification 1.11, same title).

The header is C3 01 and the CRC-64-AVRO fingerprint of the schema's canonical form, least significant byte first.
"""

from __future__ import annotations

import functools

from fastavro.schema import fingerprint, to_parsing_canonical_form

from topics.errors import DecodeError
from topics.schema import revisions, schema_json, schema_names

MARK = b"\xc3\x01"
HEADER = 10


@functools.cache
def header(schema_name: str) -> bytes:
    """Return the ten bytes that go before values of a released schema."""
    canonical = to_parsing_canonical_form(schema_json(schema_name))
    return MARK + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


@functools.cache
def _schema_names() -> dict[bytes, str]:
    current = schema_names()
    released = [revision for name in current for revision in revisions(name)]
    return {header(name): name for name in (*released, *current)}


def wrap(schema_name: str, payload: bytes) -> bytes:
    """Put the header of a released schema before an Avro value."""
    return header(schema_name) + payload


def unwrap(data: bytes | memoryview) -> tuple[str, memoryview]:
    """Return the name of the schema, or of its revision, that a message was written with, and its Avro value.

    Raises DecodeError when it is no single-object encoding, or of a schema that was never released.
    """
    head = bytes(data[:HEADER])
    if len(head) < HEADER or not head.startswith(MARK):
        raise DecodeError("no Avro single-object encoding", 0)
    name = _schema_names().get(head)
    if name is None:
        raise DecodeError(f"schema with the unknown fingerprint {head[2:].hex()}", len(MARK))
    return name, memoryview(data)[HEADER:]
