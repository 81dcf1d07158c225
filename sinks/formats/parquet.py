"""Parquet: columns for queries, row groups of 128 Ki records, facts about the content in the footer."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sinks.formats import footer, hosts
from sinks.formats.alike_columns import alike_columns
from sinks.formats.names import reason
from sinks.formats.parquet_columns import COMPRESSIONS, DICTIONARIES, ENCODINGS
from sinks.formats.silent import completed, silent
from sinks.formats.writer import Writer
from topics.batch import FlowBatch, concatenate
from topics.errors import InputError
from topics.frame import ARROW_SCHEMA, check, from_arrow, to_arrow
from topics.lean import LEFT_OUT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from numpy.typing import NDArray

ROW_GROUP = 128 * 1024
READ_AT_ONCE = 64 * 1024
LARGEST_WHOLE = 2 * ROW_GROUP
METADATA_KEY = b"argosy"
WHOLE, LEAN = "whole", "lean"
LAYOUTS = (WHOLE, LEAN)
WORDS = [column.name for column in ARROW_SCHEMA if pa.types.is_dictionary(column.type)]
# What questions are narrowed by: limits of the other columns would be half of what describes a small file.
STATISTICS = [
    "flow_start",
    *(f"{side}_{what}" for what in ("first", "last", "address", "port") for side in ("src", "dst")),
]


class ParquetWriter(Writer):
    """Writes a row group whenever ROW_GROUP records are together; `describe` adds facts to the footer.

    Of the `layout` lean, it has no columns for what topics/lean.py leaves out. The footer also holds which hosts each
    row group may hold (see sinks/formats/hosts.py), and which columns say nothing (see sinks/formats/silent.py).
    """

    def __init__(self, path: str, layout: str = WHOLE) -> None:
        super().__init__(path)
        self._layout = layout
        self._names = [name for name in ARROW_SCHEMA.names if layout == WHOLE or name not in LEFT_OUT]
        self._silent = set(footer.CANDIDATES.intersection(self._names))
        self._hosts: list[hosts.HostIndex] = []
        self._waiting: list[FlowBatch] = []
        self.waiting = 0
        self._file = pq.ParquetWriter(
            self._destination.stream,
            pa.schema([ARROW_SCHEMA.field(name) for name in self._names]),
            # The lean layout is for those who want files to be short.
            compression={name: COMPRESSIONS[name] if layout == WHOLE else "zstd" for name in self._names},
            use_dictionary=[name for name in DICTIONARIES if name in self._names],
            column_encoding={name: encoding for name, encoding in ENCODINGS.items() if name in self._names},
            write_page_checksum=True,
            write_statistics=[name for name in STATISTICS if name in self._names],
            store_schema=False,  # the schema of Parquet says it all
        )

    def describe(self, facts: dict[str, Any]) -> None:
        """Keep facts, as JSON, under the key `argosy` of the footer, and the layout with them where it is not whole."""
        facts = facts if self._layout == WHOLE else facts | {"layout": self._layout}
        self._file.add_key_value_metadata({METADATA_KEY: json.dumps(facts, separators=(",", ":"))})

    def spill(self) -> None:
        """Write the records that wait for their row group to fill, as a smaller one."""
        if self.waiting:
            self._write_group(to_arrow(concatenate(self._waiting), self._names))
        self._waiting, self.waiting = [], 0

    def abort(self) -> None:
        """Leave no trace of the file."""
        self._file.is_open = False  # pyarrow would finish the file when it is collected
        super().abort()

    def _write(self, batch: FlowBatch) -> None:
        start = 0
        while start < len(batch):
            part = batch.select(slice(start, start + ROW_GROUP - self.waiting))
            self._waiting.append(part)
            self.waiting += len(part)
            start += len(part)
            if self.waiting == ROW_GROUP:
                self.spill()

    def _write_columns(self, data: pa.RecordBatch) -> None:
        self.spill()
        for start in range(0, data.num_rows, ROW_GROUP):
            self._write_group(data.slice(start, ROW_GROUP))

    def _write_group(self, data: pa.RecordBatch) -> None:
        self._file.write_table(pa.Table.from_batches([data.select(self._names)]), ROW_GROUP)
        self._silent = silent(data, self._silent)
        self._hosts.append(hosts.index_of(*(_addresses(data.column(name)) for name in ("src_address", "dst_address"))))

    def _finish(self) -> None:
        self.spill()
        self._file.add_key_value_metadata(
            {hosts.METADATA_KEY: hosts.encoded(self._hosts), footer.METADATA_KEY: footer.encoded(self._silent)}
        )
        self._file.close()


def _addresses(column: pa.FixedSizeBinaryArray) -> NDArray[np.uint8]:
    """Return a column of addresses as bytes of shape (rows, 16)."""
    whole = np.frombuffer(column.buffers()[1], np.uint8).reshape(-1, hosts.ADDRESS)
    return whole[column.offset : column.offset + len(column)]


@contextmanager
def damage(path: str) -> Iterator[None]:
    """Turn what reading a Parquet file raises into an InputError that names it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path}: no Parquet file of flow records, or a damaged one: {reason(error)}") from error


def opened(path: str, *, ahead: bool = True) -> pq.ParquetFile:
    """Open a file of flow records, whose words are read as places in a dictionary; `ahead` of what is asked for.

    Raises InputError, without the file, for a column of words that is missing, which pyarrow calls a KeyError.
    """
    try:
        return pq.ParquetFile(path, read_dictionary=WORDS, page_checksum_verification=True, pre_buffer=ahead)
    except KeyError as error:
        raise InputError(f"column '{error.args[0].decode()}' is missing") from error


def read_parquet(path: str) -> Iterator[FlowBatch]:
    """Yield the batches of a Parquet file; raises InputError naming the file when it is something else or damaged."""
    with damage(path), opened(path) as file:
        for data in _batches(file, ARROW_SCHEMA.names):
            yield from_arrow(data)


def read_columns(path: str, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yield the records as they lie in the file, with these columns; one row group is read while another is worked on.

    Raises InputError as read_parquet does.
    """
    wanted = [name for name in ARROW_SCHEMA.names if name in columns]
    with damage(path), opened(path) as file:
        batches = _batches(file, columns, LARGEST_WHOLE, path)
        with ThreadPoolExecutor(1) as reader:
            waiting = reader.submit(next, batches, None)
            while (data := waiting.result()) is not None:
                waiting = reader.submit(next, batches, None)
                check(data, wanted)
                yield data


def _batches(
    file: pq.ParquetFile, columns: Collection[str], at_once: int = READ_AT_ONCE, path: str = ""
) -> Iterator[pa.RecordBatch]:
    """Yield the records of a file: row groups whole, which touches far less memory anew, unless they are huge.

    Of a file with a path, columns that are the same bytes there are read once.
    """
    found = [name for name in ARROW_SCHEMA.names if name in columns and name in file.schema_arrow.names]
    says_nothing = silent_columns(file)
    names = [name for name in found if name not in says_nothing]
    repeated = _repeated(path, file, names) if path else {}
    names = [name for name in names if name not in repeated]
    names = names or [name for name in file.schema_arrow.names if name not in says_nothing][:1]  # to know how many
    for group in range(file.num_row_groups):
        if file.metadata.row_group(group).num_rows > LARGEST_WHOLE:
            batches = file.iter_batches(at_once, row_groups=[group], columns=names)
        else:
            batches = iter(file.read_row_group(group, columns=names).combine_chunks().to_batches(at_once))
        for data in batches:
            data.validate(full=True)
            yield completed(data, found, repeated)


def _repeated(path: str, file: pq.ParquetFile, names: Collection[str]) -> dict[str, str]:
    """Return which of these columns hold the same values as another one, by that one's name."""
    kinds = {column.name: column.type for column in file.schema_arrow}
    fixed = [name for name in names if pa.types.is_primitive(kinds[name]) or pa.types.is_fixed_size_binary(kinds[name])]
    return {other: first for first, others in alike_columns([(path, file)], fixed).items() for other in others}


def silent_columns(file: pq.ParquetFile) -> frozenset[str]:
    """Return which columns say nothing in any record, as the footer has it."""
    said = (file.metadata.metadata or {}).get(footer.METADATA_KEY.encode())
    return footer.decoded(None if said is None else said.decode(errors="replace"))


def check_footer(path: str) -> None:
    """Raise InputError naming the file when its footer is damaged, or what it says of hosts."""
    with damage(path):
        footer = pq.read_metadata(path)
        text = (footer.metadata or {}).get(hosts.METADATA_KEY.encode())
        if text is not None and hosts.decoded(text.decode(errors="replace"), footer.num_rows) is None:
            raise InputError("what the footer says of hosts is damaged")


def layout_of(several: Iterable[dict[str, Any]]) -> str:
    """Return the layout for what files with these facts hold together: lean when all of them are."""
    return LEAN if {facts.get("layout") for facts in several} == {LEAN} else WHOLE


def read_facts(path: str) -> dict[str, Any]:
    """Return what `describe` left in the footer, empty for a file of another writer.

    Raises InputError naming the file when it is no Parquet file.
    """
    with damage(path):
        metadata = pq.read_metadata(path).metadata or {}
        facts = json.loads(metadata.get(METADATA_KEY, b"{}"))
    return facts if isinstance(facts, dict) else {}
