"""Sorting by columns, as rasort -w asks for it: records of Parquet files, each column put into order by itself."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from clients import reading
from clients.selection import Selection, selection
from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from clients.options import Parsed
    from clients.outputs import Outputs
    from clients.sources import Source
    from processors.sorting import SortKey
    from sinks.formats.writer import Columns

MOST_THREADS = 4  # each holds a column
LONG_FIRST = ("binary", "string")  # types whose values may be too long to hold, which shows before much was done


def sorted_columns(parsed: Parsed, source: Source, outputs: Outputs, keys: Sequence[SortKey]) -> int | None:
    """Write all records of Parquet files in order; return their number, None where it takes them as they come.

    Nothing is written then. Raises InputError naming a file that is damaged.
    """
    window = reading.window(parsed)
    if not (outputs.any and window.input.unlimited and window.output.unlimited and source.is_parquet):
        return None
    if selection(parsed).constant is not True:
        return None
    from processors.sorting import COLUMNS_AT_ONCE, order_of
    from sinks.formats.column_files import ColumnFiles, LongColumnError

    with ColumnFiles(source.names) as files:
        most = parsed.number("--records", COLUMNS_AT_ONCE, minimum=1)
        if not (0 < files.rows <= most and files.are_ours):
            return None
        count = files.rows
    columns = outputs.column_by_column()
    if columns is None:
        return None
    needed = {name for key in keys for name in key.value.meta.root_names()}
    order = order_of(source.frames(Selection(), needed), keys)
    if len(order) != count:
        raise InputError(f"{', '.join(source.names)}: {len(order)} records where the footer says {count}")
    try:
        _put_all(source.names, order, columns)
    except LongColumnError:
        columns.forget()
        return None
    return count


def _put_all(names: Sequence[str], order: pa.Array, columns: Columns) -> None:
    """Put every column into order, by as many threads as there are cores."""
    from topics.frame import ARROW_SCHEMA

    waiting = sorted(ARROW_SCHEMA, key=lambda column: str(column.type) not in LONG_FIRST)
    left = iter([column.name for column in waiting])
    threads = min(len(os.sched_getaffinity(0)), MOST_THREADS)
    with ThreadPoolExecutor(threads, "columns") as pool:
        work = [pool.submit(_put, names, left, order, columns) for _ in range(threads)]
        try:
            for one in work:
                one.result()
        finally:
            _empty(left)


def _put(names: Sequence[str], left: Iterator[str], order: pa.Array, columns: Columns) -> None:
    """Put columns into order as long as some are left."""
    from processors.sorting import Reordering
    from sinks.formats.column_files import ColumnFiles

    try:
        reordering = Reordering(order)
        with ColumnFiles(names) as files:
            for name in left:
                columns.put(name, reordering.parts(files.column(name)))
    finally:
        _empty(left)


def _empty(left: Iterator[str]) -> None:
    """Let nobody begin another one, after an error or Ctrl-C."""
    for _ in left:
        pass
