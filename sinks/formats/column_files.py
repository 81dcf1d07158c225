"""Parquet files a column at a time: all that a column has in some files, for work on one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.parquet as pq

from sinks.formats.parquet import WORDS, damage, silent_columns
from sinks.formats.silent import nothing
from topics.errors import InputError
from topics.frame import ARROW_SCHEMA, conformed_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST = 1 << 28  # bytes of a column of variable length that are held: a fifth of what 2 million records take whole


class LongColumnError(Exception):
    """A column is too long to be held."""


class ColumnFiles:
    """Files whose columns are those of ARROW_SCHEMA; for one thread."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Open the files; raises InputError naming one that is something else or damaged."""
        self._files: list[tuple[str, pq.ParquetFile, frozenset[str]]] = []
        for path in paths:
            with damage(path):
                file = pq.ParquetFile(path, read_dictionary=WORDS, page_checksum_verification=True)
                self._files.append((path, file, silent_columns(file)))

    @property
    def rows(self) -> int:
        """How many records the files say that they have."""
        return sum(file.metadata.num_rows for _, file, _ in self._files)

    @property
    def are_ours(self) -> bool:
        """Whether all have all columns, with the types that this version writes."""
        return all(_is_ours(path, file) for path, file, _ in self._files)

    def column(self, name: str) -> Iterator[pa.Array]:
        """Yield a column of all files, a row group at a time, with its type of ARROW_SCHEMA.

        Row groups of one length that say nothing in it are one object. Raises InputError naming the file that is
        damaged, LongColumnError where the column would take too much memory.
        """
        has_lengths, length = _has_lengths(ARROW_SCHEMA.field(name).type), 0
        for path, file, silent in self._files:
            with damage(path):
                for chunk in _silent(file, name) if name in silent else _chunks(file, name):
                    length += chunk.nbytes if has_lengths else 0
                    if length > LONGEST:
                        raise LongColumnError
                    yield chunk

    def close(self) -> None:
        """Close the files."""
        for _, file, _ in self._files:
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_ours(path: str, file: pq.ParquetFile) -> bool:
    with damage(path):
        types = {column.name: column.type for column in file.schema_arrow}
    return all(_alike(types.get(column.name), column.type) for column in ARROW_SCHEMA)


def _alike(found: pa.DataType | None, kind: pa.DataType) -> bool:
    return found == kind or (found is not None and pa.types.is_dictionary(found) and pa.types.is_dictionary(kind))


def _has_lengths(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_string(kind))


def _silent(file: pq.ParquetFile, name: str) -> Iterator[pa.Array]:
    chunk = None
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        chunk = chunk if chunk is not None and len(chunk) == rows else nothing(name, rows)
        yield chunk


def _chunks(file: pq.ParquetFile, name: str) -> Iterator[pa.Array]:
    """Yield a column of each row group; raises InputError where it is damaged."""
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        found = file.read_row_group(group, columns=[name], use_threads=False).column(0)
        if len(found) != rows:
            raise InputError(f"column '{name}' has {len(found)} values in a row group of {rows}")
        for chunk in found.chunks:
            chunk.validate(full=True)
            yield conformed_column(name, chunk)
