"""The SQL sink: flows into the table of a database, each once however often it arrives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import polars as pl

from sinks.sql.rows import last_of_each_key, rows
from sinks.sql.store import open_store
from topics.batch import FlowBatch, concatenate
from topics.errors import DatabaseAwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinks.position import Position

LINGER = 60.0
AWAY_SECONDS = 600.0  # how long a database may be away before the sink gives up
RETRY_SECONDS = 2.0
PIECE = 16 * 1024  # records turned into rows at a time: large enough for columns, small enough to stay in the cache


class SqlSink:
    """Keeps flows in the database at `address`: `duckdb:///FILE`, `FILE.duckdb` or `postgresql://...`.

    Records are gathered and written in transactions, at the latest `linger` seconds (of `clock`) after they came, when
    `advance` is called; later when a database goes away meanwhile, `held` tells how much waits. One with the flow id
    and status sequence of an earlier one takes its place. Raises UsageError for another kind of address,
    DatabaseError when the database refuses, or stays away for AWAY_SECONDS; what was gathered is then not in it.
    """

    def __init__(self, address: str, *, linger: float = LINGER, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = open_store(address)
        self._linger, self._clock = linger, clock
        self._batches: list[FlowBatch] = []
        self._rows: list[pl.DataFrame] = []
        self._waiting_since = self._retry_at = 0.0
        self._away_since: float | None = None
        self._next_offsets: dict[str, int] = {}
        self._safe_offsets: dict[str, int] = {}
        self.records = 0

    def write(self, batch: FlowBatch, position: Position | None = None) -> None:
        """Take the records of a batch."""
        if position is not None:
            self._next_offsets[position.source] = position.offset + 1
        if not len(batch):
            return
        if not self._batches and not self._rows:
            self._waiting_since = self._clock()
        self._batches.append(batch)
        if sum(map(len, self._batches)) >= PIECE:
            self._convert()
        if sum(map(len, self._rows)) >= self._store.at_once:
            self._flush_if_possible()

    def advance(self, watermark: int) -> None:  # noqa: ARG002 - every sink is told how far event time is
        """Write what has waited for long enough."""
        if (self._batches or self._rows) and self._clock() - self._waiting_since >= self._linger:
            self._flush_if_possible()

    @property
    def held(self) -> int:
        """Bytes of what is not written yet."""
        waiting = sum(batch.records.nbytes + batch.heap.nbytes for batch in self._batches)
        return waiting + sum(int(frame.estimated_size()) for frame in self._rows)

    def _flush_if_possible(self) -> None:
        """Write everything, unless the database is away and has not been for too long; raises DatabaseError."""
        now = self._clock()
        if self._away_since is not None and now < self._retry_at:
            return
        try:
            self.flush()
        except DatabaseAwayError:
            self._away_since = now if self._away_since is None else self._away_since
            if now - self._away_since >= AWAY_SECONDS:
                raise
            self._retry_at = now + RETRY_SECONDS
        else:
            self._away_since = None

    def flush(self) -> None:
        """Write everything that was taken."""
        self._convert()
        if self._rows:
            gathered = last_of_each_key(pl.concat(self._rows))
            self._store.upsert(gathered)
            self.records += len(gathered)
            self._rows = []
        self._safe_offsets.update(self._next_offsets)

    def _convert(self) -> None:
        if self._batches:
            self._rows.append(rows(concatenate(self._batches)))
            self._batches = []

    def close(self) -> None:
        """Write everything that was taken and leave the database."""
        try:
            self.flush()
        finally:
            self.abort()

    def abort(self) -> None:
        """Leave the database without writing what was gathered."""
        self._batches, self._rows = [], []
        self._next_offsets.clear()
        self._store.close()

    def safe_offsets(self) -> dict[str, int]:
        """Return, by source, the first offset whose records are not in the database for certain."""
        return dict(self._safe_offsets)
