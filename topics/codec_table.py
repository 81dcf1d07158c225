"""From a writer's schema to the table that drives the codec kernels: one row a field, in the order of the schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from topics import codec_kernels as kernels
from topics.errors import DecodeError
from topics.record import FLOW_DTYPE
from topics.schema import flow_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from topics.schema import Field

Column = np.ndarray[Any, np.dtype[np.uint64]]

INTEGERS = {"i8": kernels.LONG, "u4": kernels.UINT32, "u2": kernels.UINT16, "u1": kernels.UINT8}
LONGEST = {"i8": 10, "u4": 5, "u2": 3, "u1": 2}
LONGEST_VARINT = 10
LENGTH_BYTES = 5
LENGTH_LIMIT = 2 * (2**32 - 1)
VARINTS = ("int", "long", "enum")
TEXTS = ("bytes", "string")
SIZES = {"null": 0, "boolean": 1, "float": 4, "double": 8}
SLACK = 16  # kernels write whole words, up to so many bytes behind a value


@dataclass(frozen=True, slots=True)
class CodecTable:
    """Five uint64 columns of one length (see codec_kernels), and bounds on the bytes of a record without its heap.

    `names` are the writer's field names, `absent` ours that the writer does not have.
    """

    columns: tuple[Column, Column, Column, Column, Column]
    names: tuple[str, ...]
    absent: tuple[str, ...]
    longest: int
    shortest: int


@dataclass(frozen=True, slots=True)
class _Written:
    """A field as the writer has it: Avro type, bytes of a fixed, symbols of an enum."""

    name: str
    kind: str
    size: int = 0
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    kind: int
    slot: int = 0
    extent: int = 0
    limit: int = 0
    longest: int = 0
    shortest: int = 1


def codec_table(
    record: Mapping[str, Any], fields: Iterable[Field] | None = None, dtype: np.dtype[np.void] = FLOW_DTYPE
) -> CodecTable:
    """Return the table of a record schema (parsed JSON) that the writer used, for records of `fields` laid out so.

    Without `fields`, it is for flow records. Fields we do not have are skipped. Raises DecodeError for a field of
    another type than ours.
    """
    ours = {field.name: field for field in (flow_fields() if fields is None else fields)}
    written = list(_written(record["fields"]))
    rows = [_row(field, ours.get(field.name), dtype.fields or {}) for field in written]
    names = tuple(field.name for field in written)
    return CodecTable(
        columns=(
            np.array([row.kind for row in rows], np.uint64),
            np.array([row.slot for row in rows], np.uint64),
            np.array([row.extent for row in rows], np.uint64),
            np.array([row.limit for row in rows], np.uint64),
            np.array(_zero_runs(rows), np.uint64),
        ),
        names=names,
        absent=tuple(name for name in ours if name not in names),
        longest=sum(row.longest for row in rows) + SLACK,
        shortest=max(1, sum(row.shortest for row in rows)),
    )


def _written(specs: Iterable[Mapping[str, Any]]) -> Iterable[_Written]:
    fixed: dict[str, int] = {}
    for spec in specs:
        kind = spec["type"]
        if isinstance(kind, dict) and kind["type"] == "fixed":
            fixed[kind["name"]] = kind["size"]
            kind = kind["name"]
        if isinstance(kind, dict) and kind["type"] == "enum":
            yield _Written(spec["name"], "enum", symbols=tuple(kind["symbols"]))
        elif kind in fixed:
            yield _Written(spec["name"], "fixed", fixed[kind])
        else:
            yield _Written(spec["name"], str(kind), SIZES.get(str(kind), 0))


def _row(written: _Written, ours: Field | None, places: Mapping[str, Any]) -> _Row:
    if ours is None:
        return _skipped(written)
    if not _fits(written, ours):
        raise DecodeError(f"field '{written.name}' is written as {written.kind}, and read as {ours.kind}", 0)
    if ours.store == "heap":
        kind = kernels.TEXT if ours.kind == "string" else kernels.HEAP
        return _Row(kind, places[f"{ours.name}_offset"][1] // 4, limit=LENGTH_LIMIT, longest=LENGTH_BYTES)
    dtype, offset = places[ours.name][:2]
    width = dtype.itemsize
    if ours.kind == "double":
        return _Row(kernels.DOUBLE, offset // 8, longest=8, shortest=8)
    if ours.kind == "fixed":
        if width % 8 == 0 and offset % 8 == 0:
            return _Row(kernels.WORDS, offset // 8, width // 8, longest=width, shortest=width)
        return _Row(kernels.BYTES, offset, width, longest=width, shortest=width)
    limit = 2 * (len(written.symbols) - 1) if written.symbols else 2 ** (8 * width + 1) - 2
    return _Row(INTEGERS[ours.store], offset // width, limit=min(limit, 2**64 - 1), longest=LONGEST[ours.store])


def _fits(written: _Written, ours: Field) -> bool:
    if ours.kind == "enum":
        return bool(written.symbols) and written.symbols == ours.symbols[: len(written.symbols)]
    if ours.kind == "fixed":
        return written.kind == "fixed" and written.size == ours.size
    families = (VARINTS[:2], TEXTS, ("double",))
    return any(written.kind in family and ours.kind in family for family in families)


def _skipped(written: _Written) -> _Row:
    if written.kind in VARINTS:
        return _Row(kernels.SKIP_VARINT, longest=LONGEST_VARINT)
    if written.kind in TEXTS:
        return _Row(kernels.SKIP_HEAP, limit=LENGTH_LIMIT, longest=LENGTH_BYTES)
    if written.kind == "fixed" or written.kind in SIZES:
        return _Row(kernels.SKIP, extent=written.size, longest=written.size, shortest=written.size)
    raise DecodeError(f"field '{written.name}' of the type {written.kind} cannot be skipped", 0)


def _zero_runs(rows: list[_Row]) -> list[int]:
    """Return how many fields from each one on are a single zero byte when empty."""
    runs, run = [0] * len(rows), 0
    for index in range(len(rows) - 1, -1, -1):
        run = run + 1 if rows[index].kind < kernels.FIRST_WITHOUT_VARINT else 0
        runs[index] = run
    return runs
