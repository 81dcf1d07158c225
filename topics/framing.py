"""How a message names the schema of its value: by id in a registry when there is one, else by fingerprint."""

from __future__ import annotations

import functools
import io
import json
import struct
from typing import Any

from fastavro import parse_schema, schemaless_reader

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
    writer, payload = single_object.unwrap(data)
    if writer.startswith("{"):
        _check_name(_full_name(writer), base)
    elif writer.partition("/")[0] != base:
        raise DecodeError(f"a {writer}, not a {base},", 0)
    return writer, payload


def schema_of(writer: str) -> dict[str, Any]:
    """Return a schema, parsed, given its name or its text."""
    parsed: dict[str, Any] = json.loads(writer) if writer.startswith("{") else schema_json(writer)
    return parsed


@functools.lru_cache(MOST_SCHEMAS)
def avro_schema(writer: str) -> Any:  # noqa: ANN401 - fastavro's parsed schemas have no type of their own
    """Return the same as fastavro wants it; raises DecodeError."""
    try:
        return parse_schema(schema_of(writer))
    except Exception as error:  # noqa: BLE001 - fastavro lets through whatever a bad schema leads to
        raise unreadable(error) from None


def read_record(data: bytes | memoryview, base: str) -> dict[str, Any]:
    """Return the record in a message, as our revision of its schema has it; raises DecodeError."""
    writer, payload = unframe(data, base)
    source = io.BytesIO(payload)
    theirs, ours = avro_schema(writer), avro_schema(base)
    try:
        record: Any = schemaless_reader(source, theirs, None if writer == base else ours)
    except Exception as error:  # noqa: BLE001 - fastavro lets through whatever damaged bytes lead to
        raise DecodeError(
            f"damaged {base} ({type(error).__name__})", len(data) - len(payload) + source.tell()
        ) from None
    return dict(record)


def unreadable(error: Exception) -> DecodeError:
    """Return what is raised for a writer's schema that leads to an error."""
    return DecodeError(f"a writer's schema that cannot be read ({type(error).__name__})", 0)


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
    _check_name(full_name, base)
    return text


def _check_name(full_name: str | None, base: str) -> None:
    if full_name != _subject(base):
        raise DecodeError(f"a {full_name}, not a {base},", 0)


@functools.lru_cache(MOST_SCHEMAS)
def _full_name(text: str) -> str | None:
    """Return the full name of the record that a schema describes; None when it describes something else."""
    try:
        schema = json.loads(text)
        space = schema.get("namespace")
        name = f"{space}.{schema['name']}" if space else str(schema["name"])  # as the canonical form has it
        return name if schema["type"] == "record" else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


@functools.cache
def _subject(schema_name: str) -> str:
    """Return the full name of a record: subjects are named after it (RecordNameStrategy)."""
    schema = schema_json(schema_name)
    return f"{schema['namespace']}.{schema['name']}"
