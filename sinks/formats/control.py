"""Control-plane payloads in a file: an Avro object container of the batches that travel on the bus."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from zlib import crc32

import cramjam
import fastavro
from fastavro import parse_schema, schemaless_writer
from fastavro.schema import to_parsing_canonical_form

from sinks.formats.destination import Destination, writing_to
from sinks.formats.names import reason
from topics import single_object
from topics.control import CONTROL_BATCH, decode_control, encode_control
from topics.errors import InputError
from topics.schema import schema_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from topics.control import ControlBatch

SUFFIX = ".control.avro"
MAGIC = b"Obj\x01"
SYNC = b"argosy-control-1"  # 16 bytes between blocks, as the Avro specification has it
METADATA = parse_schema({"type": "map", "values": "bytes"})


class ControlWriter:
    """Writes batches as they come, a block each, compressed with snappy; the file appears whole, on leaving.

    Raises OutputError naming the file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._destination = Destination(path)
        metadata = {
            "avro.schema": json.dumps(schema_json(CONTROL_BATCH)).encode(),
            "avro.codec": b"snappy",
        }
        self._put(MAGIC, _value(METADATA, metadata), SYNC)

    def write(self, batch: ControlBatch) -> None:
        """Add a batch."""
        value = encode_control(batch)[single_object.HEADER :]
        block = bytes(cramjam.snappy.compress_raw(value)) + crc32(value).to_bytes(4)
        self._put(_value("long", 1), _value("long", len(block)), block, SYNC)

    def _put(self, *parts: bytes) -> None:
        with writing_to(self.path):
            self._destination.stream.write(b"".join(parts))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._destination.commit()
        else:
            self._destination.abort()


def read_control(path: str) -> Iterator[ControlBatch]:
    """Yield the batches of a file; raises InputError naming it when it is something else or damaged."""
    try:
        with Path(path).open("rb") as file:
            blocks = fastavro.block_reader(file)
            for block in blocks:
                yield _batch(block)
    except Exception as error:  # fastavro lets through whatever damaged bytes lead to
        raise InputError(
            f"{path}: no Avro file of control-plane payloads, or a damaged one: {reason(error)}"
        ) from error


def _batch(block: Any) -> ControlBatch:  # noqa: ANN401 - fastavro has no public name for a block
    if to_parsing_canonical_form(block.writer_schema) != to_parsing_canonical_form(schema_json(CONTROL_BATCH)):
        raise InputError("it has another schema")
    if block.num_records != 1:
        raise InputError(f"it has a block of {block.num_records} batches")
    return decode_control(single_object.wrap(CONTROL_BATCH, block.bytes_.read()))


def _value(schema: object, value: object) -> bytes:
    out = io.BytesIO()
    schemaless_writer(out, schema, value)  # type: ignore[arg-type]  # a schema is a name or a dictionary, a value its kind
    return out.getvalue()
