"""Parquet files a column at a time: all that a column has in some files, for work on one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq

from sinks.formats.alike_columns import alike_columns, places_of
from sinks.formats.parquet import LARGEST_WHOLE, READ_AT_ONCE, damage, opened, silent_columns
from sinks.formats.silent import nothing
from topics.errors import InputError
from topics.frame import ARROW_SCHEMA, conformed_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST = 1 << 28  # bytes of a column of variable length that are held: a fifth of what 2 million records take whole


class LongColumnError(Exception):
    """A column is too long to be held."""


class Version(NamedTuple):
    """What tells a file from another one of the same name, or from itself before it was changed."""

    inode: int
    size: int
    changed: int


class ColumnFiles:
    """Files whose columns are those of ARROW_SCHEMA; for one thread."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Open the files; raises InputError naming one that is something else or damaged."""
        self._files: list[tuple[str, pq.ParquetFile, frozenset[str]]] = []
        self._places: list[dict[str, int]] = []
        for path in paths:
            with damage(path):
                file = opened(path, ahead=False)
                self._files.append((path, file, silent_columns(file)))
                self._places.append(places_of(file))
                _check_rows(file)
        self.versions = [_version(path) for path in paths]

    @property
    def rows(self) -> int:
        """How many records the files say that they have."""
        return sum(file.metadata.num_rows for _, file, _ in self._files)

    @property
    def are_ours(self) -> bool:
        """Whether all have all columns, with the types that this version writes."""
        return all(_is_ours(path, file) for path, file, _ in self._files)

    def alike(self) -> dict[str, list[str]]:
        """Return which columns hold the same values in all files as another one, by that one, as far as it shows.

        Of those alone that say something and have values of one length; the files are ours. Raises InputError.
        """
        silent = {name for _, _, names in self._files for name in names}
        names = [column.name for column in ARROW_SCHEMA if column.name not in silent and _is_fixed(column.type)]
        with damage(", ".join(path for path, _, _ in self._files)):
            return alike_columns([(path, file) for path, file, _ in self._files], names)

    def check(self, versions: Sequence[Version]) -> None:
        """Raise InputError naming a file that is another one than when it had this version."""
        for (path, _, _), before, now in zip(self._files, versions, self.versions, strict=True):
            if before != now:
                raise InputError(f"{path}: was changed or replaced while it was read")

    def column(self, name: str) -> Iterator[pa.Array]:
        """Yield a column of all files, a row group or less at a time, with its type of ARROW_SCHEMA; no empty array.

        Row groups of one length that say nothing in it are one object. Raises InputError naming the file that is
        damaged, LongColumnError where the column would take too much memory.
        """
        length = 0
        for (path, file, silent), places in zip(self._files, self._places, strict=True):
            with damage(path):
                for chunk in _silent(file, name) if name in silent else _chunks(file, name, places[name]):
                    length += _variable_length(chunk)
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


def _is_fixed(kind: pa.DataType) -> bool:
    return bool(pa.types.is_primitive(kind) or pa.types.is_fixed_size_binary(kind))


def _is_ours(path: str, file: pq.ParquetFile) -> bool:
    with damage(path):
        types = {column.name: column.type for column in file.schema_arrow}
    return all(_alike(types.get(column.name), column.type) for column in ARROW_SCHEMA)


def _alike(found: pa.DataType | None, kind: pa.DataType) -> bool:
    return found == kind or (found is not None and pa.types.is_dictionary(found) and pa.types.is_dictionary(kind))


def _version(path: str) -> Version:
    with damage(path):
        found = Path(path).stat()
        return Version(found.st_ino, found.st_size, found.st_mtime_ns)


def _check_rows(file: pq.ParquetFile) -> None:
    """Raise InputError where the row groups do not make up the records: arrays are as long as these say."""
    rows = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    if min(rows, default=0) < 0 or sum(rows) != file.metadata.num_rows:
        raise InputError(f"row groups of {sum(rows)} records where the footer says {file.metadata.num_rows}")


def _variable_length(chunk: pa.Array) -> int:
    """Return the bytes of texts and of the words of a dictionary, of which nobody knows before how many they are."""
    if pa.types.is_dictionary(chunk.type):
        return int(chunk.dictionary.nbytes)
    return int(chunk.nbytes) if pa.types.is_binary(chunk.type) or pa.types.is_string(chunk.type) else 0


def _silent(file: pq.ParquetFile, name: str) -> Iterator[pa.Array]:
    chunk = None
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if rows:
            chunk = chunk if chunk is not None and len(chunk) == rows else nothing(name, rows)
            yield chunk


def _chunks(file: pq.ParquetFile, name: str, place: int) -> Iterator[pa.Array]:
    """Yield a column of each row group; raises InputError where it is damaged."""
    for group in range(file.num_row_groups):
        rows, found = file.metadata.row_group(group).num_rows, 0
        for chunk in _of_group(file, place, group, rows):
            found += len(chunk)
            chunk.validate(full=True)
            if len(chunk):
                yield conformed_column(name, chunk)
        if found != rows:
            raise InputError(f"column '{name}' has {found} values in a row group of {rows}")


def _of_group(file: pq.ParquetFile, place: int, group: int, rows: int) -> Iterator[pa.Array]:
    """Yield a column of a row group, whole as those of ours; of a huge one some of it at a time."""
    if rows <= LARGEST_WHOLE:
        # By number, which spares looking for the name among all columns, a tenth of the time it takes.
        data = file.reader.read_row_group(group, column_indices=[place], use_threads=False)
        yield from data.column(0).chunks
        return
    for data in file.iter_batches(
        READ_AT_ONCE, row_groups=[group], columns=[file.schema.column(place).path], use_threads=False
    ):
        yield data.column(0)
