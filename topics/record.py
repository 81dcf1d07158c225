"""FlowRecord in memory: a NumPy structured dtype derived from the Avro schema, plus one byte heap a batch."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from topics.schema import Field, flow_fields

WORD = 8
MAC_SIZE = 6


def _columns(field: Field) -> list[tuple[str, Any]]:
    if field.store == "heap":
        return [(f"{field.name}_offset", "<u4"), (f"{field.name}_length", "<u4")]
    if field.kind == "fixed":
        return [(field.name, ("u1", (field.size,)))]
    return [(field.name, "<" + field.store if field.store != "u1" else "u1")]


def _rank(field: Field) -> tuple[int, str, str]:
    width = 16 if field.store == "S16" else 4 if field.store == "heap" else int(field.store[1:])
    return (
        -width if width != MAC_SIZE else 0,
        field.merge if width == WORD else "",
        field.store,
    )  # same rule side by side


@functools.cache
def flow_dtype() -> np.dtype[np.void]:
    """Return the dtype of one FlowRecord.

    Fields are laid out widest first, so that each is aligned to its own width and the record to 8 bytes, with 8-byte
    fields of the same merge rule side by side. A `bytes` or `string` field F becomes `F_offset` and `F_length`
    (uint32) into the heap of the batch. A `fixed` field is a uint8 sub-array.
    """
    columns = [column for field in sorted(flow_fields(), key=_rank) for column in _columns(field)]
    packed = np.dtype(columns)
    size = -(-packed.itemsize // WORD) * WORD
    offsets = [packed.fields[name][1] for name, _ in columns] if packed.fields else []
    return np.dtype(
        {"names": [n for n, _ in columns], "formats": [f for _, f in columns], "offsets": offsets, "itemsize": size}
    )


FLOW_DTYPE = flow_dtype()
HEAP_FIELDS = tuple(f.name for f in flow_fields() if f.store == "heap")


def empty_records(count: int) -> np.ndarray[Any, np.dtype[np.void]]:
    """Return `count` zeroed records, shape (count,), dtype FLOW_DTYPE."""
    return np.zeros(count, dtype=FLOW_DTYPE)


def copy_records(records: np.ndarray[Any, np.dtype[np.void]]) -> np.ndarray[Any, np.dtype[np.void]]:
    """Return a copy of contiguous records with the unused bytes between fields, which NumPy would leave undefined."""
    return records.view(np.uint64).copy().view(FLOW_DTYPE)
