"""Flows in an SQLite file."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import polars as pl

from sinks.sql.rows import in_words
from sinks.sql.statements import listed, quoted
from sinks.sql.store import Store, in_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.engine import URL

    from sinks.sql.layout import Layout

BUSY_SECONDS = 10.0
PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)


class SqliteStore(Store):
    """One SQLite file. Times are seconds since 1970, ids blobs, addresses and MACs text: there are no types for them.

    Readers go on while it is written (write-ahead log), and what was committed is on the disk.
    """

    at_once = 20_000
    engine = "sqlite"
    errors = (sqlite3.Error,)

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        with self._refusing():
            self._connection = sqlite3.connect(url.database or "", timeout=BUSY_SECONDS, isolation_level=None)
        try:
            with self._refusing():
                self._execute("PRAGMA journal_mode = WAL")
                self._execute("PRAGMA synchronous = FULL")
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def transaction(self, alone: str = "") -> Iterator[None]:  # noqa: ARG002 - no other can write meanwhile
        """Return what commits at its end, or rolls everything back."""
        with self._refusing():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # it may have ended the transaction itself, as when the disk is full
                    self._connection.execute("ROLLBACK")
                raise

    def upsert(self, table: str, layout: Layout, rows: pl.DataFrame) -> None:
        """Write rows in place of those with the same key."""
        marks = ", ".join("?" * len(layout.columns))
        columns = listed(layout.names, self.engine)
        statement = f"INSERT OR REPLACE INTO {quoted(table, self.engine)} ({columns}) VALUES ({marks})"  # noqa: S608 - names of ours
        self._connection.executemany(statement, _values(rows, layout).iter_rows(buffer_size=4096))

    def records(self, table: str, row_keys: Sequence[str]) -> list[bytes]:
        """Return the whole records of the rows with these keys."""
        found: list[bytes] = []
        question, pieces = in_pieces(self, table, [bytes.fromhex(key) for key in row_keys], "?")
        for piece in pieces:
            padded = [*piece, *[None] * (question.count("?") - len(piece))]
            found += [record for (record,) in self._execute(question, padded)]
        return found

    def close(self) -> None:
        """Leave the file."""
        with self._refusing():
            self._connection.close()

    def moment(self, time: datetime) -> float:
        """Return a time in seconds since 1970."""
        return time.timestamp()

    def _execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, parameters).fetchall()

    def _columns(self, table: str) -> list[str]:
        return [name for (name,) in self._execute("SELECT name FROM pragma_table_info(?)", [table])]

    def _tables(self) -> list[str]:
        return [name for (name,) in self._execute("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def _is_away(self, error: Exception) -> bool:
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in PASSING


def _values(rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Return rows as SQLite has them: addresses as text, times as seconds."""
    times = [pl.col(name).dt.timestamp("us") / 1e6 for name, kind in layout.kinds.items() if kind == "time"]
    return in_words(rows, layout).with_columns(times)
