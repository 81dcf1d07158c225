"""Events in a database, each once however often it arrives: its key tells, and an event never changes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import INET

from sinks.events.layout import EVENTS, KEY, Row, column_names, create_statements, rows
from sinks.sql.address import display_name, parse, without_password
from topics.errors import DatabaseError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import URL

    from topics.events import EventRecord

LOCK = 0x6172676F73796576  # advisory: two sinks that start together must not both create the tables


class _Database(Protocol):
    def insert(self, tables: dict[str, list[Row]]) -> None:
        """Write rows by table, those that are not there yet: all or none."""

    def close(self) -> None:
        """Leave the database."""


class EventDatabase:
    """The database at `duckdb:///FILE`, `FILE.duckdb` or `postgresql://...`, its tables made where they are not there.

    Raises UsageError for another kind of address, DatabaseError when the database refuses.
    """

    def __init__(self, address: str) -> None:
        url = parse(address)
        if url.drivername not in ("duckdb", "postgresql"):
            raise UsageError(f"{display_name(url)}: events are kept in DuckDB and PostgreSQL only")
        self._database: _Database = _Duckdb(url) if url.drivername == "duckdb" else _Postgresql(url)
        self.records = 0

    def write(self, events: Sequence[tuple[EventRecord, bytes]]) -> None:
        """Write events, all or none."""
        tables: dict[str, list[Row]] = {}
        for event, _ in events:
            for table, found in rows(event):
                tables.setdefault(table, []).extend(found)
        self._database.insert({table: found for table, found in tables.items() if found})
        self.records += len(events)

    def close(self) -> None:
        """Leave the database."""
        self._database.close()


class _Duckdb:
    def __init__(self, url: URL) -> None:
        import duckdb

        self._url, self._errors = url, duckdb.Error
        with self._refusing():
            self._connection = duckdb.connect(url.database or "")
        with self._refusing():
            for statement in create_statements(Text()):
                self._connection.execute(statement)

    def insert(self, tables: dict[str, list[Row]]) -> None:
        with self._refusing():
            self._connection.begin()
            try:
                for table, found in tables.items():
                    self._insert(table, found)
                self._connection.commit()
            except BaseException:
                self._connection.rollback()
                raise

    def _insert(self, table: str, found: list[Row]) -> None:
        import polars as pl

        names = column_names(table)
        key = [*KEY] if table == EVENTS else [*KEY, "row"]
        frame = pl.DataFrame(found, infer_schema_length=None).select(names).unique(key)
        self._connection.register("incoming", frame.to_arrow())
        quoted = ", ".join(f'"{name}"' for name in names)
        statement = f"INSERT INTO {table} ({quoted}) SELECT {quoted} FROM incoming ON CONFLICT DO NOTHING"  # noqa: S608 - names of ours
        self._connection.execute(statement)
        self._connection.unregister("incoming")

    def close(self) -> None:
        with self._refusing():
            self._connection.close()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (self._errors, OSError) as error:
            raise _refused(self._url, error) from error


class _Postgresql:
    def __init__(self, url: URL) -> None:
        import psycopg

        from sinks.sql.postgresql import connect

        self._url, self._errors = url, psycopg.Error
        with self._refusing():
            self._connection = connect(url)
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            for statement in create_statements(INET()):
                self._connection.execute(statement.encode())
            self._connection.commit()

    def insert(self, tables: dict[str, list[Row]]) -> None:
        with self._refusing(), self._connection.transaction(), self._connection.cursor() as cursor:
            for table, found in tables.items():
                names = column_names(table)
                quoted = ", ".join(f'"{name}"' for name in names)
                places = ", ".join(["%s"] * len(names))
                statement = f"INSERT INTO {table} ({quoted}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608 - names of ours
                cursor.executemany(statement.encode(), [[row[name] for name in names] for row in found])

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (self._errors, OSError) as error:
            raise _refused(self._url, error) from error


def _refused(url: URL, error: BaseException) -> DatabaseError:
    return DatabaseError(f"{display_name(url)}: {without_password(str(error), url)}")
