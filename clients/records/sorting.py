"""Sorting by columns, as rasort -w asks for it: records of Parquet files, each column put into order by itself."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

from clients.progress import Progress
from clients.reading import inquiry
from clients.reading.selection import Selection, selection
from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from clients.options import Parsed
    from clients.reading.sources import Source
    from clients.writing.outputs import Outputs
    from processors.sorting import SortKey
    from sinks.formats.column_files import Version
    from sinks.formats.writer import Columns

MOST_THREADS = 4  # each holds a column
MOST_FILES = 100  # each thread opens all of them
LONG_FIRST = ("binary", "string")  # types whose values may be too long to hold, which shows before much was done


def sorted_columns(parsed: Parsed, source: Source, outputs: Outputs, keys: Sequence[SortKey]) -> int | None:
    """Write all records of Parquet files in order; return their number, None where it takes them as they come.

    Nothing is written then. Raises InputError naming a file that is damaged.
    """
    window = inquiry.window(parsed)
    if not (outputs.any and window.input.unlimited and window.output.unlimited and source.is_parquet):
        return None
    if len(source.names) > MOST_FILES or selection(parsed).constant is not True:
        return None
    from processors.sorting import COLUMNS_AT_ONCE, order_of
    from sinks.formats.column_files import ColumnFiles, LongColumnError

    with ColumnFiles(source.names) as files:
        most = parsed.number("--records", COLUMNS_AT_ONCE, minimum=1)
        if not (0 < files.rows <= most and files.are_ours):
            return None
        work = _Work(source.names, files.versions, files.alike())
        count = files.rows
    columns = outputs.column_by_column()
    if columns is None:
        return None
    needed = {name for key in keys for name in key.value.meta.root_names()}
    order = order_of(source.frames(Selection(), needed), keys)
    if order is None:
        return None
    if len(order) != count:
        raise InputError(f"{', '.join(source.names)}: {len(order)} records where the footer says {count}")
    try:
        work.put_all(order, columns)
    except (LongColumnError, OSError):  # errors of the files that are read are InputErrors: this is want of room
        columns.forget()
        return None
    return count


class _Work:
    """The columns of some files, put into order by as many threads as there are cores."""

    def __init__(self, names: Sequence[str], versions: Sequence[Version], alike: Mapping[str, Sequence[str]]) -> None:
        """Take what tells the files from others, and of some columns those that are the same as they."""
        from topics.frame import ARROW_SCHEMA

        self._names, self._versions, self._alike = names, versions, alike
        repeated = {name for others in alike.values() for name in others}
        waiting = [column for column in ARROW_SCHEMA if column.name not in repeated]
        waiting.sort(key=lambda column: str(column.type) not in LONG_FIRST)
        self._left = iter([column.name for column in waiting])
        self._progress, self._lock = Progress(len(waiting), "column"), Lock()

    def put_all(self, order: pa.Array, columns: Columns) -> None:
        """Put every column into order; raises InputError, LongColumnError, and OSError where there is no room."""
        threads = min(len(os.sched_getaffinity(0)), MOST_THREADS)
        with self._progress, ThreadPoolExecutor(threads, "columns") as pool:
            self._progress.show(len(order))
            work = [pool.submit(self._put, order, columns) for _ in range(threads)]
            try:
                for one in work:
                    one.result()
            finally:
                self._end()

    def _put(self, order: pa.Array, columns: Columns) -> None:
        """Put columns into order as long as some are left."""
        from processors.sorting import Reordering
        from sinks.formats.column_files import ColumnFiles

        try:
            reordering = Reordering(order)
            with ColumnFiles(self._names) as files:
                files.check(self._versions)
                for name in self._left:
                    columns.put(name, reordering.parts(files.column(name)))
                    for other in self._alike.get(name, ()):
                        columns.repeat(other, name)
                    with self._lock:
                        self._progress.next()
                        self._progress.show(0)
        finally:
            self._end()

    def _end(self) -> None:
        """Let nobody begin another column, after an error or Ctrl-C."""
        for _ in self._left:
            pass
