"""Flows out of a database: the condition is asked of it, and its rows become records again."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from socket import AF_INET, AF_INET6, inet_pton
from typing import TYPE_CHECKING, Any

import polars as pl

from sinks.formats.scan import SCHEMA
from sinks.sql.address import display_name, parse, without_password
from sinks.sql.table import ADDRESSES, LINK_ADDRESSES, NAME
from topics.errors import DatabaseError
from topics.expression.networks import sixteen
from topics.expression.sql import statement
from topics.schema import flow_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

    from topics.expression import Value
    from topics.expression.sql import Dialect

AT_ONCE = 65_536
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIELDS = {field.name: field for field in flow_fields()}
MACS = tuple(name for name, field in FIELDS.items() if field.kind == "fixed" and field.size == 6)


def read_flows(
    address: str, wanted: Value | None = None, between: tuple[int, int] | None = None
) -> Iterator[pl.DataFrame]:
    """Yield the flows that meet a condition, in the order of their start, as frames with the columns of SCHEMA.

    `between` (ns) spares flows that end before or begin after it, by the columns a database keeps in order. Raises
    UsageError for an address of no known kind, FilterError for what a database cannot be asked, DatabaseError when it
    refuses.
    """
    url = parse(address)
    dialect: Dialect = "duckdb" if url.drivername == "duckdb" else "postgresql"
    conditions, parameters = _conditions(wanted, between, dialect)
    columns = ", ".join(_selected(name, dialect) for name in (*SCHEMA, *LINK_ADDRESSES))
    query = f"SELECT {columns} FROM {NAME}{conditions} ORDER BY stime, flow_id, status_sequence"  # noqa: S608 - ours
    ask = _ask_duckdb if dialect == "duckdb" else _ask_postgresql
    with _refusing(url):
        for frame in ask(url, query, parameters):
            yield _records(frame)


def _conditions(wanted: Value | None, between: tuple[int, int] | None, dialect: Dialect) -> tuple[str, list[Any]]:
    parts, parameters = [], []
    if between is not None:
        mark = "?" if dialect == "duckdb" else "%s"
        parts.append(f"(ltime >= {mark} AND stime <= {mark})")
        parameters += [_moment(between[0], -1), _moment(between[1], 1)]
    if wanted is not None:
        asked = statement(wanted, dialect)
        parts.append(asked.text)
        parameters += asked.parameters
    return (" WHERE " + " AND ".join(parts) if parts else ""), parameters


def _moment(instant: int, slack: int) -> datetime:
    """Return an instant in microseconds, a little early or late, for what is kept with fewer digits."""
    latest = datetime(9999, 1, 1, tzinfo=UTC)
    try:
        return min(EPOCH + timedelta(microseconds=instant // 1000 + slack), latest)
    except OverflowError:
        return latest


def _selected(name: str, dialect: Dialect) -> str:
    if name in ADDRESSES and dialect == "postgresql":
        return f"host({name}) AS {name}"
    if name == "flow_id" or name in ADDRESSES or name in MACS or name in LINK_ADDRESSES:
        return f"CAST({name} AS text) AS {name}"
    return name


def _ask_duckdb(url: URL, query: str, parameters: list[Any]) -> Iterator[pl.DataFrame]:
    import duckdb

    with duckdb.connect(url.database or "", read_only=True) as connection:
        reader: Any = connection.sql(query, params=parameters).to_arrow_reader(AT_ONCE)
        for batch in reader:
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a record batch with columns is never a series
            yield frame


def _ask_postgresql(url: URL, query: str, parameters: list[Any]) -> Iterator[pl.DataFrame]:
    import psycopg

    kinds = {name: _fetched(name) for name in (*SCHEMA, *LINK_ADDRESSES)}
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection, connection.cursor("flows") as cursor:
        cursor.execute(query.encode(), parameters)
        while rows := cursor.fetchmany(AT_ONCE):
            yield pl.DataFrame(rows, schema=kinds, orient="row")


def _fetched(name: str) -> pl.DataType:
    """Return the type in which a column comes out of PostgreSQL."""
    kind = SCHEMA.get(name, pl.String())
    if name in ADDRESSES or name in MACS or name == "flow_id" or kind == pl.Categorical:
        return pl.String()
    return pl.Int64() if kind.is_temporal() or kind.is_integer() else kind


def _records(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows as records: what SQL has as text or not at all becomes what it was."""
    return rows.select(_column(name, kind).alias(name) for name, kind in SCHEMA.items())


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
    if text.count(":") == 5 and len(text) == 17:
        return bytes(10) + bytes.fromhex(text.replace(":", ""))
    return sixteen(inet_pton(AF_INET6 if ":" in text else AF_INET, text))


@contextmanager
def _refusing(url: URL) -> Iterator[None]:
    """Turn what a driver raises into a DatabaseError that names the database."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0].lstrip("_") not in {"duckdb", "psycopg"}:
            raise
        raise DatabaseError(f"{display_name(url)}: {without_password(str(error), url)}") from error
