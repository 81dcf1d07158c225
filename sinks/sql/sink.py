"""The SQL sink: flows into tables of a database, each once however often it arrives."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

import polars as pl
import structlog

from sinks.sql.address import parse_table
from sinks.sql.layout import ROW_KEY, Layout, whole
from sinks.sql.rows import last_of_each_key, rows
from sinks.sql.store import open_store
from sinks.sql.tables import EPOCH, Tables
from topics.batch import FlowBatch, concatenate
from topics.errors import DatabaseAwayError, UsageError
from topics.metrics import table
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinks.position import Position
    from sinks.sql.tables import Span

LINGER = 60.0
AWAY_SECONDS = 600.0  # how long a database may be away before the sink gives up
RETRY_SECONDS = 2.0
CLEAN_SECONDS = 600.0  # how often what is too old is dropped
PIECE = 16 * 1024  # records turned into rows at a time: large enough for columns, small enough to stay in the cache


class Merging(Protocol):
    """How records become the one row of their key."""

    def merged(self, batch: FlowBatch) -> FlowBatch:
        """Return one record a key."""

    def row_keys(self, merged: FlowBatch) -> list[str]:
        """Return the key of each record's row, hexadecimal."""

    def joined(self, merged: FlowBatch) -> tuple[FlowBatch, list[str]]:
        """Return one record a row of those that were merged already, and the rows' keys."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a sink keeps and how.

    `layout` says the columns; `merging` merges the records of a key into one row, which takes a layout with the whole
    record. `partitions` makes tables by time partitions of one (PostgreSQL); what ended `seconds` ago is dropped, None
    for never; `drop` begins with dropping what there is.
    """

    layout: Layout = field(default_factory=whole)
    merging: Merging | None = None
    partitions: bool = False
    seconds: float | None = None
    drop: bool = False


class _Piece(NamedTuple):
    batch: FlowBatch
    position: Position | None


class SqlSink:
    """Keeps flows in the database, and perhaps table, at `address` (see address.py).

    Records are gathered and written in transactions, at the latest `linger` seconds (of `clock`) after they came, when
    `advance` is called; later when a database goes away meanwhile, `held` tells how much waits. One with the key of an
    earlier one takes its place. Where rows have no key, or are merged, the database notes which offsets they are from:
    those are not taken again. `now` tells the time for dropping what is old. Raises UsageError for another kind of
    address, DatabaseError when the database refuses, or stays away for AWAY_SECONDS; what was gathered is then not in
    it.
    """

    def __init__(
        self,
        address: str,
        *,
        linger: float = LINGER,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        keeping: Keeping | None = None,
    ) -> None:
        self._keeping = keeping or Keeping()
        self._layout = self._keeping.layout
        self._counted = not self._layout.key or self._keeping.merging is not None
        self._tables = Tables(parse_table(address)[1])
        if self._keeping.partitions and not self._tables.timed:
            raise UsageError(f"partitions need a table with times in its name, such as {self._tables.pattern}_%Y_%m_%d")
        self._store = open_store(address)
        self._linger, self._clock, self._now = linger, clock, now
        self._prepared: set[str] = set()
        self._pieces: list[_Piece] = []
        self._rows: list[pl.DataFrame] = []
        self._waiting_since = self._retry_at = 0.0
        self._away_since: float | None = None
        self._cleaned: float | None = None
        self._next_offsets: dict[str, int] = {}
        self._safe_offsets: dict[str, int] = {}
        self.records = 0
        try:
            self._begin()
        except BaseException:
            self._store.close()
            raise

    def _begin(self) -> None:
        if self._keeping.drop:
            for span in self._tables.among(self._store.tables()):
                self._store.drop(span.name)
        if self._counted:
            self._store.keep_positions()
        if not self._tables.timed:
            self._prepare(self._tables.among([self._tables.pattern])[0])
        self._clean()

    def write(self, batch: FlowBatch, position: Position | None = None) -> None:
        """Take the records of a batch."""
        if position is not None:
            self._next_offsets[position.source] = position.offset + 1
        if not len(batch):
            return
        if not self._pieces and not self._rows:
            self._waiting_since = self._clock()
        self._pieces.append(_Piece(batch, position))
        gathered = sum(len(piece.batch) for piece in self._pieces)
        if not self._counted and gathered >= PIECE:
            self._convert()
            gathered = 0
        if gathered + sum(map(len, self._rows)) >= self._store.at_once:
            self._flush_if_possible()

    def advance(self, watermark: int) -> None:  # noqa: ARG002 - every sink is told how far event time is
        """Write what has waited for long enough, and drop what is too old."""
        if (self._pieces or self._rows) and self._clock() - self._waiting_since >= self._linger:
            self._flush_if_possible()
        if self._away_since is None:
            with suppress(DatabaseAwayError):
                self._clean()

    @property
    def held(self) -> int:
        """Bytes of what is not written yet."""
        waiting = sum(piece.batch.records.nbytes + piece.batch.heap.nbytes for piece in self._pieces)
        return waiting + sum(int(frame.estimated_size()) for frame in self._rows)

    def _flush_if_possible(self) -> None:
        """Write everything, unless the database is away and has not been for too long; raises DatabaseError."""
        now = self._clock()
        if self._away_since is not None and now < self._retry_at:
            return
        try:
            self.flush()
        except DatabaseAwayError:
            if self._away_since is None:
                self._away_since = now
                _tell("the database is away, flows wait", away=True)
            if now - self._away_since >= AWAY_SECONDS:
                raise
            self._retry_at = now + RETRY_SECONDS
        else:
            if self._away_since is not None:
                self._away_since = None
                _tell("the database is back", away=False)

    def flush(self) -> None:
        """Write everything that was taken."""
        if self._counted:
            self._flush_counted()
        else:
            self._flush_rows()
        self._safe_offsets.update(self._next_offsets)

    def _flush_rows(self) -> None:
        self._convert()
        if not self._rows:
            return
        gathered = last_of_each_key(pl.concat(self._rows), self._layout.key)
        parts = self._split(gathered)
        with self._store.transaction():
            for span, part in parts:
                self._store.upsert(span.name, self._layout, part)
        self.records += len(gathered)
        self._rows = []

    def _flush_counted(self) -> None:
        """Write the pieces that the database does not say it has had, and say that it has had them, at once."""
        if not self._pieces:
            return
        target, count = self._tables.pattern, 0
        times = Layout(tuple(column for column in self._layout.columns if column.name == "stime"), ())
        for piece in self._pieces:  # tables are made before the transaction: MySQL would end it
            self._split(rows(piece.batch, times))
        with self._store.transaction(alone=target):
            offsets = {piece.position.source: 0 for piece in self._pieces if piece.position is not None}
            had = {source: self._store.position(target, source) for source in offsets}
            batches = [piece.batch for piece in self._pieces if _is_new(piece.position, had)]
            if batches:
                count = self._put(concatenate(batches))
            self._store.note_positions(
                target, {source: max(self._next_offsets[source], had[source]) for source in offsets}
            )
        self.records += count
        self._pieces = []

    def _put(self, batch: FlowBatch) -> int:
        merging = self._keeping.merging
        for span, part in self._split(rows(batch, self._layout).with_row_index("_row")):
            if merging is None:
                self._store.upsert(span.name, self._layout, part.drop("_row"))
            else:
                self._merge(span, batch.select(part["_row"].to_numpy()), merging)
        return len(batch)

    def _merge(self, span: Span, batch: FlowBatch, merging: Merging) -> None:
        """Merge records with those that are in the table already."""
        from sinks.sql.records import decoded  # loads the kernels of the codec

        incoming = merging.merged(batch)
        present = decoded(self._store.records(span.name, merging.row_keys(incoming)))
        result, keys = merging.joined(concatenate([present, incoming]))
        frame = rows(result, self._layout).with_columns(pl.Series(ROW_KEY, keys, pl.String).str.decode("hex"))
        self._store.upsert(span.name, self._layout, frame)

    def _split(self, gathered: pl.DataFrame) -> list[tuple[Span, pl.DataFrame]]:
        if self._keeping.partitions:
            gathered = gathered.with_columns(pl.col("stime").fill_null(EPOCH))  # a partition has to have a time
        parts = self._tables.split(gathered)
        for span, _ in parts:
            self._prepare(span)
        return parts

    def _prepare(self, span: Span) -> None:
        if span.name in self._prepared:
            return
        part_of = (self._tables.parent, f"{span.first:%Y-%m-%d %H:%M:%S+00}", f"{span.end:%Y-%m-%d %H:%M:%S+00}")
        self._store.prepare(span.name, self._layout, part_of if self._keeping.partitions else None)
        self._prepared.add(span.name)

    def _convert(self) -> None:
        if self._pieces:
            self._rows.append(rows(concatenate(piece.batch for piece in self._pieces), self._layout))
            self._pieces = []

    def _clean(self) -> None:
        """Drop tables that hold only what is too old; of one that holds everything, such rows."""
        if self._keeping.seconds is None or (
            self._cleaned is not None and self._clock() - self._cleaned < CLEAN_SECONDS
        ):
            return
        before = datetime.fromtimestamp(self._now(), UTC) - timedelta(seconds=self._keeping.seconds)
        for span in self._tables.among(self._store.tables()):
            if not self._tables.timed:
                self._store.forget(span.name, before)
            elif span.end <= before:
                self._store.drop(span.name)
                self._prepared.discard(span.name)
        self._cleaned = self._clock()

    def close(self) -> None:
        """Write everything that was taken and leave the database."""
        try:
            self.flush()
        finally:
            self.abort()

    def abort(self) -> None:
        """Leave the database without writing what was gathered."""
        self._pieces, self._rows = [], []
        self._next_offsets.clear()
        self._store.close()

    def safe_offsets(self) -> dict[str, int]:
        """Return, by source, the first offset whose records are not in the database for certain."""
        return dict(self._safe_offsets)


def _is_new(position: Position | None, had: dict[str, int]) -> bool:
    return position is None or position.offset >= had[position.source]


def _tell(what: str, *, away: bool) -> None:
    """Say that the database went away or came back: in the log, where there is one, and to who asks for health."""
    VITALS.settle("database", what, ok=not away)
    table.SINK_AWAY.set(float(away))
    if structlog.is_configured():
        structlog.get_logger().warning(what)
