"""Flows in a DuckDB file."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from sinks.sql.layout import RECORD, ROW_KEY
from sinks.sql.rows import in_words
from sinks.sql.statements import listed, quoted
from sinks.sql.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import URL

    from sinks.sql.layout import Layout

# Which flow it is decides when it began, so the time spares DuckDB all row groups of other times.
OF_THAT_TIME = (
    " AND {}.flow_start BETWEEN (SELECT min(flow_start) FROM incoming) AND (SELECT max(flow_start) FROM incoming)"
)
FULL = ("No space left", "disk full")


class DuckdbStore(Store):
    """One DuckDB file, which DuckDB lets only one process write.

    Tables get neither keys nor indexes: keeping those in step halves the rate at which flows come in, DuckDB finds
    times by the bounds of its row groups, and the sink, alone in writing to the file, replaces flows that are there.
    """

    at_once = (
        4 * 122_880
    )  # row groups of DuckDB: it compresses several side by side, and fewer would pass through its log
    engine = "duckdb"
    errors = (duckdb.Error,)

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        with self._refusing():
            self._connection = duckdb.connect(url.database or "", config={"preserve_insertion_order": False})

    @contextmanager
    def transaction(self, alone: str = "") -> Iterator[None]:  # noqa: ARG002 - no other process can be there
        """Return what commits at its end, or rolls everything back."""
        with self._refusing():
            self._connection.begin()
            try:
                yield
                self._connection.commit()
            except BaseException:
                with suppress(duckdb.Error):  # it may have ended the transaction itself, as when the disk is full
                    self._connection.rollback()
                raise

    def upsert(self, table: str, layout: Layout, rows: pl.DataFrame) -> None:
        """Write rows in place of those with the same key."""
        name, columns = quoted(table, self.engine), listed(layout.names, self.engine)
        self._connection.register("incoming", _values(rows, layout).to_arrow())
        if layout.key:
            same = " AND ".join(_same(name, key, layout) for key in layout.key)
            time = OF_THAT_TIME.format(name) if layout.is_whole else ""
            self._connection.execute(f"DELETE FROM {name} USING incoming WHERE {same}{time}")  # noqa: S608 - names of ours
        self._connection.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM incoming")  # noqa: S608 - names of ours
        self._connection.unregister("incoming")

    def records(self, table: str, row_keys: Sequence[str]) -> list[bytes]:
        """Return the whole records of the rows with these keys."""
        question = f"SELECT {RECORD} FROM {quoted(table, self.engine)} WHERE {ROW_KEY} = ANY(CAST(? AS UUID[]))"  # noqa: S608 - names of ours
        return [record for (record,) in self._execute(question, [list(row_keys)])]

    def close(self) -> None:
        """Write everything into the file and leave it."""
        with self._refusing():
            self._connection.close()

    def _create(self, table: str, layout: Layout, part_of: tuple[str, str, str] | None) -> None:
        from sinks.sql import statements

        if part_of is not None:
            super()._create(table, layout, part_of)
        self._execute(statements.create_table(table, layout, self.engine, keyed=False))
        if statements.has_view(table, layout):
            self._execute(statements.create_view(self.engine))

    def _execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, list(parameters)).fetchall()

    def _columns(self, table: str) -> list[str]:
        known = "SELECT column_name FROM duckdb_columns() WHERE table_name = ? AND database_name = current_database()"
        return [name for (name,) in self._execute(known, [table])]

    def _tables(self) -> list[str]:
        return [name for (name,) in self._execute("SELECT table_name FROM duckdb_tables()")]

    def _is_away(self, error: Exception) -> bool:
        return any(word in str(error) for word in FULL)


def _values(rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Return rows as DuckDB takes them: ids as hexadecimal digits, addresses as text."""
    ids = [pl.col(name).bin.encode("hex") for name, kind in layout.kinds.items() if kind == "id"]
    return in_words(rows, layout).with_columns(ids)


def _same(name: str, key: str, layout: Layout) -> str:
    return f"{name}.{key} = incoming.{key}" + ("::UUID" if layout.kinds[key] == "id" else "")
