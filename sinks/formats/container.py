"""Messages of the bus in a file: an Avro object container with their schema, a block for each batch of them."""

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
from topics.errors import InputError
from topics.schema import schema_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

MAGIC = b"Obj\x01"
SYNC = b"argosy-control-1"  # 16 bytes between blocks, as the Avro specification has it
METADATA = parse_schema({"type": "map", "values": "bytes"})


class ContainerWriter:
    """Writes messages of one schema as they come, compressed with snappy; the file appears whole, on closing.

    Raises OutputError naming the file.
    """

    def __init__(self, path: str, schema: str) -> None:
        self.path = path
        self._destination = Destination(path)
        metadata = {"avro.schema": json.dumps(schema_json(schema)).encode(), "avro.codec": b"snappy"}
        self._put(MAGIC, _value(METADATA, metadata), SYNC)

    def put(self, messages: Sequence[bytes]) -> None:
        """Add messages as one block."""
        value = b"".join([message[single_object.HEADER :] for message in messages])
        block = bytes(cramjam.snappy.compress_raw(value)) + crc32(value).to_bytes(4)
        self._put(_value("long", len(messages)), _value("long", len(block)), block, SYNC)

    def close(self) -> None:
        """Let the file appear."""
        self._destination.commit()

    def abort(self) -> None:
        """Leave nothing behind."""
        self._destination.abort()

    def _put(self, *parts: bytes) -> None:
        with writing_to(self.path):
            self._destination.stream.write(b"".join(parts))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()


def read_blocks(path: str, schemas: Sequence[str], what: str) -> Iterator[tuple[int, bytes, str]]:
    """Yield the blocks of a file: how many messages each holds, their bytes without what names the schema, its name.

    Raises InputError naming the file when it is damaged or of none of these schemas; `what` says what it should hold.
    """
    try:
        with Path(path).open("rb") as file:
            blocks: Any = fastavro.block_reader(file)
            written = _written(blocks.writer_schema, schemas)
            for block in blocks:
                yield block.num_records, block.bytes_.read(), written
    except Exception as error:  # fastavro lets through whatever damaged bytes lead to
        raise InputError(f"{path}: no Avro file of {what}, or a damaged one: {reason(error)}") from error


def _written(found: Any, schemas: Sequence[str]) -> str:  # noqa: ANN401 - a schema, parsed
    form = to_parsing_canonical_form(found)
    for name in schemas:
        if form == to_parsing_canonical_form(schema_json(name)):
            return name
    raise InputError("it has another schema")


def _value(schema: object, value: Any) -> bytes:  # noqa: ANN401 - whatever the schema describes
    out = io.BytesIO()
    schemaless_writer(out, schema, value)  # type: ignore[arg-type]  # a schema is a name or a dictionary
    return out.getvalue()
