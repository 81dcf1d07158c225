"""What creates, extends and finds tables, in the words of each database; SQLAlchemy knows their types and quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import (
    REAL,
    UUID,
    BigInteger,
    Column,
    DateTime,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.dialects.mysql.mariadb import INET6, MariaDBDialect
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from sinks.sql.layout import NAME, indexed, whole
from sinks.sql.layout import Column as LaidOut

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.engine import Dialect
    from sqlalchemy.types import TypeEngine

    from sinks.sql.layout import Kind, Layout

Engine = Literal["duckdb", "postgresql", "sqlite", "mysql", "mariadb"]
POSITIONS = "argosy_positions"
MOST_NAME = 63  # bytes of a name that PostgreSQL tells from others; MySQL takes 64

_COMMON: dict[Kind, TypeEngine[Any]] = {
    "id": UUID(),
    "small": SmallInteger(),
    "integer": Integer(),
    "big": BigInteger(),
    "double": Double(),
    "time": DateTime(timezone=True),
    "text": Text(),
    "address": Text(),
    "mac": Text(),
    "bytes": LargeBinary(),
}
# Collations in which no two texts are equal, not even those that differ in blanks at their end.
COLLATIONS: dict[str, str] = {"mysql": "utf8mb4_0900_bin", "mariadb": "utf8mb4_nopad_bin"}
_MYSQL: dict[Kind, TypeEngine[Any]] = {
    "id": mysql.BINARY(16),
    "time": mysql.DATETIME(fsp=6),
    "text": mysql.TEXT(charset="utf8mb4", collation=COLLATIONS["mysql"]),
    "address": mysql.VARBINARY(16),
    "mac": mysql.CHAR(17, charset="ascii", collation="ascii_bin"),
    "bytes": mysql.LONGBLOB(),
}
TYPES: dict[Engine, Mapping[Kind, TypeEngine[Any]]] = {
    "duckdb": _COMMON,
    "postgresql": _COMMON | {"address": postgresql.INET(), "mac": postgresql.MACADDR()},
    "sqlite": _COMMON | {"id": LargeBinary(), "time": REAL(), "double": REAL()},
    "mysql": _COMMON | _MYSQL,
    # MariaDB's UUID swaps the bytes of ids that no RFC would make, or refuses them; flow ids are hashes.
    "mariadb": _COMMON
    | _MYSQL
    | {
        "address": INET6(),
        "text": mysql.TEXT(charset="utf8mb4", collation=COLLATIONS["mariadb"]),
    },
}
DROP_VIEW = "DROP VIEW IF EXISTS conversations"
CONVERSATIONS = """
CREATE VIEW conversations AS
SELECT src_address, dst_address, protocol, dst_port, count(*) AS flows, {packets} AS packets, {bytes} AS bytes,
       min(stime) AS stime, max(ltime) AS ltime
FROM flows GROUP BY src_address, dst_address, protocol, dst_port
"""
SUM_TYPES = {"duckdb": "BIGINT", "postgresql": "BIGINT", "sqlite": "INTEGER", "mysql": "SIGNED", "mariadb": "SIGNED"}


def dialect(engine: Engine) -> Dialect:
    """Return SQLAlchemy's dialect of an engine; DuckDB speaks PostgreSQL's."""
    if engine == "mariadb":
        return MariaDBDialect()
    if engine == "mysql":
        return MySQLDialect()
    return SQLiteDialect() if engine == "sqlite" else PGDialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own


def quoted(name: str, engine: Engine) -> str:
    """Return a name of a table or column as statements write it."""
    mark = "`" if engine in ("mysql", "mariadb") else '"'
    return mark + name.replace(mark, mark * 2) + mark


def listed(names: Collection[str], engine: Engine) -> str:
    """Return names, quoted, with commas."""
    return ", ".join(quoted(name, engine) for name in names)


def table_of(name: str, layout: Layout, engine: Engine, *, keyed: bool = True) -> Table:
    """Return the definition of a table, with its key unless that is left out."""
    columns = [_column(each, layout, engine) for each in layout.columns]
    constraints = [_unique(layout.key, engine)] if keyed and layout.key else []
    return Table(name, MetaData(), *columns, *constraints)


def _column(each: LaidOut, layout: Layout, engine: Engine) -> Column[Any]:
    required = each.name in layout.key and engine not in ("mysql", "mariadb")
    default = text(str(each.default)) if engine == "postgresql" and isinstance(each.default, int) else None
    return Column(each.name, TYPES[engine][each.kind], nullable=not required, server_default=default)


def _unique(key: tuple[str, ...], engine: Engine) -> PrimaryKeyConstraint | UniqueConstraint:
    """Return the constraint of a key. InnoDB would sort rows by it, and ids are random: nullable, it is an index."""
    return UniqueConstraint(*key) if engine in ("mysql", "mariadb") else PrimaryKeyConstraint(*key)


def create_table(name: str, layout: Layout, engine: Engine, *, keyed: bool = True) -> str:
    """Return what creates a table."""
    return _text(CreateTable(table_of(name, layout, engine, keyed=keyed), if_not_exists=True), engine)


def create_indexes(name: str, layout: Layout, engine: Engine) -> list[str]:
    """Return what creates the indexes of a table beside its key.

    PostgreSQL's by time are BRIN: flows come in the order of time, and they cost next to nothing to keep.
    """
    table = table_of(name, layout, engine)
    found = []
    for columns in indexed(layout):
        kind = "brin" if len(columns) == 1 else "btree"
        index = Index(f"{name[:40]}_{columns[0]}", *(table.c[column] for column in columns), postgresql_using=kind)
        found.append(_text(CreateIndex(index), engine))
    return found


def create_view(engine: Engine) -> str:
    """Return what creates the view `conversations` over the table `flows` with all fields."""
    sums = {name: f"CAST(sum({name}) AS {SUM_TYPES[engine]})" for name in ("packets", "bytes")}
    return CONVERSATIONS.format(**sums)


def has_view(name: str, layout: Layout) -> bool:
    """Tell whether a table gets the view."""
    return name == NAME and layout is whole()


def missing_statements(name: str, found: Collection[str], layout: Layout, engine: Engine) -> list[str]:
    """Return what gives a table with only the columns `found` the others; nothing when a part of the key lacks."""
    if not set(layout.key) <= set(found):
        return []
    table, spoken = table_of(name, layout, engine, keyed=False), dialect(engine)
    defaults = {each.name: each.default for each in layout.columns}
    statements = []
    for column in table.columns:
        if column.name not in found:
            default = defaults[column.name]
            said = str(CreateColumn(column).compile(dialect=spoken)).strip()
            said += f" DEFAULT {default}" if isinstance(default, int) and column.server_default is None else ""
            statements.append(f"ALTER TABLE {quoted(name, engine)} ADD COLUMN {said}")
    return statements


def create_positions(engine: Engine) -> str:
    """Return what creates the table that says how far a topic was read into a table without records of its own."""
    word = "VARCHAR(255)" + (f" CHARACTER SET utf8mb4 COLLATE {COLLATIONS[engine]}" if engine in COLLATIONS else "")
    return (
        f"CREATE TABLE IF NOT EXISTS {POSITIONS} (target {word} NOT NULL, source {word} NOT NULL, "
        "next_offset BIGINT NOT NULL, PRIMARY KEY (target, source))"
    )


def _text(statement: CreateTable | CreateIndex, engine: Engine) -> str:
    return " ".join(str(statement.compile(dialect=dialect(engine))).split())
