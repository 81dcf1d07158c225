"""From a writer's schema to the table that drives the codec kernels: one row a field, in the order of the schema."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from topics import codec_kernels as kernels
from topics.record import FLOW_DTYPE
from topics.schema import flow_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from topics.schema import Field

Column = np.ndarray[Any, np.dtype[np.uint64]]

INTEGERS = {"i8": kernels.LONG, "u4": kernels.UINT32, "u2": kernels.UINT16, "u1": kernels.UINT8}
LONGEST = {"i8": 10, "u4": 5, "u2": 3, "u1": 2}
LENGTH_BYTES = 5
SLACK = 16  # kernels write whole words, up to so many bytes behind a value


@dataclass(frozen=True, slots=True)
class CodecTable:
    """Five uint64 columns of one length (see codec_kernels), and bounds on the bytes of a record without its heap."""

    columns: tuple[Column, ...]
    names: tuple[str, ...]
    longest: int
    shortest: int


@dataclass(frozen=True, slots=True)
class _Row:
    kind: int
    slot: int
    extent: int
    limit: int
    longest: int
    shortest: int


def _row(field: Field) -> _Row:
    places: Mapping[str, Any] = FLOW_DTYPE.fields or {}
    if field.store == "heap":
        kind = kernels.TEXT if field.kind == "string" else kernels.HEAP
        return _Row(kind, places[f"{field.name}_offset"][1] // 4, 0, 2 * (2**32 - 1), LENGTH_BYTES, 1)
    dtype, offset = places[field.name][:2]
    width = dtype.itemsize
    if field.kind == "fixed":
        if width % 8 == 0 and offset % 8 == 0:
            return _Row(kernels.WORDS, offset // 8, width // 8, 0, width, width)
        return _Row(kernels.BYTES, offset, width, 0, width, width)
    if field.store == "f8":
        return _Row(kernels.DOUBLE, offset // 8, 0, 0, 8, 8)
    most = len(field.symbols) - 1 if field.symbols else 2 ** (8 * width) - 1
    limit = 2**64 - 1 if field.store == "i8" else 2 * most
    return _Row(INTEGERS[field.store], offset // width, 0, limit, LONGEST[field.store], 1)


def _zero_runs(rows: list[_Row]) -> list[int]:
    """Return how many fields from each one on are a single zero byte when empty."""
    runs, run = [0] * len(rows), 0
    for index in range(len(rows) - 1, -1, -1):
        run = run + 1 if rows[index].kind < kernels.FIRST_WITHOUT_VARINT else 0
        runs[index] = run
    return runs


@functools.cache
def codec_table() -> CodecTable:
    """Return the table of the current FlowRecord schema."""
    fields = flow_fields()
    rows = [_row(field) for field in fields]
    values = (
        [row.kind for row in rows],
        [row.slot for row in rows],
        [row.extent for row in rows],
        [row.limit for row in rows],
        _zero_runs(rows),
    )
    return CodecTable(
        tuple(np.array(column, np.uint64) for column in values),
        tuple(field.name for field in fields),
        sum(row.longest for row in rows) + SLACK,
        sum(row.shortest for row in rows),
    )
