"""Columns of a file that say nothing: every record has what an absent field has. Readers do not decode them.

The columns are in the file for everybody else; its footer names them (see footer.py). Of most traffic they are a third:
no tunnels, no VLANs, no copies, no labels.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from topics.batch import records_like
from topics.frame import ARROW_SCHEMA, FIELDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

DEFAULT = records_like(1)
NOT_ANY: Mapping[str, str] = MappingProxyType({})
ZEROS = pa.py_buffer(bytes(1 << 22))  # never written, so they take no memory until they are read


def silent(data: pa.RecordBatch, names: Iterable[str]) -> set[str]:
    """Return which of these columns of a record batch say nothing in any row."""
    return {name for name in names if _is_silent(name, data.column(name))}


def _is_silent(name: str, array: pa.Array) -> bool:
    kind = array.type
    if pa.types.is_timestamp(kind):
        return bool(array.null_count == len(array))
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        offsets = np.frombuffer(array.buffers()[1], np.int32, len(array) + 1, array.offset * 4)
        return bool(offsets[0] == offsets[-1])
    if pa.types.is_fixed_size_binary(kind):
        size = kind.byte_width
        return not np.frombuffer(array.buffers()[1], np.uint8, len(array) * size, array.offset * size).any()
    return not (array.to_numpy() != DEFAULT[name][0]).any()


def completed(data: pa.RecordBatch, names: Collection[str], repeated: Mapping[str, str] = NOT_ANY) -> pa.RecordBatch:
    """Return a record batch with those of these columns, too, that it has not.

    They hold the same as the one that `repeated` names, which it has, or say nothing.
    """
    there = set(data.schema.names)
    sources = {name: repeated.get(name, name) for name in names}
    arrays = [data.column(one) if one in there else nothing(name, data.num_rows) for name, one in sources.items()]
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


def nothing(name: str, count: int) -> pa.Array:
    """Return a column that says nothing, of so many rows."""
    kind, default = ARROW_SCHEMA.field(name).type, DEFAULT[name][0] if name in (DEFAULT.dtype.names or ()) else 0
    if pa.types.is_timestamp(kind):
        return pa.Array.from_buffers(kind, count, [_zeros(count), _zeros(8 * count)], null_count=count)
    if FIELDS[name].store == "heap":
        return pa.Array.from_buffers(kind, count, [None, _zeros(4 * (count + 1)), pa.py_buffer(b"")])
    if not np.any(default):
        return pa.Array.from_buffers(kind, count, [None, _zeros(count * kind.bit_width // 8)])
    return pa.array(np.repeat(DEFAULT[name], count))


def _zeros(size: int) -> pa.Buffer:
    """Return so many zeros or more, for all columns the same: memory touched anew costs more than reading it."""
    if size > ZEROS.size:
        return pa.py_buffer(bytes(size))
    return ZEROS.slice(0, size)
