"""ControlBatch as Avro: the header with fastavro, the payloads in the kernels that encode flow records.

One message a payload would cost as much as the payload: a batch, as for flow records, is what the topic carries.
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from fastavro import parse_schema, schemaless_writer

from topics import single_object
from topics.avro_reader import AvroReader
from topics.codec_kernels import decode_records, encode_records
from topics.codec_table import CodecTable, codec_table
from topics.control.batch import CONTROL_DTYPE, ControlBatch
from topics.errors import DecodeError, OutputError
from topics.schema import Field, schema_json

if TYPE_CHECKING:
    from topics.batch import Heap, Records

CONTROL_BATCH = "control-batch.v1"
HEADER = ("site", "probe", "interface", "boot_id", "partition", "sequence")
COUNT_BYTES = 10
PADDING = 32


@functools.cache
def _fields() -> tuple[tuple[str, Any], ...]:
    return tuple((field["name"], field["type"]) for field in schema_json(CONTROL_BATCH)["fields"])


@functools.cache
def _header_schema() -> Any:  # noqa: ANN401 - fastavro's parsed schemas have no type of their own
    schema = schema_json(CONTROL_BATCH)
    return parse_schema(schema | {"fields": [each for each in schema["fields"] if each["name"] != "records"]})


@functools.cache
def _table() -> CodecTable:
    record = dict(_fields())["records"]["items"]
    return codec_table(record, [_field(spec) for spec in record["fields"]], CONTROL_DTYPE)


def _field(spec: dict[str, Any]) -> Field:
    kind = spec["type"] if spec["name"] not in {"src_address", "dst_address"} else "fixed"
    return Field(spec["name"], kind, spec.get("store", "S16"), "", spec["doc"])


def encode_control(batch: ControlBatch) -> bytes:
    """Return the message that carries a batch, whatever its size."""
    return encode_control_messages(batch, 2**63)[0]


def encode_control_messages(batch: ControlBatch, limit: int) -> list[bytes]:
    """Return the messages that carry a batch, numbered from its sequence on, of at most `limit` bytes or one record.

    Raises OutputError naming the record whose payload does not lie in the heap.
    """
    payload, ends = _encoded(batch)
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
    name, payload = single_object.unwrap(data)
    if name != CONTROL_BATCH:
        raise DecodeError(f"a {name}, not a {CONTROL_BATCH},", 0)
    reader = AvroReader(payload)
    values: dict[str, Any] = {}
    for field, kind in _fields():
        values[field] = _records(reader) if field == "records" else reader.value(kind)
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


def _encoded(batch: ControlBatch) -> tuple[memoryview, Any]:
    """Return the records as Avro binary, and the position behind each, uint64 of shape (n,)."""
    ends = np.zeros(len(batch), np.uint64)
    if not len(batch):
        return memoryview(b""), ends
    table, records = _table(), np.require(batch.records, None, ["C", "A", "W"])
    lengths = int(records["payload_length"].sum(dtype=np.int64))
    out = np.empty((len(records) + 1) * table.longest + lengths, np.uint8)
    stop, written, wrong = encode_records(
        *table.columns[:4],
        *_views(records),
        np.require(batch.heap, None, ["C", "A", "W"]),
        np.uint64(0),
        np.uint64(table.longest),
        out,
        ends,
    )
    if wrong:
        raise OutputError(f"payload {int(stop)} does not lie in the heap of its batch")
    return out[: int(written)].data, ends


def _records(reader: AvroReader) -> tuple[Records, Heap]:
    table, start, size = _table(), reader.at, len(reader.data)
    padded = np.zeros(size + table.longest + PADDING, np.uint8)
    padded[start:size] = np.frombuffer(reader.data, np.uint8)[start:]
    heap, used, blocks = np.empty(size, np.uint8), 0, [np.zeros(0, CONTROL_DTYPE)]
    while True:
        count, end = reader.block(table.shortest)
        if not count:
            return np.concatenate(blocks), heap[:used].copy()
        records = np.zeros(count, CONTROL_DTYPE)
        whole, at, filled = decode_records(
            *table.columns,
            padded,
            np.uint64(reader.at),
            np.uint64(size),
            *_views(records),
            np.uint64(count),
            heap,
            np.uint64(used),
        )
        if int(whole) < count:
            raise DecodeError(f"payload {int(whole)} is damaged", int(at))
        reader.at, used = int(at), int(filled)
        reader.check_block_end(end)
        blocks.append(records)


def _views(records: Records) -> tuple[Any, Any, Any, Any]:
    return records.view(np.uint8), records.view(np.uint16), records.view(np.uint32), records.view(np.uint64)
