"""Flows in MySQL or MariaDB."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pymysql

from sinks.sql.statements import listed, quoted
from sinks.sql.store import Store, in_pieces
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import URL

    from sinks.sql.layout import Kind, Layout
    from sinks.sql.statements import Engine

CONNECT_SECONDS = 10
ANSWER_SECONDS = 300
LOCK_SECONDS = 60
MODE = "STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,NO_ZERO_DATE"
OPTIONS = (
    "ssl_ca",
    "ssl_cert",
    "ssl_key",
    "ssl_verify_cert",
    "ssl_verify_identity",
    "unix_socket",
    "read_default_file",
)
PORT = 3306
# Cannot connect, connection lost, shutting down, too many connections, lock waits, deadlocks; disk and table full.
PASSING = {1020, 1021, 1026, 1030, 1040, 1041, 1053, 1077, 1114, 1152, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1317}
PASSING |= {1927, 2003, 2006, 2013, 2055, 4031}


def connect(url: URL, **more: Any) -> pymysql.connections.Connection[Any]:  # noqa: ANN401 - options of the driver
    """Return a connection whose times are UTC; ~/.my.cnf may have the password. Raises UsageError, pymysql.Error."""
    unknown = [name for name in url.query if name not in OPTIONS]
    if unknown:
        raise UsageError(f"unknown option '{unknown[0]}' in the address of the database: expected {', '.join(OPTIONS)}")
    options: dict[str, Any] = {name: str(value) for name, value in url.normalized_query.items() for value in value[-1:]}
    own = Path("~/.my.cnf").expanduser()
    if url.password is None and own.is_file():
        options.setdefault("read_default_file", str(own))
    given = {"user": url.username, "password": url.password, "host": url.host}
    options |= {name: value for name, value in given.items() if value is not None}
    return pymysql.connect(
        **options,
        **more,
        port=url.port or PORT,
        database=url.database,
        charset="utf8mb4",
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        write_timeout=ANSWER_SECONDS,
        sql_mode=MODE,
        init_command="SET time_zone = '+00:00'",
    )


def engine_of(connection: pymysql.connections.Connection[Any]) -> Engine:
    """Return which of the two a server is: MariaDB has types for addresses and ids."""
    return "mariadb" if "mariadb" in str(connection.get_server_info()).lower() else "mysql"  # type: ignore[no-untyped-call]  # PyMySQL's own


class MysqlStore(Store):
    """A database of MySQL or MariaDB. Rows are written by statements as long as the server takes."""

    at_once = 20_000
    mark = "%s"
    errors = (pymysql.Error,)

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        with self._refusing():
            self._open()

    def _open(self) -> None:
        self._connection = connect(self.url)
        self.engine = engine_of(self._connection)
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT @@max_allowed_packet")
            self._longest = int((cursor.fetchone() or (0,))[0]) * 3 // 4

    @contextmanager
    def transaction(self, alone: str = "") -> Iterator[None]:
        """Return what commits at its end, or rolls back; statements that change tables commit by themselves."""
        with self._refusing():
            if not self._connection.open:
                self._open()
            try:
                if alone:
                    self._lock(alone)
                self._connection.begin()
                yield
                self._connection.commit()
            except BaseException:
                self._roll_back()
                raise
            if alone:
                self._execute("SELECT RELEASE_ALL_LOCKS()")

    def _lock(self, table: str) -> None:
        name = f"argosy {self.url.database}.{table}"[:64]
        if self._execute("SELECT GET_LOCK(%s, %s)", [name, LOCK_SECONDS]) != [(1,)]:
            raise pymysql.OperationalError(1205, f"another sink keeps table {table} locked")

    def _roll_back(self) -> None:
        """Give up the connection: after whatever went wrong, a new one is as it should be."""
        with suppress(pymysql.Error, OSError):
            self._connection.close()

    def upsert(self, table: str, layout: Layout, rows: pl.DataFrame) -> None:
        """Write rows in place of those with the same key."""
        head = f"REPLACE INTO {quoted(table, self.engine)} ({listed(layout.names, self.engine)}) VALUES "  # noqa: S608 - names of ours
        room = self._longest - len(head)
        with self._connection.cursor() as cursor:
            for text in _in_lengths(_literals(rows, layout), room):
                cursor.execute(head + text)

    def records(self, table: str, row_keys: Sequence[str]) -> list[bytes]:
        """Return the whole records of the rows with these keys."""
        found: list[bytes] = []
        question, pieces = in_pieces(self, table, row_keys, "UNHEX(%s)")
        for piece in pieces:
            padded = [*piece, *[None] * (question.count("%s") - len(piece))]
            found += [record for (record,) in self._execute(question, padded)]
        return found

    def close(self) -> None:
        """Leave the database."""
        with suppress(pymysql.Error, OSError):
            self._connection.close()

    def _execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return list(cursor.fetchall())

    def _columns(self, table: str) -> list[str]:
        known = "SELECT column_name FROM information_schema.columns WHERE table_schema = database() AND table_name = %s"
        return [name for (name,) in self._execute(known, [table])]

    def _tables(self) -> list[str]:
        known = "SELECT table_name FROM information_schema.tables WHERE table_schema = database()"
        return [name for (name,) in self._execute(f"{known} AND table_type = 'BASE TABLE'")]

    def _is_away(self, error: Exception) -> bool:
        code = error.args[0] if error.args else 0
        return isinstance(error, OSError | pymysql.InterfaceError) or code in PASSING

    def _reason(self, error: Exception) -> str:
        from sinks.sql.address import without_password

        return without_password(str(error.args[-1]) if error.args else str(error), self.url)


def _literals(rows: pl.DataFrame, layout: Layout) -> pl.Series:
    """Return each row as the text of its values in parentheses. Bytes and text are hexadecimal: nothing to escape."""
    values = [_literal(pl.col(name), kind).fill_null("NULL") for name, kind in layout.kinds.items()]
    row = pl.concat_str(pl.lit("("), pl.concat_str(values, separator=","), pl.lit(")"))
    return rows.select(row.alias("row"))["row"]


def _literal(column: pl.Expr, kind: Kind) -> pl.Expr:
    if kind == "time":
        return column.dt.strftime("'%Y-%m-%d %H:%M:%S.%6f'")
    if kind == "text":
        return pl.concat_str(pl.lit("_utf8mb4 X'"), column.cast(pl.Binary).bin.encode("hex"), pl.lit("'"))
    if kind in ("id", "address", "bytes"):
        return pl.concat_str(pl.lit("X'"), column.bin.encode("hex"), pl.lit("'"))
    if kind == "mac":
        return pl.concat_str(pl.lit("'"), column, pl.lit("'"))
    return column.cast(pl.String)


def _in_lengths(texts: pl.Series, most: int) -> Iterator[str]:
    """Yield rows with commas, as many as there is room for."""
    gathered: list[str] = []
    length = 0
    for text in texts:
        if gathered and length + len(text) + 1 > most:
            yield ",".join(gathered)
            gathered, length = [], 0
        gathered.append(text)
        length += len(text) + 1
    if gathered:
        yield ",".join(gathered)
