"""Where records come from: files, directories, pipes and live topics, as frames of some thousands at a time."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from clients.progress import Progress
from clients.reading.narrowing import rows_with_hosts
from clients.reading.source_names import SCHEME, paths

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from contextlib import AbstractContextManager

    import polars as pl
    import pyarrow as pa

    from clients.options import Parsed
    from clients.reading.selection import Selection
    from topics.batch import FlowBatch
    from topics.filter.tree import Node
    from topics.timerange import TimeRange

SOME_COLUMNS, WHOLE_RECORDS = 262_144, 131_072  # records read at a time
AT_A_TIME = 524_288  # and put together at a time, without being kept
FILE_DATABASE = re.compile(r"\.(duckdb|sqlite3?)(/|$)")
LARGE = 1 << 23  # bytes


class Source:
    """The records of some files and topics; `parsed` says how long to follow topics (`-T`, `--until-idle`)."""

    def __init__(self, parsed: Parsed, names: list[str] | None = None) -> None:
        self.names = paths(parsed) if names is None else names
        self._seconds = parsed.number("-T", 0, minimum=0)
        self._idle = parsed.number("--until-idle", 0, minimum=0)
        self._from_beginning = bool(parsed.count("--from-beginning"))

    def frames(
        self,
        selection: Selection,
        columns: set[str] | None = None,
        read: Callable[[int], None] = lambda _: None,
        rejected: Callable[[pl.DataFrame], None] | None = None,
    ) -> Iterator[pl.DataFrame]:
        """Yield the records selected, with these columns or all, some thousands at a time.

        `read` is told how many records were looked at, `rejected` gets those not selected, with all columns. Raises
        InputError for a file that cannot be read, before the first record when it is missing or something else.
        """
        from sinks.formats.scan import reading

        wanted = selection.wanted
        chosen = None if columns is None or rejected is not None else sorted(columns)
        size = WHOLE_RECORDS if chosen is None else SOME_COLUMNS
        with Progress(len(self.names)) as progress:
            needed = None if chosen is None else {*chosen, *(() if wanted is None else wanted.meta.root_names())}
            pieces = [(name, self._pieces(name, size, selection, needed, rejected is None)) for name in self.names]
            for name, parts in pieces:
                for piece, count in parts:
                    read(count)
                    with reading([name]):
                        selected = piece if wanted is None or rejected is not None else piece.filter(wanted)
                        frame = (selected if chosen is None else selected.select(chosen)).collect()
                    if rejected is not None and wanted is not None:
                        rejected(frame.filter(~wanted))
                        frame = frame.filter(wanted)
                    progress.show(count)
                    yield frame
                progress.next()

    def pieces(self, selection: Selection, columns: set[str]) -> Iterator[pl.LazyFrame]:
        """Yield the records selected, with these columns, in pieces that are not read yet: what is made of them is.

        Collect within `reading`. Raises InputError as `frames` does.
        """
        wanted, chosen = selection.wanted, sorted(columns)
        needed = {*columns, *(() if wanted is None else wanted.meta.root_names())}
        for piece in self._parts(selection, needed):
            yield (piece if wanted is None else piece.filter(wanted)).select(chosen)

    def count(self, selection: Selection) -> int:
        """Return how many records are selected, none of which is put together; raises InputError as `frames` does.

        What is selected must not be the same of every record (`constant`).
        """
        import polars as pl

        wanted = selection.wanted
        assert wanted is not None  # noqa: S101 - that would be the same of every record
        found = 0
        for piece in self._parts(selection, set(wanted.meta.root_names())):
            with self.reading():  # a sum, for a filter would decode pages for the rows that it selects once more
                found += piece.select(wanted.sum().cast(pl.Int64)).collect().item()
        return found

    def worked_out(self, selection: Selection, asked: Sequence[pl.Expr]) -> Generator[pl.DataFrame]:
        """Yield what is asked of each record selected, some at a time; collect errors within `reading`."""
        needed = {name for expression in asked for name in expression.meta.root_names()}
        for piece in self._parts(selection, needed, SOME_COLUMNS):
            yield (piece if selection.wanted is None else piece.filter(selection.wanted)).select(asked).collect()

    def _parts(self, selection: Selection, needed: set[str], size: int = AT_A_TIME) -> Iterator[pl.LazyFrame]:
        """Yield pieces of files, not read yet, among which are all records that may be selected."""
        with Progress(len(self.names)) as progress:
            parts = [self._pieces(name, size, selection, needed, only_selected=True) for name in self.names]
            for part in parts:
                for piece, count in part:
                    yield piece
                    progress.show(count)
                progress.next()

    def _pieces(
        self,
        name: str,
        size: int,
        selection: Selection,
        needed: set[str] | None,
        only_selected: bool,  # noqa: FBT001 - one of two ways
    ) -> Iterator[tuple[pl.LazyFrame, int]]:
        """Look whether a file can be read, and return what yields its records with their number."""
        times = selection.times
        if is_database(name):
            return _of_database(name, selection if only_selected else None)
        if name.startswith(SCHEME):
            return ((to_frame(batch).lazy(), len(batch)) for batch in self._live(name) if len(batch))
        from sinks.formats.names import Format, readable_format
        from sinks.formats.scan import scan

        if readable_format(name) is Format.PARQUET:
            if times is not None and not _touches(name, times):
                return iter(())
            rows = rows_with_hosts(name, selection.tree) if only_selected else None
            return _slices(name, scan([name]), size, times, rows)
        return _batches(name, needed)

    def scan(self, selection: Selection) -> pl.LazyFrame | None:
        """Return the records selected as a frame of which only the columns asked for are read, inside `reading`.

        None where not all of them are in Parquet files; raises InputError as `frames` does.
        """
        if not self.is_parquet:
            return None
        import polars as pl

        from sinks.formats.scan import scan

        times = selection.times
        frames = [_narrowed(name, selection.tree) for name in self.names if times is None or _touches(name, times)]
        records = pl.concat(frames) if frames else scan([])
        return records if selection.wanted is None else records.filter(selection.wanted)

    @property
    def is_parquet(self) -> bool:
        """Whether all records are in Parquet files, which can be read again."""
        from sinks.formats.names import Format, readable_format

        if any(is_database(name) or name.startswith(SCHEME) for name in self.names):
            return False
        return all(readable_format(name) is Format.PARQUET for name in self.names)

    @property
    def is_large(self) -> bool:
        """Whether all records are in files, and these in need of more than a moment."""
        try:
            return sum(Path(name).stat().st_size for name in self.names) > LARGE and self.is_parquet
        except OSError:
            return False

    def columns(self, selection: Selection, columns: set[str]) -> Iterator[pa.RecordBatch]:
        """Yield the records selected, of Parquet files, with these columns; raises InputError as `frames` does."""
        from sinks.formats.parquet import read_columns

        if not selection.constant:
            for frame in self.frames(selection, columns):
                yield from frame.to_arrow().combine_chunks().to_batches()
            return
        with Progress(len(self.names)) as progress:
            for name in self.names:
                for data in read_columns(name, columns):
                    progress.show(len(data))
                    yield data
                progress.next()

    def reading(self) -> AbstractContextManager[None]:
        """Return what turns errors of Polars while it collects a `scan` into an InputError."""
        from sinks.formats.scan import reading

        return reading(self.names)

    def batches(self) -> Iterator[FlowBatch]:
        """Yield all records as batches, without the way through columns where it can be spared."""
        from sinks.formats import open_reader

        for name in self.names:
            if is_database(name):
                yield from (to_batch(lazy.collect()) for lazy, _ in _of_database(name, None))
            else:
                yield from self._live(name) if name.startswith(SCHEME) else open_reader(name)

    def _live(self, name: str) -> Iterator[FlowBatch]:
        """Yield what comes on a topic until the time is up, nothing came for long, or Ctrl-C ends it."""
        from topics.bus import Subscriber

        url, _, topic = name.rpartition("/")
        end = time.monotonic() + self._seconds if self._seconds else float("inf")
        quiet_since = time.monotonic()
        subscriber: Subscriber[FlowBatch] = Subscriber(
            url, topic, from_beginning=self._from_beginning, dead_letters=None
        )
        with subscriber:
            try:
                while (now := time.monotonic()) < end and not (self._idle and now - quiet_since > self._idle):
                    for received in subscriber.receive(0.2):
                        quiet_since = time.monotonic()
                        yield received.value
            except KeyboardInterrupt:
                return


def is_database(name: str) -> bool:
    """Tell whether a name is the address of a database rather than that of a file of records."""
    if "://" not in name and not FILE_DATABASE.search(name):
        return False
    from sinks.sql import address

    return address.is_database(name)


def _of_database(name: str, selection: Selection | None) -> Iterator[tuple[pl.LazyFrame, int]]:
    """Yield the flows of a database, those selected where it is asked for them."""
    from sinks.sql.reader import read_flows

    times = None if selection is None else selection.times
    fixed = times is not None and not times.negated and times.moment is None
    between = (times.first, times.end) if times is not None and fixed else None
    for frame in read_flows(name, None if selection is None else selection.condition, between):
        yield frame.lazy(), frame.height


def _touches(name: str, times: TimeRange) -> bool:
    """Tell by what a file says of itself whether it may hold records of a time; one that says nothing may."""
    import json

    import polars as pl

    try:
        facts = json.loads(pl.read_parquet_metadata(name).get("argosy", "{}"))
    except (pl.exceptions.PolarsError, OSError, ValueError):
        return True
    if not isinstance(facts, dict) or not {"first", "last"} <= facts.keys():
        return True
    return times.touches(int(facts["first"]), int(facts["last"]))


def _narrowed(name: str, tree: Node | None) -> pl.LazyFrame:
    """Return a file, or the rows of it that may hold the hosts of a filter, where those are fewer than half."""
    import polars as pl

    from sinks.formats.scan import scan

    rows = rows_with_hosts(name, tree)
    if rows is None:
        return scan([name])
    return pl.concat([scan([]), *(scan([name]).slice(start, end - start) for start, end in rows)])


def _slices(
    name: str, lazy: pl.LazyFrame, size: int, times: TimeRange | None, rows: list[tuple[int, int]] | None
) -> Iterator[tuple[pl.LazyFrame, int]]:
    """Cut a file into slices: Polars, left to itself, reads as fast as it can and keeps what waits in memory.

    `rows` is where to look, None for everywhere.
    """
    import polars as pl

    from sinks.formats.scan import reading

    first = 0
    with reading([name]):
        if times is None or times.negated:
            end = lazy.select(pl.len()).collect().item()
        else:
            first, end = _bounds(lazy, times)
    for begin, stop in [(first, end)] if rows is None else rows:
        last = min(end, stop)
        for start in range(max(first, begin), last, size):
            yield lazy.slice(start, min(size, last - start)), min(size, last - start)


def _bounds(lazy: pl.LazyFrame, times: TimeRange) -> tuple[int, int]:
    """Return the first and the one past the last record of a time range: what lies outside is not decoded."""
    import polars as pl

    from topics.expression.polars import polars

    row = pl.int_range(pl.len()).alias("row")
    inside = lazy.select(row, polars(times.condition()).alias("inside")).filter("inside")
    first, last = inside.select(pl.col("row").min(), pl.col("row").max().alias("last")).collect().row(0)
    return (0, 0) if first is None else (first, last + 1)


def _batches(name: str, needed: set[str] | None) -> Iterator[tuple[pl.LazyFrame, int]]:
    """Yield the records of a file that is no columns yet, with the columns needed or all."""
    from sinks.formats import open_reader

    for batch in open_reader(name):
        yield to_frame(batch, needed).lazy(), len(batch)


def to_frame(batch: FlowBatch, columns: set[str] | None = None) -> pl.DataFrame:
    """Return a batch as a frame with the columns of topics/frame.py, or with some of them."""
    from topics.frame import to_arrow

    return as_frame(to_arrow(batch) if columns is None else to_arrow(batch, columns))


def as_frame(data: pa.RecordBatch) -> pl.DataFrame:
    """Return a record batch with columns of topics/frame.py as a frame."""
    import polars as pl

    frame = pl.from_arrow(data)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a record batch with columns is never a series
    return frame


def to_batch(frame: pl.DataFrame) -> FlowBatch:
    """Return a frame with all columns of topics/frame.py as a batch."""
    from topics.frame import from_arrow

    return from_arrow(frame.to_arrow())
