"""Databases as they are read: what tables there are, and the rows of a question, some thousands at a time."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

import polars as pl

from sinks.sql.layout import ADDRESSES, LINK_ADDRESSES
from sinks.sql.statements import COLLATIONS
from topics.errors import DatabaseError
from topics.schema import flow_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import URL

    from topics.expression.sql import Dialect

AT_ONCE = 65_536
STEPS = 10_000  # of the machine that SQLite is, between looks at the clock
MACS = tuple(field.name for field in flow_fields() if field.kind == "fixed" and field.size == 6)


class Asked(ABC):
    """A database that is open for reading alone; every method raises what the driver does.

    With `seconds` it gives a statement up that takes longer: PostgreSQL, DuckDB and SQLite until the next AT_ONCE rows,
    MySQL and MariaDB until the last.
    """

    dialect: Dialect
    mark = "?"
    quote = '"'
    hour = "floor(extract(epoch FROM stime) / 3600)"

    @abstractmethod
    def __init__(self, url: URL, seconds: float | None) -> None:
        """Open it."""

    @abstractmethod
    def close(self) -> None:
        """Leave it."""

    @abstractmethod
    def rows(self, question: str, parameters: Sequence[Any] = ()) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a question, AT_ONCE at a time."""

    @abstractmethod
    def tables(self) -> list[str]:
        """Return the names of tables, those with partitions included."""

    @abstractmethod
    def columns(self, table: str) -> list[str]:
        """Return the names of the columns of a table."""

    def frames(
        self, question: str, parameters: Sequence[Any], kinds: Mapping[str, pl.DataType]
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows of a question as frames of these columns."""
        for rows in self.rows(question, parameters):
            yield pl.DataFrame(rows, schema=kinds, orient="row")

    def selected(self, name: str) -> str:
        """Return a column as the answer has it: ids and MACs as text, addresses as text or 32 hexadecimal digits."""
        if name == "flow_id" or name in (*ADDRESSES, *MACS, *LINK_ADDRESSES):
            return f"CAST({name} AS text) AS {name}"
        return name

    def moment(self, time: datetime) -> Any:  # noqa: ANN401 - as the driver takes it
        """Return a time as the database has it."""
        return time

    def names(self, question: str, parameters: Sequence[Any] = ()) -> list[str]:
        """Return the first column of all rows."""
        return [row[0] for rows in self.rows(question, parameters) for row in rows]


class _Duckdb(Asked):
    dialect = "duckdb"

    def __init__(self, url: URL, seconds: float | None) -> None:
        import duckdb

        self._connection, self._seconds = duckdb.connect(url.database or "", read_only=True), seconds

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        if self._seconds is None:
            yield
            return
        timer = Timer(self._seconds, self._connection.interrupt)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def rows(self, question: str, parameters: Sequence[Any] = ()) -> Iterator[list[tuple[Any, ...]]]:
        with self._bounded():
            found = self._connection.execute(question, list(parameters)).fetchall()
        yield found

    def frames(
        self, question: str, parameters: Sequence[Any], kinds: Mapping[str, pl.DataType]
    ) -> Iterator[pl.DataFrame]:
        with self._bounded():
            reader: Any = self._connection.sql(question, params=list(parameters)).to_arrow_reader(AT_ONCE)
        while True:
            with self._bounded():
                batch = next(reader, None)
            if batch is None:
                return
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a record batch with columns is never a series
            yield frame.select(*kinds)

    def tables(self) -> list[str]:
        return self.names("SELECT table_name FROM duckdb_tables()")

    def columns(self, table: str) -> list[str]:
        return self.names("SELECT column_name FROM duckdb_columns() WHERE table_name = ?", [table])


class _Postgresql(Asked):
    dialect = "postgresql"
    mark = "%s"

    def __init__(self, url: URL, seconds: float | None) -> None:
        from sinks.sql.postgresql import connect

        self._connection = connect(url)
        self._connection.read_only = True
        if seconds is not None:
            self._connection.execute("SELECT set_config('statement_timeout', %s, false)", [f"{round(1000 * seconds)}"])
            self._connection.commit()  # or it would go with the transaction

    def close(self) -> None:
        self._connection.close()

    def rows(self, question: str, parameters: Sequence[Any] = ()) -> Iterator[list[tuple[Any, ...]]]:
        with self._connection.cursor("flows") as cursor:
            cursor.execute(question.encode(), parameters)
            while rows := cursor.fetchmany(AT_ONCE):
                yield rows

    def tables(self) -> list[str]:
        return self.names(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v') AND pg_table_is_visible(oid) "
            "AND relnamespace <> 'pg_catalog'::regnamespace"
        )

    def columns(self, table: str) -> list[str]:
        known = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(%s)) AND attnum > 0"
        return self.names(f"{known} AND NOT attisdropped", [table])

    def selected(self, name: str) -> str:
        return f"host({name}) AS {name}" if name in ADDRESSES else super().selected(name)


class _Sqlite(Asked):
    dialect = "sqlite"

    hour = "CAST(stime / 3600 AS INTEGER)"

    def __init__(self, url: URL, seconds: float | None) -> None:
        import sqlite3

        from topics.expression.sql_sqlite import add_functions

        path = Path(url.database or "")
        if not path.is_file():
            raise DatabaseError(f"{path}: there is no such file")
        self._connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
        add_functions(self._connection)
        self._seconds, self._end = seconds, math.inf
        self._connection.set_progress_handler(lambda: time.monotonic() > self._end, STEPS)

    def close(self) -> None:
        self._connection.close()

    def rows(self, question: str, parameters: Sequence[Any] = ()) -> Iterator[list[tuple[Any, ...]]]:
        self._begin()
        cursor = self._connection.execute(question, parameters)
        while rows := cursor.fetchmany(AT_ONCE):
            yield rows
            self._begin()

    def _begin(self) -> None:
        if self._seconds is not None:
            self._end = time.monotonic() + self._seconds

    def tables(self) -> list[str]:
        return self.names("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")

    def columns(self, table: str) -> list[str]:
        return self.names("SELECT name FROM pragma_table_info(?)", [table])

    def selected(self, name: str) -> str:
        return "hex(flow_id) AS flow_id" if name == "flow_id" else name

    def moment(self, time: datetime) -> float:
        return time.timestamp()


class _Mysql(Asked):
    dialect = "mysql"
    mark = "%s"
    quote = "`"

    hour = "floor(unix_timestamp(stime) / 3600)"

    def __init__(self, url: URL, seconds: float | None) -> None:
        from sinks.sql.mysql import connect, engine_of

        self._connection = connect(url)
        engine = engine_of(self._connection)
        with self._connection.cursor() as cursor:
            cursor.execute(f"SET NAMES utf8mb4 COLLATE {COLLATIONS[engine]}")
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            if seconds is not None:
                bounds = {
                    "mariadb": ("max_statement_time", seconds),
                    "mysql": ("max_execution_time", round(1000 * seconds)),
                }
                variable, bound = bounds[engine]
                cursor.execute(f"SET SESSION {variable} = %s", [bound])

    def close(self) -> None:
        self._connection.close()

    def rows(self, question: str, parameters: Sequence[Any] = ()) -> Iterator[list[tuple[Any, ...]]]:
        from pymysql.cursors import SSCursor

        with self._connection.cursor(SSCursor) as cursor:
            cursor.execute(question, parameters)
            while rows := cursor.fetchmany(AT_ONCE):
                yield list(rows)

    def tables(self) -> list[str]:
        return self.names("SELECT table_name FROM information_schema.tables WHERE table_schema = database()")

    def columns(self, table: str) -> list[str]:
        known = "SELECT column_name FROM information_schema.columns WHERE table_schema = database()"
        return self.names(f"{known} AND table_name = %s", [table])

    def selected(self, name: str) -> str:
        return f"HEX(CAST({name} AS BINARY(16))) AS {name}" if name in ("flow_id", *ADDRESSES) else name

    def moment(self, time: datetime) -> datetime:
        return time.replace(tzinfo=None)


KINDS: dict[str, type[Asked]] = {
    "duckdb": _Duckdb,
    "postgresql": _Postgresql,
    "sqlite": _Sqlite,
    "mysql": _Mysql,
}


def opened(url: URL, seconds: float | None = None) -> closing[Asked]:
    """Return a database to be asked, within a `with`, no statement for longer than `seconds`; raises as its driver."""
    kind: Any = KINDS[url.drivername]
    return closing(kind(url, seconds))
