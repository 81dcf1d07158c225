"""Flows out of a database: the condition is asked of it, and its rows become records again."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from socket import AF_INET, AF_INET6, inet_pton
from typing import TYPE_CHECKING, Any

import polars as pl

from sinks.formats.scan import DEFAULTS, SCHEMA
from sinks.sql.address import display_name, parse_table, without_password
from sinks.sql.asking import MACS, opened
from sinks.sql.layout import ADDRESSES, LINK_ADDRESSES, RECORD
from sinks.sql.tables import Tables
from topics.errors import DatabaseError, DecodeError, FilterError
from topics.expression.networks import sixteen
from topics.expression.sql import statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

    from sinks.sql.asking import Asked
    from topics.expression import Value

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.IGNORECASE)
SHOWN = 3  # names of tables in a message
DRIVERS = {"duckdb", "psycopg", "sqlite3", "pymysql"}


def read_flows(
    address: str,
    wanted: Value | None = None,
    between: tuple[int, int] | None = None,
    seconds: float | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield flows, in the order of their start, as frames with the columns of SCHEMA.

    The database leaves out those that do not meet a condition where it can be asked of it: there may be others. In
    tables of chosen fields that is the time alone. `between` (ns) spares flows that end before or begin after it, by
    the columns a database keeps in order, and tables that begin after it. No statement goes on for longer than
    `seconds` (asking.py). Raises UsageError for an address of no known
    kind, DatabaseError when the database refuses or has no such table of records.
    """
    url, name = parse_table(address)
    tables = Tables(name)
    with _refusing(url), opened(url, seconds) as database:
        known = database.tables()
        spans = tables.among(known)
        if not spans:
            raise DatabaseError(f"{display_name(url)}: {_no_table(tables.pattern, known)}")
        latest = LATEST if between is None else _moment(between[1], 1)
        for span in spans:
            if not tables.timed or span.first <= latest:
                yield from _of_table(url, database, span.name, wanted, between)


def ask(address: str, question: str, seconds: float | None = None) -> list[tuple[Any, ...]]:
    """Return the rows of a question about `{table}`, for all tables that an address means; raises as `read_flows`.

    `{hour}` is when a flow began, in hours since 1970.
    """
    url, name = parse_table(address)
    tables = Tables(name)
    with _refusing(url), opened(url, seconds) as database:
        found = tables.among(database.tables())
        if not found:
            raise DatabaseError(f"{display_name(url)}: {_no_table(tables.pattern, database.tables())}")
        names = [f"{database.quote}{span.name}{database.quote}" for span in found]
        questions = [question.format(table=each, hour=database.hour) for each in names]
        return [row for each in questions for rows in database.rows(each) for row in rows]


def _no_table(pattern: str, known: list[str]) -> str:
    own = ("argosy_", "pg_", "sqlite_", "duckdb_", "conversations")
    others = sorted(name for name in known if not name.startswith(own))
    there = f"there is {', '.join(others[:SHOWN])}{' ...' * (len(others) > SHOWN)}" if others else "it is empty"
    return f"no table {pattern}: {there}; name one behind the database, .../{others[0] if others else 'TABLE'}"


def _of_table(
    url: URL, database: Asked, table: str, wanted: Value | None, between: tuple[int, int] | None
) -> Iterator[pl.DataFrame]:
    columns, name = database.columns(table), f"{database.quote}{table}{database.quote}"
    if RECORD in columns:
        conditions, parameters = _conditions(None, between, database)
        question = f"SELECT {RECORD} FROM {name}{conditions} ORDER BY stime"  # noqa: S608 - names of ours
        for frame in database.frames(question, parameters, {RECORD: pl.Binary()}):
            yield _decoded(url, table, frame)
        return
    missing = [each for each in SCHEMA if each not in columns and each not in DEFAULTS]
    if missing:
        raise DatabaseError(
            f"{display_name(url)}: table {table} has chosen fields only, neither the column {missing[0]} nor whole "
            "records, which 'record' among the fields keeps"
        )
    asked = [each for each in (*SCHEMA, *LINK_ADDRESSES) if each in columns]
    conditions, parameters = _conditions(wanted, between, database)
    selected = ", ".join(map(database.selected, asked))
    question = f"SELECT {selected} FROM {name}{conditions} ORDER BY stime, flow_id, status_sequence"  # noqa: S608 - names of ours
    for frame in database.frames(question, parameters, {each: _fetched(each) for each in asked}):
        yield _records(frame)


def _decoded(url: URL, table: str, frame: pl.DataFrame) -> pl.DataFrame:
    from sinks.sql.records import decoded
    from topics.frame import to_arrow

    try:
        batch = decoded(frame[RECORD].to_list())
    except DecodeError as error:
        raise DatabaseError(f"{display_name(url)}: table {table}: a record is damaged: {error}") from error
    return pl.DataFrame(to_arrow(batch)).cast(dict(SCHEMA))  # type: ignore[arg-type]  # names to types, as it asks


def _conditions(wanted: Value | None, between: tuple[int, int] | None, database: Asked) -> tuple[str, list[Any]]:
    parts, parameters = [], []
    if between is not None:
        parts.append(f"(ltime >= {database.mark} AND stime <= {database.mark})")
        parameters += [database.moment(_moment(between[0], -1)), database.moment(_moment(between[1], 1))]
    if wanted is not None:
        try:
            asked = statement(wanted, database.dialect)
        except FilterError:  # who reads the records looks at them once more
            pass
        else:
            parts.append(asked.text)
            parameters += asked.parameters
    return (" WHERE " + " AND ".join(parts) if parts else ""), parameters


def _moment(instant: int, slack: int) -> datetime:
    """Return an instant in microseconds, a little early or late, for what is kept with fewer digits."""
    try:
        return min(EPOCH + timedelta(microseconds=instant // 1000 + slack), LATEST)
    except OverflowError:
        return LATEST


def _fetched(name: str) -> pl.DataType:
    """Return the type in which a column comes out of a database."""
    kind = SCHEMA.get(name, pl.String())
    if name in ADDRESSES or name in MACS or name == "flow_id" or kind == pl.Categorical:
        return pl.String()
    return pl.Int64() if kind.is_temporal() or kind.is_integer() else kind


def _records(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows as records: what SQL has as text or not at all becomes what it was."""
    return rows.select(
        (_column(name, kind) if name in rows.columns else pl.lit(DEFAULTS[name]).cast(kind)).alias(name)
        for name, kind in SCHEMA.items()
    )


def _column(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if name == "flow_id":
        return column.str.replace_all("-", "", literal=True).str.decode("hex")
    if name in MACS:
        return column.str.replace_all(":", "", literal=True).str.decode("hex")
    if name in ADDRESSES:
        link = f"{name.removesuffix('address')}link_address"
        text = pl.coalesce(name, link) if link in LINK_ADDRESSES else column
        return text.map_batches(_packed, return_dtype=pl.Binary, is_elementwise=True)
    if kind.is_temporal():
        return column.cast(pl.Int64).cast(kind)
    if kind == pl.Binary:
        return column.fill_null(b"")
    if kind == pl.String:
        return column.fill_null("")
    return column.cast(kind)


def _packed(column: pl.Series) -> pl.Series:
    known: dict[str | None, bytes] = {text: _sixteen(text) for text in column.unique().to_list()}
    return pl.Series([known[text] for text in column.to_list()], dtype=pl.Binary)


def _sixteen(text: str | None) -> bytes:
    if text is None:
        return bytes(16)
    if len(text) == 32:
        return bytes.fromhex(text)
    if _MAC.fullmatch(text):  # 2001:db8:20:1::22 has as many colons
        return bytes(10) + bytes.fromhex(text.replace(":", ""))
    return sixteen(inet_pton(AF_INET6 if ":" in text else AF_INET, text))


@contextmanager
def _refusing(url: URL) -> Iterator[None]:
    """Turn what a driver raises into a DatabaseError that names the database."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0].lstrip("_") not in DRIVERS:
            raise
        said = str(error.args[-1]) if type(error).__module__.startswith("pymysql") and error.args else str(error)
        raise DatabaseError(f"{display_name(url)}: {without_password(said, url)}") from error
