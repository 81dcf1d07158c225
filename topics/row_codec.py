"""Arrays of flat records as Avro, both ways, by the kernels of flow records: for batches other than those of flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from topics.codec_kernels import decode_records, encode_records
from topics.codec_table import codec_table
from topics.errors import DecodeError, OutputError
from topics.schema import Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from topics.avro_reader import AvroReader
    from topics.batch import Heap, Records

PADDING = 32


class RowCodec:
    """Encodes and decodes an array of one record type.

    `record` is its schema (parsed JSON) with a `store` beside each type, `dtype` its layout in memory: a field of bytes
    or text F is `F_offset` and `F_length` (uint32) into a heap, a fixed field an array of uint8. `written` is another
    revision of the schema that somebody wrote with, for decoding: its fields that are not ours are skipped, and ours
    that it does not have are zero or empty. Raises DecodeError when ours cannot be made from it.
    """

    def __init__(
        self, record: Mapping[str, Any], dtype: np.dtype[np.void], written: Mapping[str, Any] | None = None
    ) -> None:
        self._dtype, self._name = dtype, record["name"]
        fields = _fields(record)
        self._lengths = [f"{field.name}_length" for field in fields if field.store == "heap"]
        self._table = codec_table(written or record, fields, dtype)

    def encode(self, records: Records, heap: Heap) -> tuple[memoryview, Any]:
        """Return records as Avro binary, without the counts around them, and the position behind each (uint64).

        Raises OutputError naming the record whose bytes do not lie in the heap.
        """
        ends = np.zeros(len(records), np.uint64)
        if not len(records):
            return memoryview(b""), ends
        table, records = self._table, np.require(records, None, ["C", "A", "W"])
        lengths = sum(int(records[name].sum(dtype=np.int64)) for name in self._lengths)
        out = np.empty((len(records) + 1) * table.longest + lengths, np.uint8)
        stop, written, wrong = encode_records(
            *table.columns[:4],
            *_views(records),
            np.require(heap, None, ["C", "A", "W"]),
            np.uint64(0),
            np.uint64(table.longest),
            out,
            ends,
        )
        if wrong:
            raise OutputError(f"{self._name} {int(stop)} does not lie in the heap of its batch")
        return out[: int(written)].data, ends

    def decode(self, reader: AvroReader) -> tuple[Records, Heap]:
        """Return the array that comes next, and the heap of its bytes; raises DecodeError."""
        table, start, size = self._table, reader.at, len(reader.data)
        padded = np.zeros(size + table.longest + PADDING, np.uint8)
        padded[start:size] = np.frombuffer(reader.data, np.uint8)[start:]
        heap, used, blocks = np.empty(size, np.uint8), 0, [np.zeros(0, self._dtype)]
        while True:
            count, end = reader.block(table.shortest)
            if not count:
                return np.concatenate(blocks), heap[:used].copy()
            records = np.zeros(count, self._dtype)
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
                raise DecodeError(f"{self._name} {int(whole)} is damaged", int(at))
            reader.at, used = int(at), int(filled)
            reader.check_block_end(end)
            blocks.append(records)


def _fields(record: Mapping[str, Any]) -> list[Field]:
    fixed = {}
    fields = []
    for spec in record["fields"]:
        kind, symbols = spec["type"], ()
        if isinstance(kind, dict) and kind["type"] == "fixed":
            fixed[kind["name"]] = kind["size"]
            kind = kind["name"]
        elif isinstance(kind, dict):
            kind, symbols = kind["type"], tuple(kind["symbols"])
        store = f"S{fixed[kind]}" if kind in fixed else spec.get("store", "")
        fields.append(Field(spec["name"], "fixed" if kind in fixed else kind, store, "", spec["doc"], symbols=symbols))
    return fields


def _views(records: Records) -> tuple[Any, Any, Any, Any]:
    return records.view(np.uint8), records.view(np.uint16), records.view(np.uint32), records.view(np.uint64)
