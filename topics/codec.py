"""FlowBatch as Avro binary: the few header fields here, all records in a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from topics.batch import FlowBatch, Observer
from topics.codec_kernels import decode_records, encode_records
from topics.codec_table import codec_table
from topics.errors import DecodeError, OutputError
from topics.record import FLOW_DTYPE, HEAP_FIELDS, empty_records

if TYPE_CHECKING:
    from topics.batch import Heap, Records

VIEWS = (np.uint8, np.uint16, np.uint32, np.uint64)
TYPICAL_RECORD = 384
LONGEST_VARINT = 10
PADDING = 32

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def encode_batch(batch: FlowBatch) -> bytes:
    """Return a batch as Avro binary of the schema flow-batch.v1.

    Raises OutputError naming the record and field whose heap bytes lie outside the heap or are no UTF-8.
    """
    parts = [_header(batch)]
    if len(batch):
        parts += [_long(len(batch)), *_encoded(np.ascontiguousarray(batch.records), batch.heap)]
    return b"".join([*parts, b"\0"])


def decode_batch(data: bytes | memoryview) -> FlowBatch:
    """Return the batch in Avro binary of the schema flow-batch.v1; raises DecodeError for anything else."""
    message = bytes(data)
    reader = _Reader(message)
    values: dict[str, Any] = {"site": reader.text(), "probe": reader.text()}
    for name in ("boot_id", "partition", "sequence", "status_interval", "watermark"):
        values[name] = reader.long()
    if not -(2**31) <= values["partition"] < 2**31:
        raise DecodeError("partition number wider than an int", reader.at)
    observers = _observers(reader)
    records, heap = _decoded(reader)
    if reader.at != len(message):
        raise DecodeError("bytes after the end of the batch", reader.at)
    return FlowBatch(records=records, heap=heap, observers=observers, **values)


def warm_up() -> None:
    """Compile the kernels."""
    decode_batch(encode_batch(FlowBatch(records=empty_records(1))))


def _long(value: int) -> bytes:
    zigzag = (value << 1) ^ (value >> 63)
    out = bytearray()
    while zigzag > 0x7F:
        out.append((zigzag & 0x7F) | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)


def _text(text: str) -> bytes:
    data = text.encode()
    return _long(len(data)) + data


def _header(batch: FlowBatch) -> bytes:
    numbers = (batch.boot_id, batch.partition, batch.sequence, batch.status_interval, batch.watermark)
    parts = [_text(batch.site), _text(batch.probe), *(_long(int(number)) for number in numbers)]
    if batch.observers:
        parts.append(_long(len(batch.observers)))
        for number, observer in batch.observers.items():
            parts += [_long(number), _text(observer.site), _text(observer.probe), _text(observer.interface)]
    return b"".join([*parts, b"\0"])


def _encoded(records: Records, heap: Heap) -> list[bytes]:
    table = codec_table()
    views = [records.view(kind).reshape(-1) for kind in VIEWS]
    ends = np.zeros(len(records), np.uint64)
    heap_bytes = sum(int(records[f"{name}_length"].sum(dtype=np.uint64)) for name in HEAP_FIELDS)
    size = table.longest + (TYPICAL_RECORD * len(records)) + min(heap_bytes, len(heap) * len(HEAP_FIELDS))
    parts, row = [], 0
    while row < len(records):
        out = np.empty(size, np.uint8)
        row, written, wrong = encode_records(
            *table.columns, *views, heap, np.uint64(row), np.uint64(table.longest), out, ends
        )
        if wrong:
            raise OutputError(f"record {row}: field '{table.names[int(wrong) - 1]}' holds what the schema cannot say")
        parts.append(out[: int(written)].tobytes())
        if not written:  # one record with a heap longer than all that was made ready
            size *= 2
        row = int(row)
    return parts


def _decoded(reader: _Reader) -> tuple[Records, Heap]:
    table = codec_table()
    blocks: list[Records] = []
    padded = np.zeros((len(reader.data) + table.longest + PADDING) // 8 + 1, np.uint64)
    padded.view(np.uint8)[: len(reader.data)] = np.frombuffer(reader.data, np.uint8)
    heap, used = np.zeros(len(reader.data), np.uint8), 0
    while count := reader.block_count(table.shortest):
        records = np.zeros(count, FLOW_DTYPE)
        views = [records.view(kind).reshape(-1) for kind in VIEWS]
        place, end = np.uint64(reader.at), np.uint64(len(reader.data))
        whole, at, used = decode_records(
            *table.columns, padded, place, end, *views, np.uint64(count), heap, np.uint64(used)
        )
        reader.at = int(at)
        if int(whole) < count:
            raise DecodeError(f"record {int(whole)} is damaged or cut", reader.at)
        blocks.append(records)
    joined = blocks[0] if len(blocks) == 1 else np.concatenate([empty_records(0), *blocks])
    return joined, heap[: int(used)].copy()


def _observers(reader: _Reader) -> dict[int, Observer]:
    found: dict[int, Observer] = {}
    while count := reader.block_count(4):
        for _ in range(count):
            number = reader.long()
            found[number] = Observer(reader.text(), reader.text(), reader.text())
    return found


class _Reader:
    """Reads the fields before the records; every length is checked against the bytes there are."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def long(self) -> int:
        value = shift = 0
        start = self.at
        while True:
            if self.at >= len(self.data):
                raise DecodeError("message ends inside a number", start)
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift >= 7 * LONGEST_VARINT:
                raise DecodeError("number of more than ten bytes", start)
        if value >= 2**64:
            raise DecodeError("number wider than a long", start)
        return (value >> 1) ^ -(value & 1)

    def text(self) -> str:
        start, length = self.at, self.long()
        if not 0 <= length <= len(self.data) - self.at:
            raise DecodeError("text of an impossible length", start)
        text = self.data[self.at : self.at + length]
        self.at += length
        try:
            return text.decode()
        except UnicodeDecodeError:
            raise DecodeError("text that is not UTF-8", start) from None

    def block_count(self, shortest: int) -> int:
        """Return the items of the next array block, 0 at its end; `shortest` is the least one of them can take."""
        start, count = self.at, self.long()
        if count < 0:  # then the size of the block in bytes follows, for readers that skip it
            count = -count
            size = self.long()
            if not 0 <= size <= len(self.data) - self.at:
                raise DecodeError("array block of an impossible size", start)
        if count * shortest > len(self.data) - self.at:
            raise DecodeError("array block of more items than there are bytes", start)
        return count
