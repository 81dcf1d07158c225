"""Tables of rows that have a key and never change, each row once however often it arrives: DuckDB and PostgreSQL."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from sinks.sql.address import display_name, parse, without_password
from topics.errors import DatabaseAwayError, DatabaseError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import psycopg
    from sqlalchemy import Column, Table
    from sqlalchemy.engine import URL
    from sqlalchemy.types import TypeEngine

Row = dict[str, Any]
LOCK = 0x6172676F73796576  # advisory: two sinks that start together must not both create the tables


class KeyedTables(Protocol):
    """Tables in a database; methods raise DatabaseError, DatabaseAwayError when the same may go well later."""

    def insert(self, tables: dict[str, list[Row]]) -> None:
        """Write rows by table, those that are not there yet: all or none."""

    def close(self) -> None:
        """Leave the database."""


def open_keyed_tables(address: str, what: str, make: Callable[[TypeEngine[Any]], Sequence[Table]]) -> KeyedTables:
    """Return the tables that `make` describes, given the type of addresses; made where they are not there.

    The address is `duckdb:///FILE`, `FILE.duckdb` or `postgresql://...`; `what` is kept, for messages. Raises
    UsageError for another kind of address, DatabaseError.
    """
    url = parse(address)
    if url.drivername == "duckdb":
        return _Duckdb(url, make(Text()))
    if url.drivername == "postgresql":
        return _Postgresql(url, make(postgresql.INET()))
    raise UsageError(f"{display_name(url)}: {what} are kept in DuckDB and PostgreSQL only")


def _create(table: Table) -> list[str]:
    made: list[Any] = [
        CreateTable(table, if_not_exists=True),
        *(CreateIndex(each, if_not_exists=True) for each in table.indexes),
    ]
    return [str(statement.compile(dialect=_dialect())) for statement in made]


def _add(table: Table, column: Column[Any]) -> str:
    text = CreateColumn(column).compile(dialect=_dialect())
    return f"ALTER TABLE {_quoted(table.name)} ADD COLUMN IF NOT EXISTS {text}"


def _dialect() -> Any:  # noqa: ANN401 - its words are DuckDB's too
    return postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own


def _quoted(name: str) -> str:
    return f'"{name}"'


def _insert(table: Table, source: str) -> str:
    names = ", ".join(_quoted(column.name) for column in table.columns)
    return f"INSERT INTO {_quoted(table.name)} ({names}) {source.format(names)} ON CONFLICT DO NOTHING"


class _Duckdb:
    def __init__(self, url: URL, tables: Sequence[Table]) -> None:
        import duckdb

        self._url, self._errors = url, duckdb.Error
        self._tables = {table.name: table for table in tables}
        with self._refusing():
            self._connection = duckdb.connect(url.database or "")
        with self._refusing():
            for table in tables:
                for statement in _create(table):
                    self._connection.execute(statement)
                found = self._connection.execute(f"SELECT * FROM {_quoted(table.name)} LIMIT 0").description or []  # noqa: S608 - names of ours
                for column in _missing(table, [name for name, *_ in found]):
                    self._connection.execute(_add(table, column))

    def insert(self, tables: dict[str, list[Row]]) -> None:
        with self._refusing():
            self._connection.begin()
            try:
                for name, rows in tables.items():
                    self._insert(self._tables[name], rows)
                self._connection.commit()
            except BaseException:
                self._connection.rollback()
                raise

    def _insert(self, table: Table, rows: list[Row]) -> None:
        import polars as pl

        names = [column.name for column in table.columns]
        key = [column.name for column in table.primary_key]
        frame = pl.DataFrame(rows, infer_schema_length=None).select(names).unique(key)
        self._connection.register("incoming", frame.to_arrow())
        self._connection.execute(_insert(table, "SELECT {} FROM incoming"))
        self._connection.unregister("incoming")

    def close(self) -> None:
        with self._refusing():
            self._connection.close()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (self._errors, OSError) as error:
            raise _refused(DatabaseError, self._url, error) from error


class _Postgresql:
    def __init__(self, url: URL, tables: Sequence[Table]) -> None:
        import psycopg

        self._url, self._errors = url, psycopg.Error
        self._tables = {table.name: table for table in tables}
        self._connection: psycopg.Connection[Any] | None = None
        self._prepare()

    def _prepare(self) -> None:
        """Connect, and make the tables and columns that are not there."""
        from sinks.sql.postgresql import connect

        with self._refusing():
            self._connection = connection = connect(self._url)
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            for table in self._tables.values():
                for statement in _create(table):
                    connection.execute(statement.encode())
                found = connection.execute(f"SELECT * FROM {_quoted(table.name)} LIMIT 0".encode()).description or []  # noqa: S608 - names of ours
                for column in _missing(table, [each.name for each in found]):
                    connection.execute(_add(table, column).encode())
            connection.commit()

    def insert(self, tables: dict[str, list[Row]]) -> None:
        if self._connection is None:
            self._prepare()
        with self._refusing():
            assert self._connection is not None  # noqa: S101 - _prepare has seen to that
            with self._connection.transaction(), self._connection.cursor() as cursor:
                for name, rows in tables.items():
                    self._insert(cursor, self._tables[name], rows)

    def _insert(self, cursor: psycopg.Cursor[Any], table: Table, rows: list[Row]) -> None:
        names = [column.name for column in table.columns]
        statement = _insert(table, f"VALUES ({', '.join(['%s'] * len(names))})")
        cursor.executemany(statement.encode(), [[row[name] for name in names] for row in rows])

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (self._errors, OSError) as error:
            away = self._connection is None or self._connection.closed
            if away:
                self._connection = None
            raise _refused(DatabaseAwayError if away else DatabaseError, self._url, error) from error


def _missing(table: Table, found: Sequence[str]) -> list[Column[Any]]:
    return [column for column in table.columns if column.name not in found]


def _refused(kind: type[DatabaseError], url: URL, error: BaseException) -> DatabaseError:
    return kind(f"{display_name(url)}: {without_password(str(error), url)}")
