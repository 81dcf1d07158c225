"""An Arrow IPC stream written a column at a time: what waits until all columns are there is compressed, and on disk."""

from __future__ import annotations

import io
import mmap
import os
import tempfile
from struct import Struct
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa

from sinks.formats.arrow_message import ALIGNED, Described, described, message
from topics.frame import ARROW_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable


LENGTH_BEFORE = Struct("<q")  # of a buffer: its bytes before they were compressed


class _Part(NamedTuple):
    """A column of one batch: what its metadata says, and where its body waits."""

    columns: Described
    start: int
    size: int


class ArrowColumns:
    """Takes each column of ARROW_SCHEMA once, in any order and from any thread, cut into the same batches."""

    def __init__(self, options: pa.ipc.IpcWriteOptions, codec: pa.Codec) -> None:
        self._options, self._codec = options, codec
        # Unbuffered, or closing it would try once more what a full disk refused. It lives until forget().
        self._waiting = tempfile.TemporaryFile(prefix="argosy-columns-", buffering=0)  # noqa: SIM115 - see above
        self._lock, self._size = Lock(), 0
        self._parts: dict[str, list[_Part]] = {}
        self._words: dict[str, pa.Array] = {}  # those of a dictionary

    def put(self, name: str, pieces: Iterable[pa.Array]) -> None:
        """Take a column: its part of each batch, of the types of ARROW_SCHEMA and with one dictionary in all.

        A part that is the same object as the one before is kept once. Raises OSError where there is no room.
        """
        kind, parts, before = ARROW_SCHEMA.field(name).type, list[_Part](), None
        for piece in pieces:
            if piece is not before:
                kept = self._kept(piece.indices if pa.types.is_dictionary(kind) else piece)
            parts.append(kept)
            before = piece
        if before is not None and pa.types.is_dictionary(kind):
            self._words[name] = before.dictionary
        self._parts[name] = parts

    def repeat(self, name: str, other: str) -> None:
        """Take a column that is the same as another of its type, without a dictionary, that was put."""
        self._parts[name] = self._parts[other]

    def _kept(self, piece: pa.Array) -> _Part:
        """Put a column of one batch aside, as pyarrow writes it where it is the only one."""
        columns, body = self._fixed(piece) if _is_fixed(piece) else self._written(piece)
        with self._lock:
            part = _Part(columns, self._size, len(body))
            self._put_aside(memoryview(body))
            self._size += part.size
        return part

    def _written(self, piece: pa.Array) -> tuple[Described, Any]:
        """Let pyarrow write a column; return what it says of it, and its body."""
        sink, data = pa.BufferOutputStream(), pa.record_batch([piece], ["column"])
        with pa.ipc.new_stream(sink, data.schema, options=self._options) as stream:
            stream.write_batch(data)
        _, batch = pa.ipc.MessageReader.open_stream(sink.getvalue())
        return described(batch.metadata.to_pybytes()), batch.body

    def _fixed(self, piece: pa.Array) -> tuple[Described, Any]:
        """Write a column of values of one length, which takes less than half as long as the way through a message."""
        validity, values = piece.buffers()
        known = validity.slice(0, (len(piece) + 7) // 8) if piece.null_count else None
        parts, buffers, place = list[Any](), list[tuple[int, int]](), 0
        for buffer in (known, values.slice(0, len(piece) * piece.type.bit_width // 8)):
            size = 0
            if buffer is not None:
                packed = self._codec.compress(buffer)
                size = LENGTH_BEFORE.size + packed.size
                parts += [LENGTH_BEFORE.pack(buffer.size), packed, bytes(-size % ALIGNED)]
            buffers.append((place, size))
            place += size + -size % ALIGNED
        nodes = np.array([[len(piece), piece.null_count]], np.int64)
        return Described(nodes, np.array(buffers, np.int64)), b"".join(parts)

    def _put_aside(self, body: memoryview) -> None:
        place = 0
        while place < len(body):  # a disk that is nearly full takes less than it is given
            place += os.pwrite(self._waiting.fileno(), body[place:], self._size + place)

    def write_to(self, stream: BinaryIO) -> None:
        """Write the stream without its end mark, batch by batch."""
        head, template = self._head()
        stream.write(head)
        columns = [self._parts[name] for name in ARROW_SCHEMA.names]
        with mmap.mmap(self._waiting.fileno(), self._size, access=mmap.ACCESS_READ) as kept, memoryview(kept) as bodies:
            for parts in zip(*columns, strict=True):
                size = sum(part.size for part in parts)
                length = int(parts[0].columns.nodes[0, 0])
                stream.write(message(template, length, _together(parts), size))
                stream.writelines(bodies[part.start : part.start + part.size] for part in parts)

    def _head(self) -> tuple[bytes, bytes]:
        """Return the messages before the first batch, schema and dictionaries, and the metadata of some batch."""
        arrays = [_one(column, self._words.get(column.name)) for column in ARROW_SCHEMA]
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, ARROW_SCHEMA, options=self._options) as stream:
            stream.write_batch(pa.RecordBatch.from_arrays(arrays, schema=ARROW_SCHEMA))
        *before, batch = pa.ipc.MessageReader.open_stream(pa.py_buffer(sink.getvalue()))
        return b"".join(one.serialize().to_pybytes() for one in before), batch.metadata.to_pybytes()

    @property
    def any(self) -> bool:
        """Whether columns were put."""
        return bool(self._parts)

    def forget(self) -> None:
        """Forget what was put: records come after all."""
        with self._lock:  # after a second Ctrl-C a thread may still be at it
            self._parts.clear()
            self._waiting.close()


def _is_fixed(piece: pa.Array) -> bool:
    """Tell whether a column has values of whole bytes and one length, from its first buffers' beginning on."""
    kind = piece.type
    fixed = pa.types.is_primitive(kind) or pa.types.is_fixed_size_binary(kind)
    return bool(fixed and not pa.types.is_boolean(kind) and piece.offset == 0)


def _one(column: pa.Field, words: pa.Array | None) -> pa.Array:
    """Return one value of a column."""
    if not pa.types.is_dictionary(column.type):
        return pa.nulls(1, column.type)
    return pa.DictionaryArray.from_arrays(pa.array([0], column.type.index_type), words)


def _together(parts: Iterable[_Part]) -> Described:
    """Return what the metadata says of columns that lie one after the other."""
    nodes, buffers, place = [], [], 0
    for part in parts:
        nodes.append(part.columns.nodes)
        buffers.append(part.columns.buffers + np.array([place, 0]))
        place += part.size
    return Described(np.concatenate(nodes), np.concatenate(buffers))
