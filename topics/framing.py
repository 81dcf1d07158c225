"""How a message names the schema of its value: by id in a registry when there is one, else by fingerprint."""

from __future__ import annotations

import functools
import json
import struct
from typing import Any

from topics import single_object
from topics.errors import DecodeError
from topics.registry import configured_registry
from topics.schema import schema_json, schema_text

MAGIC = b"\x00"
ID = struct.Struct(">BI")
MOST_SCHEMAS = 256
_registry = functools.cache(configured_registry)


def frame(schema_name: str, payload: bytes) -> bytes:
    """Put before a value what names its schema: Confluent's wire format, or Avro's single-object encoding."""
    registry = _registry()
    number = registry.known_id(_subject(schema_name), schema_text(schema_name)) if registry is not None else None
    return single_object.wrap(schema_name, payload) if number is None else ID.pack(0, number) + payload


def unframe(data: bytes | memoryview, base: str) -> tuple[str, memoryview]:
    """Return the writer's schema of a message, by its name or as its text (see `schema_of`), and the value.

    `base` is the schema that is expected, in any of its revisions. Raises DecodeError when it is another one.
    """
    if bytes(data[:1]) == MAGIC:
        return _by_id(data, base), memoryview(data)[ID.size :]
    name, payload = single_object.unwrap(data)
    if name.partition("/")[0] != base:
        raise DecodeError(f"a {name}, not a {base},", 0)
    return name, payload


def schema_of(writer: str) -> dict[str, Any]:
    """Return a schema, parsed, given its name or its text."""
    parsed: dict[str, Any] = json.loads(writer) if writer.startswith("{") else schema_json(writer)
    return parsed


def _by_id(data: bytes | memoryview, base: str) -> str:
    registry = _registry()
    if len(data) < ID.size:
        raise DecodeError("no schema id", 0)
    number = ID.unpack_from(data)[1]
    if registry is None:
        raise DecodeError(f"schema id {number}, and no schema registry is set", 1)
    text = registry.schema(number)
    full_name = _full_name(text)
    if full_name is None:
        raise DecodeError(f"schema id {number} is no record", 1)
    if full_name != _subject(base):
        raise DecodeError(f"a {full_name}, not a {base},", 0)
    return text


@functools.lru_cache(MOST_SCHEMAS)
def _full_name(text: str) -> str | None:
    """Return the full name of the record that a schema describes; None when it describes something else."""
    try:
        schema = json.loads(text)
        return f"{schema.get('namespace', '')}.{schema['name']}" if schema["type"] == "record" else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


@functools.cache
def _subject(schema_name: str) -> str:
    """Return the full name of a record: subjects are named after it (RecordNameStrategy)."""
    schema = schema_json(schema_name)
    return f"{schema['namespace']}.{schema['name']}"
