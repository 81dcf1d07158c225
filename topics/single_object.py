"""Avro single-object encoding: a value that names the schema it was written with (Avro specification 1.11, same title).

The header is C3 01 and the CRC-64-AVRO fingerprint of the schema's canonical form, least significant byte first.
"""

from __future__ import annotations

import functools
import json

from fastavro.schema import fingerprint, to_parsing_canonical_form

from topics.errors import DecodeError, UnknownSchemaError
from topics.schema import revisions, schema_json, schema_names

MARK = b"\xc3\x01"
HEADER = 10
MOST_LEARNED = 1024
_learned: dict[bytes, str] = {}


@functools.cache
def header(schema_name: str) -> bytes:
    """Return the ten bytes that go before values of a released schema."""
    return _header_of(canonical(schema_name))


def canonical(schema_name: str) -> str:
    """Return the canonical form of a released schema: all that a reader has to know of it."""
    return str(to_parsing_canonical_form(schema_json(schema_name)))


def learn(text: str) -> None:
    """Take note of a schema that is not ours, so that `unwrap` knows it; raises DecodeError when it is none.

    Of more than MOST_LEARNED the first ones are forgotten.
    """
    try:
        form = str(to_parsing_canonical_form(json.loads(text)))
    except Exception as error:  # noqa: BLE001 - fastavro lets through whatever a bad schema leads to
        raise DecodeError(f"no schema ({type(error).__name__})", 0) from None
    _learned[_header_of(form)] = form
    while len(_learned) > MOST_LEARNED:
        del _learned[next(iter(_learned))]


def _header_of(form: str) -> bytes:
    return MARK + bytes.fromhex(fingerprint(form, "CRC-64-AVRO"))


@functools.cache
def _schema_names() -> dict[bytes, str]:
    current = schema_names()
    released = [revision for name in current for revision in revisions(name)]
    return {header(name): name for name in (*released, *current)}


def wrap(schema_name: str, payload: bytes) -> bytes:
    """Put the header of a released schema before an Avro value."""
    return header(schema_name) + payload


def unwrap(data: bytes | memoryview) -> tuple[str, memoryview]:
    """Return the schema that a message was written with, by its name or its revision's, and its Avro value.

    A schema that was learned is returned as its text. Raises DecodeError when it is no single-object encoding, and
    UnknownSchemaError when the schema was neither released nor learned.
    """
    head = bytes(data[:HEADER])
    if len(head) < HEADER or not head.startswith(MARK):
        raise DecodeError("no Avro single-object encoding", 0)
    name = _schema_names().get(head) or _learned.get(head)
    if name is None:
        raise UnknownSchemaError(head[len(MARK) :].hex(), len(MARK))
    return name, memoryview(data)[HEADER:]
