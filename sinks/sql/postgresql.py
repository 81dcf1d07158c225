"""Flows in a PostgreSQL database."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg
from sqlalchemy.dialects.postgresql import INET, MACADDR

from sinks.sql.address import display_name, without_password
from sinks.sql.table import KEY, NAME, column_names, missing_statements, postgresql_statements, staging_statement
from topics.errors import DatabaseAwayError, DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

LANES = 2  # connections that share the rows of an upsert: one server process alone is the bottleneck
STAGING = "argosy_incoming"
PIECE = 256 * 1024
CONNECT_SECONDS = 10
AWAY_SECONDS = 60
LOCK = 0x6172676F73796677  # advisory: two sinks that start together must not both create the table
COLUMNS = ", ".join(f'"{name}"' for name in column_names())
COPY = f"COPY {STAGING} ({COLUMNS}) FROM STDIN (FORMAT csv)"
UPSERT = (
    f"INSERT INTO {NAME} ({COLUMNS}) SELECT {COLUMNS} FROM {STAGING} ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET "  # noqa: S608 - constants of ours
    + ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in column_names() if name not in KEY)
)


class PostgresqlStore:
    """A PostgreSQL database, written by LANES connections at once that commit together."""

    at_once = 50_000

    def __init__(self, url: URL) -> None:
        self._url = url
        self._lanes: list[psycopg.Connection[Any]] = []
        self._threads = ThreadPoolExecutor(LANES, "postgresql")
        try:
            with self._refusing():
                self._lanes.append(self._connect())
                self._prepare(self._lanes[0])
                self._lanes += [self._connect() for _ in range(LANES - 1)]
                self._make_staging()
        except BaseException:
            self.close()
            raise

    def upsert(self, rows: pl.DataFrame) -> None:
        """Write rows in place of those with the same key. No connection commits before all have written theirs."""
        with self._refusing():
            self._reconnect()
        lane_of_row = rows["flow_id"].hash() % LANES  # a key has one lane: no deadlock
        shares = [rows.filter(lane_of_row == number) for number in range(LANES)]
        with self._refusing():
            try:
                for _ in self._threads.map(_write, self._lanes, shares):
                    pass
            except BaseException:
                self._roll_back()
                raise
            for lane in self._lanes:
                lane.commit()

    def close(self) -> None:
        """Leave the database."""
        self._threads.shutdown()
        for lane in self._lanes:
            lane.close()

    @property
    def _is_away(self) -> bool:
        return any(lane.closed for lane in self._lanes)

    def _reconnect(self) -> None:
        for number, lane in enumerate(self._lanes):
            if lane.closed:
                self._lanes[number] = self._connect()
                self._make_staging(number)

    def _make_staging(self, *numbers: int) -> None:
        for number in numbers or range(LANES):
            self._lanes[number].execute(staging_statement(STAGING))
            self._lanes[number].commit()

    def _roll_back(self) -> None:
        self._threads.shutdown()
        self._threads = ThreadPoolExecutor(LANES, "postgresql")
        for lane in self._lanes:
            if not lane.closed and not lane.broken:
                lane.rollback()

    def _connect(self) -> psycopg.Connection[Any]:
        url = self._url
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

    def _prepare(self, lane: psycopg.Connection[Any]) -> None:
        lane.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        found = lane.execute("SELECT to_regclass(%s)", [NAME]).fetchone()
        if found is None or found[0] is None:
            for statement in postgresql_statements():
                lane.execute(statement.encode())
        known = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
        columns = [name for (name,) in lane.execute(known, [NAME]).fetchall()]
        for statement in missing_statements(columns, INET(), MACADDR()):
            try:
                lane.execute(statement.encode())
            except psycopg.errors.InsufficientPrivilege as error:
                raise DatabaseError(f"{display_name(self._url)}: let its owner run: {statement}") from error
        lane.execute(f"SELECT {COLUMNS} FROM {NAME} LIMIT 0".encode())  # noqa: S608 - constants of ours
        lane.commit()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.Error, OSError) as error:
            reason = without_password(str(error), self._url)
            kind = DatabaseAwayError if self._is_away else DatabaseError
            raise kind(f"{display_name(self._url)}: {reason}") from error


def _write(lane: psycopg.Connection[Any], rows: pl.DataFrame) -> None:
    with lane.cursor() as cursor:
        with cursor.copy(COPY) as copy:
            text = memoryview(as_csv(rows))
            for start in range(0, len(text), PIECE):
                copy.write(text[start : start + PIECE])
        cursor.execute(UPSERT)


def as_csv(rows: pl.DataFrame) -> bytes:
    """Return rows in PostgreSQL's CSV: bytes in hex, NULL as nothing; NUL, which its text cannot hold, as U+FFFD."""
    hexed = [
        pl.concat_str(pl.lit("\\x"), pl.col(name).bin.encode("hex")).alias(name)
        for name, kind in rows.schema.items()
        if kind == pl.Binary
    ]
    named = [
        pl.col(name).str.replace_all("\0", "\ufffd", literal=True) for name in ("site", "probe", "interface", "labels")
    ]
    buffer = io.BytesIO()
    rows.with_columns(*hexed, *named).write_csv(buffer, include_header=False)
    return buffer.getvalue()
