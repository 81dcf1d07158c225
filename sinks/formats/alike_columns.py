"""Columns of Parquet files that are the same bytes there: what is made of one is made of the others.

So are the durations of records that were merged of one each, and the limits of a TTL that did not change.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pyarrow.parquet as pq

AT_ONCE = 1 << 18  # bytes compared at a time


def alike_columns(files: Sequence[tuple[str, pq.ParquetFile]], names: Collection[str]) -> dict[str, list[str]]:
    """Return, of these columns of all files, the others that hold the same values by the first of them.

    What footers say of columns is not trusted to be true: what cannot be read is not like anything. Raises OSError.
    """
    groups: dict[Any, list[str]] = {}
    for name, described in _described([file for _, file in files], names).items():
        groups.setdefault(described, []).append(name)
    found: dict[str, list[str]] = {}
    for group in groups.values():
        several = group
        while len(several) > 1:
            first, *others = several
            same = [name for name in others if all(_are_same(path, file, first, name) for path, file in files)]
            if same:
                found[first] = same
            several = [name for name in others if name not in same]
    return found


def _described(files: Sequence[pq.ParquetFile], names: Collection[str]) -> dict[str, tuple[Any, ...]]:
    """Return of each column what has to be the same for the same bytes to be the same values."""
    described: dict[str, tuple[Any, ...]] = dict.fromkeys(names, ())
    for file in files:
        places = places_of(file)
        for name in names:
            column = file.schema.column(places[name])
            levels = (column.max_definition_level, column.max_repetition_level)
            described[name] += (str(file.schema_arrow.field(name).type), column.physical_type, levels)
        for group in map(file.metadata.row_group, range(file.num_row_groups)):
            for name in names:
                chunk = group.column(places[name])
                described[name] += (chunk.num_values, chunk.total_compressed_size, chunk.compression)
    return described


def places_of(file: pq.ParquetFile) -> dict[str, int]:
    """Return the number of each column among those that have values, by its name."""
    return {file.schema.column(place).path: place for place in range(len(file.schema))}


def _are_same(path: str, file: pq.ParquetFile, first: str, second: str) -> bool:
    """Tell whether two columns, whose chunks are as long as each other, have the same bytes in a file."""
    places = places_of(file)
    with Path(path).open("rb") as one, Path(path).open("rb") as other:
        for group in map(file.metadata.row_group, range(file.num_row_groups)):
            chunks = [group.column(places[name]) for name in (first, second)]
            begins = [_begin(chunk) for chunk in chunks]
            if min(begins) < 0 or not _same_bytes(one, other, begins, chunks[0].total_compressed_size):
                return False
    return True


def _begin(chunk: pq.ColumnChunkMetaData) -> int:
    pages: int = chunk.data_page_offset
    return min(pages, chunk.dictionary_page_offset) if chunk.has_dictionary_page else pages


def _same_bytes(one: BinaryIO, other: BinaryIO, begins: Sequence[int], size: int) -> bool:
    one.seek(begins[0])
    other.seek(begins[1])
    while size > 0:
        content = one.read(min(size, AT_ONCE))
        if not content or content != other.read(len(content)):
            return False
        size -= len(content)
    return True
