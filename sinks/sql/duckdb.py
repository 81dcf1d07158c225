"""Flows in a DuckDB file."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import duckdb
from sqlalchemy import Text

from sinks.sql.address import display_name, without_password
from sinks.sql.table import NAME, column_names, duckdb_statements, missing_statements
from topics.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from sqlalchemy.engine import URL

COLUMNS = ", ".join(f'"{name}"' for name in column_names())
# Which flow it is decides when it began, so the time spares DuckDB all row groups of other times.
DELETE = f"""
DELETE FROM {NAME} USING incoming
WHERE {NAME}.flow_id = incoming.flow_id::UUID AND {NAME}.status_sequence = incoming.status_sequence
  AND {NAME}.flow_start BETWEEN (SELECT min(flow_start) FROM incoming) AND (SELECT max(flow_start) FROM incoming)
"""  # noqa: S608 - constants of ours
INSERT = f"INSERT INTO {NAME} ({COLUMNS}) SELECT {COLUMNS} FROM incoming"  # noqa: S608 - constants of ours


class DuckdbStore:
    """One DuckDB file, which DuckDB lets only one process write."""

    at_once = (
        4 * 122_880
    )  # row groups of DuckDB: it compresses several side by side, and fewer would pass through its log

    def __init__(self, url: URL) -> None:
        self._url = url
        with self._refusing():
            self._connection = duckdb.connect(url.database or "", config={"preserve_insertion_order": False})
        try:
            with self._refusing(), self._transaction():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def upsert(self, rows: pl.DataFrame) -> None:
        """Write rows in place of those with the same key, in one transaction."""
        with self._refusing(), self._transaction():
            self._connection.register("incoming", rows.to_arrow())
            self._connection.execute(DELETE)
            self._connection.execute(INSERT)
            self._connection.unregister("incoming")

    def close(self) -> None:
        """Write everything into the file and leave it."""
        with self._refusing():
            self._connection.close()

    def _prepare(self) -> None:
        found = self._connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [NAME]).fetchone()
        if not found:
            for statement in duckdb_statements():
                self._connection.execute(statement)
        known = "SELECT column_name FROM duckdb_columns() WHERE table_name = ?"
        columns = [name for (name,) in self._connection.execute(known, [NAME]).fetchall()]
        for statement in missing_statements(columns, Text(), Text()):
            self._connection.execute(statement)
        self._connection.execute(f"SELECT {COLUMNS} FROM {NAME} LIMIT 0")  # noqa: S608 - constants of ours

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.begin()
        try:
            yield
            self._connection.commit()
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        with suppress(duckdb.Error):  # DuckDB may have ended the transaction itself, as it does when the disk is full
            self._connection.rollback()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.Error, OSError) as error:
            reason = without_password(str(error), self._url)
            raise DatabaseError(f"{display_name(self._url)}: {reason}") from error
