"""DnsBatch as Avro: two arrays of flat records, which the kernels of flow records write and read."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from fastavro import parse_schema, schemaless_writer

from topics import single_object
from topics.avro_reader import AvroReader
from topics.dns.batch import DNS_DTYPE, RESOURCE_DTYPE, DnsBatch
from topics.errors import DecodeError
from topics.framing import MOST_SCHEMAS, schema_of, unframe, unreadable
from topics.row_codec import RowCodec
from topics.schema import schema_json

if TYPE_CHECKING:
    from collections.abc import Iterator

DNS_BATCH = "dns-batch.v1"
HEADER = ("site", "probe", "interface", "boot_id", "partition")
ARRAYS = {"transactions": DNS_DTYPE, "resources": RESOURCE_DTYPE}


Fields = tuple[tuple[str, Any], ...]


def _fields(schema: dict[str, Any]) -> Fields:
    return tuple((field["name"], field["type"]) for field in schema["fields"])


@functools.cache
def _header_schema() -> Any:  # noqa: ANN401 - fastavro's parsed schemas have no type of their own
    schema = schema_json(DNS_BATCH)
    return parse_schema(schema | {"fields": [each for each in schema["fields"] if each["name"] not in ARRAYS]})


@functools.lru_cache(MOST_SCHEMAS)
def _written(writer: str) -> tuple[Fields, dict[str, RowCodec]]:
    """Return the fields of a writer's schema and the codecs of its arrays; raises DecodeError."""
    try:
        fields, ours = _fields(schema_of(writer)), dict(_fields(schema_json(DNS_BATCH)))
        theirs = dict(fields)
        return fields, {
            name: RowCodec(ours[name]["items"], dtype, theirs[name]["items"]) for name, dtype in ARRAYS.items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(error) from None


def encode_dns(batch: DnsBatch) -> bytes:
    """Return the message that carries a batch; raises OutputError for bytes outside a heap."""
    out = io.BytesIO()
    schemaless_writer(out, _header_schema(), {name: getattr(batch, name) for name in HEADER})
    parts = [out.getvalue()]
    for name, records, heap in (
        ("transactions", batch.transactions, batch.heap),
        ("resources", batch.resources, batch.resource_heap),
    ):
        payload, _ = _written(DNS_BATCH)[1][name].encode(records, heap)
        parts += [_count(len(records)), bytes(payload)] if len(records) else []
        parts.append(b"\0")
    return single_object.wrap(DNS_BATCH, b"".join(parts))


def encode_dns_messages(batch: DnsBatch, limit: int) -> Iterator[bytes]:
    """Yield the messages that carry a batch, of at most `limit` bytes or one transaction."""
    value = encode_dns(batch)
    if len(value) <= limit or len(batch) < 2:
        yield value
        return
    middle = len(batch) // 2
    for start, stop in ((0, middle), (middle, len(batch))):
        yield from encode_dns_messages(cut(batch, start, stop), limit)


def cut(batch: DnsBatch, start: int, stop: int) -> DnsBatch:
    """Return some transactions that follow each other, with their resources; heaps are shared."""
    first, last = np.searchsorted(batch.resources["transaction"], [start, stop])
    resources = batch.resources[first:last].copy()
    resources["transaction"] -= np.uint32(start)
    return batch.replace(transactions=batch.transactions[start:stop], resources=resources)


def decode_dns(data: bytes | memoryview) -> DnsBatch:
    """Return the batch that a message carries; raises DecodeError."""
    writer, payload = unframe(data, DNS_BATCH)
    fields, codecs = _written(writer)
    reader = AvroReader(payload)
    values: dict[str, Any] = {}
    for field, kind in fields:
        values[field] = codecs[field].decode(reader) if field in codecs else reader.value(kind)
    if reader.left:
        raise DecodeError("bytes after the end of the batch", reader.at)
    transactions, heap = values["transactions"]
    resources, resource_heap = values["resources"]
    places = resources["transaction"]
    if len(places) and (int(places.max()) >= len(transactions) or (np.diff(places.astype(np.int64)) < 0).any()):
        raise DecodeError("a resource record of no transaction", 0)
    return DnsBatch(transactions, resources, heap, resource_heap, **{name: values[name] for name in HEADER})


def _count(value: int) -> bytes:
    out = io.BytesIO()
    schemaless_writer(out, "long", value)
    return out.getvalue()
