"""FlowBatch as Avro binary: the few header fields here, all records in a kernel."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.avro_reader import AvroReader
from topics.batch import FlowBatch, Observer, records_like
from topics.codec_kernels import BYTES, DOUBLE, HEAP, LONG, SKIP_HEAP, TEXT, WORDS, decode_records, encode_records
from topics.codec_table import CodecTable, codec_table
from topics.errors import DecodeError, OutputError
from topics.record import FLOW_DTYPE, HEAP_FIELDS, empty_records
from topics.schema import FLOW_BATCH, schema_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from topics.batch import Heap, Records

HEADER_NUMBERS = ("boot_id", "partition", "sequence", "status_interval", "watermark")
HEADER = ("site", "probe", *HEADER_NUMBERS)
MOST_REMEMBERED, LONGEST_REMEMBERED = 8192, 1024  # probes whose observers are known, and bytes up to their end
TYPICAL_RECORD = 384
TYPICAL_HEAP = 2**18
COUNT_BYTES = 10
PADDING = 32
ONE = 2  # a count of one, as Avro writes it

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def encode_batch(batch: FlowBatch) -> bytes:
    """Return a batch as Avro binary of the schema flow-batch.v1.

    Raises OutputError naming the record and field that the schema cannot hold: heap bytes outside the heap, text that
    is no UTF-8, a cause without a name.
    """
    payload, _ = _encoded(batch)
    return _message(batch, len(batch), payload)


def encode_cut(batch: FlowBatch, limit: int) -> list[bytes]:
    """Return a batch as several, none of which has more than `limit` bytes unless it is one record.

    They are numbered from the sequence of the batch on. Raises OutputError as encode_batch does.
    """
    payload, ends = _encoded(batch)
    room = limit - len(_header(batch)) - COUNT_BYTES
    messages: list[bytes] = []
    start = begin = 0
    while start < len(batch) or not messages:
        stop = max(int(np.searchsorted(ends, begin + room, side="right")), min(start + 1, len(batch)))
        end = int(ends[stop - 1]) if stop else 0
        part = batch.replace(sequence=batch.sequence + len(messages))
        messages.append(_message(part, stop - start, payload[begin:end]))
        start, begin = stop, end
    return messages


def encode_each(batch: FlowBatch) -> list[bytes]:
    """Return each record as a batch of its own, with the names of its observer; raises OutputError as encode_batch."""
    payload, ends = _encoded(batch)
    known = {
        number: _header(_alone(batch, number)) + _long(1) for number in np.unique(batch.records["observer"]).tolist()
    }
    heads = [known[number] for number in batch.records["observer"].tolist()]
    places = [0, *ends.tolist()]
    return [
        b"".join((head, payload[begin:end], b"\0")) for head, begin, end in zip(heads, places, places[1:], strict=False)
    ]


def _alone(batch: FlowBatch, number: int) -> FlowBatch:
    observer = batch.observers.get(number)
    if observer is None:
        return FlowBatch(site=batch.site, probe=batch.probe)
    return FlowBatch(site=observer.site, probe=observer.probe, observers={number: observer})


def joined(messages: Iterable[memoryview], schema_name: str) -> Iterable[bytes]:
    """Join batches of one record each that are alike but for it, in order, so that they are decoded together.

    They were written with a released schema; raises DecodeError for what is damaged around the record.
    """
    head, payloads = b"", list[memoryview]()
    for message in messages:
        if not (payloads and message[: len(head)] == head and message[len(head)] == ONE):
            if payloads:
                yield _together(head, payloads)
            head, payloads = bytes(message[: _header_end(message, schema_name)]), []
        if len(message) < len(head) + 2 or message[len(head)] != ONE:
            raise DecodeError("no batch of one record", len(head))
        payloads.append(message[len(head) + 1 : -1])
    if payloads:
        yield _together(head, payloads)


def _together(head: bytes, payloads: list[memoryview]) -> bytes:
    return b"".join((head, _long(len(payloads)), *payloads, b"\0"))


def _header_end(message: memoryview, schema_name: str) -> int:
    reader = AvroReader(message)
    for name, kind in _released(schema_name).fields:
        if name == "records":
            break
        reader.value(kind)
    return reader.at


def decode_batch(data: bytes | memoryview, schema_name: str = FLOW_BATCH) -> FlowBatch:
    """Return the batch in Avro binary that was written with a released schema; raises DecodeError for anything else."""
    return decode_written(data, _released(schema_name))


def warm_up() -> None:
    """Compile the kernels."""
    decode_batch(encode_batch(FlowBatch(records=empty_records(1))))


class _Observers:
    """The observers that probes name in each message alike: those of the last one are compared instead of read."""

    def __init__(self) -> None:
        self._last: dict[Any, tuple[bytes, dict[int, Observer]]] = {}

    def read(self, reader: AvroReader, kind: Any, who: Any) -> dict[int, Observer]:  # noqa: ANN401 - an Avro type; a key
        """Return the observers that stand next in a message of somebody's; raises DecodeError."""
        start = reader.at
        raw, observers = self._last.get(who, (b"", {}))
        if raw and reader.data[start : start + len(raw)] == raw:  # an array ends by itself, so it ends there, too
            reader.at += len(raw)
            return observers
        found = {each["id"]: Observer(each["site"], each["probe"], each["interface"]) for each in reader.value(kind)}
        if len(self._last) >= MOST_REMEMBERED:
            self._last.clear()
        if reader.at <= LONGEST_REMEMBERED:
            self._last[who] = bytes(reader.data[start : reader.at]), found
        return found


@dataclass(frozen=True, slots=True)
class WriterSchema:
    """A batch schema that somebody wrote with: names and Avro types of the fields around the records, in order."""

    fields: tuple[tuple[str, Any], ...]
    table: CodecTable
    observers: _Observers = field(default_factory=_Observers, compare=False)


def writer_schema(schema: Mapping[str, Any]) -> WriterSchema:
    """Prepare a batch schema (parsed JSON) for decoding; raises DecodeError when ours cannot be made from it."""
    fields = tuple((field["name"], field["type"]) for field in schema["fields"])
    return WriterSchema(fields, codec_table(dict(fields)["records"]["items"]))


@functools.cache
def _released(schema_name: str) -> WriterSchema:
    return writer_schema(schema_json(schema_name))


def decode_written(data: bytes | memoryview, writer: WriterSchema) -> FlowBatch:
    """Return the batch in Avro binary of a writer's schema.

    Header fields and record fields that we do not have are skipped; those that the writer does not have take the values
    of an absent field. Raises DecodeError.
    """
    reader = AvroReader(data)
    values: dict[str, Any] = {}
    for name, kind in writer.fields:
        if name == "records":
            values[name] = _records(reader, writer.table)
        elif name == "observers":
            values[name] = writer.observers.read(reader, kind, (values.get("site"), values.get("probe")))
        else:
            values[name] = reader.value(kind)
    if reader.left:
        raise DecodeError("bytes after the end of the batch", reader.at)
    records, heap = values["records"]
    header = {name: values[name] for name in HEADER if name in values}
    return FlowBatch(records=records, heap=heap, observers=dict(values.get("observers", ())), **header)


def _records(reader: AvroReader, table: CodecTable) -> tuple[Records, Heap]:
    start, size = reader.at, len(reader.data)
    padded = np.zeros(size + table.longest + PADDING, np.uint8)
    padded[start:size] = np.frombuffer(reader.data, np.uint8)[start:]
    heap, used = np.empty(size, np.uint8), 0
    blocks = []
    while True:
        count, end = reader.block(table.shortest)
        if not count:
            break
        records, used = _block(reader, table, padded, count, heap, used)
        reader.check_block_end(end)
        blocks.append(records)
    joined = blocks[0] if len(blocks) == 1 else _joined(blocks)
    for name in table.absent:
        if name not in HEAP_FIELDS and (default := records_like(1)[name][0]).any():
            joined[name] = default
    return joined, heap[:used].copy()


def _joined(blocks: list[Records]) -> Records:
    joined = empty_records(sum(map(len, blocks)))
    row = 0
    for block in blocks:
        joined[row : row + len(block)] = block
        row += len(block)
    return joined


def _block(
    reader: AvroReader, table: CodecTable, padded: Bytes, count: int, heap: Heap, used: int
) -> tuple[Records, int]:  # fmt: skip
    words = np.zeros(count * (FLOW_DTYPE.itemsize // 8), np.uint64)  # NumPy takes long over views of records
    place, end = np.uint64(reader.at), np.uint64(len(reader.data))
    whole, at, used = decode_records(
        *table.columns, padded, place, end, *_views(words), np.uint64(count), heap, np.uint64(used)
    )
    reader.at = int(at)
    if int(whole) < count:
        raise _damage(reader, table, int(whole))
    return words.view(FLOW_DTYPE), int(used)


def _damage(reader: AvroReader, table: CodecTable, row: int) -> DecodeError:
    """Find out what the kernel, which reads a record as a whole, did not like about the one that begins here."""
    for index, name in enumerate(table.names):
        kind, extent, limit = (int(column[index]) for column in (table.columns[0], *table.columns[2:4]))
        try:
            _check_field(reader, kind, extent, limit // 2)
        except DecodeError as error:
            return DecodeError(f"record {row}: field '{name}': {error.reason}", error.offset)
    return DecodeError(f"record {row} is damaged", reader.at)


def _check_field(reader: AvroReader, kind: int, extent: int, most: int) -> None:
    if kind == TEXT:
        reader.text()
    elif kind in (HEAP, SKIP_HEAP):
        reader.take(reader.long())
    elif kind < DOUBLE:
        start, value = reader.at, reader.long()
        if LONG < kind < HEAP and most and not 0 <= value <= most:
            raise DecodeError(f"{value} is not between 0 and {most}", start)
    else:
        reader.take({DOUBLE: 8, WORDS: 8 * extent, BYTES: extent}.get(kind, extent))


def _views(records: np.ndarray[Any, Any]) -> tuple[Any, Any, Any, Any]:
    return records.view(np.uint8), records.view(np.uint16), records.view(np.uint32), records.view(np.uint64)


def _encoded(batch: FlowBatch) -> tuple[memoryview, Any]:
    """Return the records as Avro binary, and the position behind each, uint64 of shape (n,)."""
    ends = np.zeros(len(batch), np.uint64)
    if not len(batch):
        return memoryview(b""), ends
    parts = list(_encoded_parts(_in_place(batch.records), _in_place(batch.heap), ends))
    return parts[0] if len(parts) == 1 else memoryview(b"".join(parts)), ends


def _in_place(array: Any) -> Any:  # noqa: ANN401 - records or heap, returned as what they are
    """Return an array as kernels are compiled for: in one piece and writable. Others are rare, and copied."""
    return np.require(array, None, ["C", "A", "W"])


def _encoded_parts(records: Records, heap: Heap, ends: Any) -> Iterable[memoryview]:  # noqa: ANN401 - uint64, (n,)
    table = _released(FLOW_BATCH).table
    size = table.longest + TYPICAL_RECORD * len(records) + min(len(heap), TYPICAL_HEAP)
    views, row, before = _views(records), 0, 0
    while row < len(records):
        out = np.empty(size, np.uint8)
        stop, written, wrong = encode_records(
            *table.columns[:4], *views, heap, np.uint64(row), np.uint64(table.longest), out, ends
        )
        if wrong:
            raise OutputError(f"record {stop}: field '{table.names[int(wrong) - 1]}' holds what the schema cannot say")
        ends[row : int(stop)] += np.uint64(before)
        row, before = int(stop), before + int(written)
        size *= 2  # a record may be longer than all that was made ready
        yield out[: int(written)].data


def _message(batch: FlowBatch, count: int, payload: memoryview) -> bytes:
    records = (_long(count), payload) if count else ()
    return b"".join((_header(batch), *records, b"\0"))


def _header(batch: FlowBatch) -> bytes:
    parts = [_text(batch.site), _text(batch.probe), *(_long(int(getattr(batch, name))) for name in HEADER_NUMBERS)]
    if batch.observers:
        parts.append(_long(len(batch.observers)))
        for number, observer in batch.observers.items():
            parts += [_long(int(number)), _text(observer.site), _text(observer.probe), _text(observer.interface)]
    return b"".join((*parts, b"\0"))


def _text(text: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise OutputError(f"the name {text!a} cannot be written as UTF-8") from None
    return _long(len(data)) + data


def _long(value: int) -> bytes:
    if not -(2**63) <= value < 2**63:
        raise OutputError(f"the number {value} does not fit 64 bits")
    zigzag = (value << 1) ^ (value >> 63)
    out = bytearray()
    while zigzag > 0x7F:
        out.append((zigzag & 0x7F) | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)
