"""The metadata of a record batch in an Arrow IPC stream: where its buffers lie, and the same for other buffers.

A message is a FlatBuffer (https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc).
What describes columns in it are two vectors of structs, whose size the schema fixes, so the metadata of one batch
becomes that of any other of the same schema by putting other numbers in their places. Both functions take what pyarrow
has just written, nothing from outside.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PREFIX = struct.Struct("<iI")  # the mark of a message, and how many bytes of metadata follow
MARK = -1
ALIGNED = 8
# Fields of the tables Message and RecordBatch, in the order of the format's schema.
HEADER, BODY_LENGTH = 2, 3
LENGTH, NODES, BUFFERS = 0, 1, 2


class Described(NamedTuple):
    """What metadata says of columns: of each its length and nulls, of each buffer its place in the body and bytes."""

    nodes: NDArray[np.int64]
    buffers: NDArray[np.int64]


class _Places(NamedTuple):
    body_length: int
    length: int
    nodes: slice
    buffers: slice


def described(metadata: bytes) -> Described:
    """Return what the metadata of a record batch says, arrays of shape (columns, 2) and (buffers, 2)."""
    places = _places(metadata)
    nodes, buffers = (np.frombuffer(metadata[part], np.int64).reshape(-1, 2) for part in (places.nodes, places.buffers))
    return Described(nodes, buffers)


def message(template: bytes, length: int, columns: Described, body_length: int) -> bytes:
    """Return the message, without its body, of a batch of `length` records with the schema of the template."""
    places = _places(template)
    metadata = bytearray(template)
    struct.pack_into("<q", metadata, places.body_length, body_length)
    struct.pack_into("<q", metadata, places.length, length)
    metadata[places.nodes] = columns.nodes.tobytes()
    metadata[places.buffers] = columns.buffers.tobytes()
    metadata += bytes(-(len(metadata) + PREFIX.size) % ALIGNED)
    return PREFIX.pack(MARK, len(metadata)) + metadata


def _places(metadata: bytes) -> _Places:
    root = _offset(metadata, 0)
    batch = _offset(metadata, _field(metadata, root, HEADER))
    nodes, buffers = (
        _structs(metadata, _offset(metadata, _field(metadata, batch, which))) for which in (NODES, BUFFERS)
    )
    return _Places(_field(metadata, root, BODY_LENGTH), _field(metadata, batch, LENGTH), nodes, buffers)


def _offset(metadata: bytes, place: int) -> int:
    """Follow the reference at a place, which counts from there."""
    return place + int(struct.unpack_from("<I", metadata, place)[0])


def _field(metadata: bytes, table: int, number: int) -> int:
    """Return where a field of a table lies, as the list of fields says that the table refers back to."""
    fields = table - int(struct.unpack_from("<i", metadata, table)[0])
    return table + int(struct.unpack_from("<H", metadata, fields + 4 + 2 * number)[0])


def _structs(metadata: bytes, vector: int) -> slice:
    """Return where the elements of a vector of pairs of 64-bit numbers lie."""
    count = int(struct.unpack_from("<I", metadata, vector)[0])
    return slice(vector + 4, vector + 4 + 16 * count)
