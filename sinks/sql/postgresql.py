"""Flows in a PostgreSQL database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from sinks.sql import statements
from sinks.sql.layout import RECORD, ROW_KEY
from sinks.sql.statements import listed, quoted
from sinks.sql.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl
    from sqlalchemy.engine import URL

    from sinks.sql.layout import Layout

LANES = 2  # connections that share the rows of an upsert: one server process alone is the bottleneck
STAGING = "argosy_incoming"
CONNECT_SECONDS = 10
AWAY_SECONDS = 60
LOCK = 0x6172676F  # advisory, with the hash of a name: two sinks that start together must not both create a table
PASSING = ("08", "40", "53", "55P03", "57P")  # SQLSTATE: connections, deadlocks, full, locks, going down


class PostgresqlStore(Store):
    """A PostgreSQL database, written by LANES connections at once that commit together."""

    at_once = 50_000
    mark = "%s"
    engine = "postgresql"
    errors = (psycopg.Error,)

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        self._lanes: list[psycopg.Connection[Any]] = []
        self._threads = ThreadPoolExecutor(LANES, "postgresql")
        self._staged: Layout | None = None
        self._alone = False
        try:
            with self._refusing():
                self._lanes += [connect(self.url) for _ in range(LANES)]
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self, alone: str = "") -> Iterator[None]:
        """Return what commits at its end, or rolls back. No connection commits before all have written theirs.

        Who is `alone` writes by one connection, so that all of it is there or nothing.
        """
        with self._refusing():
            self._reconnect()
            self._alone = bool(alone)
            try:
                if alone:
                    self._execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK, alone])
                yield
            except BaseException:
                self._roll_back()
                raise
            for _ in self._threads.map(_commit, self._lanes):
                pass

    def upsert(self, table: str, layout: Layout, rows: pl.DataFrame) -> None:
        """Write rows in place of those with the same key."""
        self._stage(layout)
        staging, found = self._found(STAGING), self._found(table)
        direct = all(staging.types[name] == found.types.get(name) for name in layout.names)

        def write(lane: psycopg.Connection[Any], share: pl.DataFrame) -> None:
            if not (direct and _copied(lane, share, table, layout, found)):
                _merge(lane, share, table, layout, staging)

        if self._alone or not layout.key:
            write(self._lanes[0], rows)
            return
        share = -(-len(rows) // LANES)  # a key is there once, so that no lane waits for another
        for _ in self._threads.map(write, self._lanes, [rows[share * lane :][:share] for lane in range(LANES)]):
            pass

    def _found(self, table: str) -> _Found:
        """Return what a table has: perhaps other types than we gave it, which somebody chose, and other defaults."""
        columns = self._execute(
            "SELECT attname, atttypid, pg_get_expr(adbin, adrelid) FROM pg_attribute "
            "LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum "
            "WHERE attrelid = to_regclass(quote_ident(%s)) AND attnum > 0 AND NOT attisdropped",
            [table],
        )
        return _Found({name: kind for name, kind, _ in columns}, {name: default for name, _, default in columns})

    def records(self, table: str, row_keys: Sequence[str]) -> list[bytes]:
        """Return the whole records of the rows with these keys."""
        question = f"SELECT {RECORD} FROM {quoted(table, self.engine)} WHERE {ROW_KEY} = ANY(CAST(%s AS uuid[]))"  # noqa: S608 - names of ours
        return [record for (record,) in self._execute(question, [list(row_keys)])]

    def close(self) -> None:
        """Leave the database."""
        self._threads.shutdown()
        for lane in self._lanes:
            lane.close()

    def _reconnect(self) -> None:
        """Connect anew when one connection is lost: a server that went away left all, though only this one noticed."""
        if any(lane.closed for lane in self._lanes):
            for number, lane in enumerate(self._lanes):
                lane.close()
                self._lanes[number] = connect(self.url)
            self._staged = None

    def _stage(self, layout: Layout) -> None:
        """Make the temporary tables that rows are copied into first."""
        if self._staged is layout:
            return
        for lane in self._lanes:
            table = statements.create_table(STAGING, layout, self.engine, keyed=False)
            lane.execute(f"DROP TABLE IF EXISTS pg_temp.{STAGING}".encode())
            lane.execute(f"{table.replace('CREATE TABLE', 'CREATE TEMPORARY TABLE', 1)} ON COMMIT DELETE ROWS".encode())
        self._staged = layout

    def _roll_back(self) -> None:
        self._threads.shutdown()
        self._threads = ThreadPoolExecutor(LANES, "postgresql")
        self._staged = None
        for lane in self._lanes:
            if not lane.closed and not lane.broken:
                lane.rollback()

    def _create(self, table: str, layout: Layout, part_of: tuple[str, str, str] | None) -> None:
        super()._create(table, layout, None)
        if part_of is None:
            return
        parent, first, end = part_of
        if not self._columns(parent):
            whole = statements.create_table(parent, layout, self.engine, keyed=False)
            self._execute(f"{whole} PARTITION BY RANGE (stime)")
            if statements.has_view(parent, layout):
                self._execute(statements.create_view(self.engine))
        attached = f"ALTER TABLE {quoted(parent, self.engine)} ATTACH PARTITION {quoted(table, self.engine)}"
        self._execute(f"{attached} FOR VALUES FROM ('{first}') TO ('{end}')")

    def _execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        cursor = self._lanes[0].execute(statement.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []

    def _columns(self, table: str) -> list[str]:
        known = (
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(%s)) AND attnum > 0 "
            "AND NOT attisdropped"
        )
        return [name for (name,) in self._execute(known, [table])]

    def _tables(self) -> list[str]:
        return [
            name for (name,) in self._execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        ]

    def _is_away(self, error: Exception) -> bool:
        lost = any(lane.closed or lane.broken for lane in self._lanes)
        lost |= not self._lanes and isinstance(error, psycopg.OperationalError)  # it never was there
        return lost or (getattr(error, "sqlstate", None) or "").startswith(PASSING)


class _Found(NamedTuple):
    """The types of a table's columns, and what they are where nothing is said, None for NULL."""

    types: dict[str, int]
    defaults: dict[str, str | None]


def connect(url: URL) -> psycopg.Connection[Any]:
    """Return a connection that notices when the server is gone; raises psycopg.Error."""
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": AWAY_SECONDS * 1000,
        "keepalives_idle": AWAY_SECONDS // 2,
        "keepalives_interval": AWAY_SECONDS // 6,
        "keepalives_count": 3,
        "application_name": "argosy",
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "dbname": url.database,
    }
    return psycopg.connect("", **options | {name: values[-1] for name, values in url.normalized_query.items()})


def _commit(lane: psycopg.Connection[Any]) -> None:
    lane.commit()


def _upsert(table: str, layout: Layout) -> str:
    columns = listed(layout.names, "postgresql")
    insert = f"INSERT INTO {quoted(table, 'postgresql')} ({columns}) SELECT {columns} FROM {STAGING}"  # noqa: S608 - names of ours
    if not layout.key:
        return insert
    changes = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in layout.names if name not in layout.key)
    return f"{insert} ON CONFLICT ({', '.join(layout.key)}) DO UPDATE SET {changes}"


def _copied(lane: psycopg.Connection[Any], rows: pl.DataFrame, table: str, layout: Layout, found: _Found) -> bool:
    """Copy rows into their table; False when one is there already, as on replay: then nothing was written."""
    try:
        with lane.transaction():
            _copy(lane, rows, table, layout, found)
    except psycopg.errors.UniqueViolation:
        return False
    return True


def _merge(lane: psycopg.Connection[Any], rows: pl.DataFrame, table: str, layout: Layout, staging: _Found) -> None:
    """Write rows by way of the temporary table."""
    _copy(lane, rows, STAGING, layout, staging)
    lane.execute(_upsert(table, layout).encode())
    lane.execute(f"TRUNCATE {STAGING}".encode())


def _copy(lane: psycopg.Connection[Any], rows: pl.DataFrame, table: str, layout: Layout, found: _Found) -> None:
    from sinks.sql.copying import as_binary, telling  # loads its kernel

    layout = telling(rows, layout, found.defaults)
    columns = listed(layout.names, "postgresql")
    statement = f"COPY {quoted(table, 'postgresql')} ({columns}) FROM STDIN (FORMAT binary)"
    with lane.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for piece in as_binary(rows, layout):
            copy.write(piece)
