"""The table `flows`: one column a field of FlowRecord, and what people ask for first.

Numbers are exact and signed, since SQL sums and subtracts them. Times of the record (`src_first`, ...) are bigint
nanoseconds, which no timestamp of PostgreSQL can hold; `stime` and `ltime` repeat the span of the flow as timestamps
of microseconds. Absent values are NULL: a time without packets, a payload that was not kept, a router that was not
heard. Flows that are not IP have MAC addresses in `src_link_address` and `dst_link_address` and NULL in the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
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
    Uuid,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from topics.schema import flow_fields, flow_record_json

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.types import TypeEngine

    from topics.schema import Field

NAME = "flows"
KEY = ("flow_id", "status_sequence")
ADDRESSES = ("src_address", "dst_address", "icmp_error_router")
LINK_ADDRESSES = ("src_link_address", "dst_link_address")
NUMBERS: dict[str, type[TypeEngine[Any]]] = {
    "u1": SmallInteger,
    "u2": Integer,
    "u4": BigInteger,
    "i8": BigInteger,
    "f8": Double,
}
ASKED_FIRST: tuple[tuple[str, TypeEngine[Any]], ...] = (
    ("stime", DateTime(timezone=True)),
    ("ltime", DateTime(timezone=True)),
    ("duration", Double()),
    ("packets", BigInteger()),
    ("bytes", BigInteger()),
    ("site", Text()),
    ("probe", Text()),
    ("interface", Text()),
)
CONVERSATIONS = """
CREATE VIEW conversations AS
SELECT src_address, dst_address, protocol, dst_port, count(*) AS flows, CAST(sum(packets) AS BIGINT) AS packets,
       CAST(sum(bytes) AS BIGINT) AS bytes, min(stime) AS stime, max(ltime) AS ltime
FROM flows GROUP BY src_address, dst_address, protocol, dst_port
"""


def flow_table(address: TypeEngine[Any], mac: TypeEngine[Any]) -> Table:
    """Return the table definition with a database's own types for IP and MAC addresses."""
    columns: list[Column[Any]] = [
        Column("flow_id", Uuid(), nullable=False),
        Column("status_sequence", BigInteger(), nullable=False),
    ]
    columns += [Column(name, kind) for name, kind in ASKED_FIRST]
    columns += [Column(f.name, _type(f, address, mac)) for f in flow_fields() if f.name not in KEY]
    columns += [Column(name, mac) for name in LINK_ADDRESSES]
    return Table(NAME, MetaData(), *columns)


def _type(field: Field, address: TypeEngine[Any], mac: TypeEngine[Any]) -> TypeEngine[Any]:
    if field.name in ADDRESSES:
        return address
    if field.kind == "fixed":
        return mac
    if field.kind in ("enum", "string"):
        return Text()
    return LargeBinary() if field.kind == "bytes" else NUMBERS[field.store]()


def postgresql_statements() -> list[str]:
    """Return what creates the table, its index by time and the view in PostgreSQL."""
    table = flow_table(postgresql.INET(), postgresql.MACADDR())
    table.append_constraint(PrimaryKeyConstraint(*KEY))
    by_time = Index("flows_stime", table.c.stime, postgresql_using="brin")
    return [_text(CreateTable(table)), _text(CreateIndex(by_time)), CONVERSATIONS]


def duckdb_statements() -> list[str]:
    """Return what creates the table and the view in DuckDB.

    It gets no primary key: keeping the index of one in step halves the rate at which flows come in, and the sink, alone
    in writing to the file, replaces flows that are there already itself.
    """
    return [_text(CreateTable(flow_table(Text(), Text()))), CONVERSATIONS]


def staging_statement(name: str) -> str:
    """Return what creates a temporary table of the same columns in PostgreSQL, emptied at the end of a transaction."""
    table = flow_table(postgresql.INET(), postgresql.MACADDR()).to_metadata(MetaData(), name=name)
    table._prefixes = ["TEMPORARY"]  # noqa: SLF001
    return f"{_text(CreateTable(table))} ON COMMIT DELETE ROWS"


def missing_statements(found: Collection[str], address: TypeEngine[Any], mac: TypeEngine[Any]) -> list[str]:
    """Return what gives a table with only the columns `found` those that records have had since."""
    defaults = {spec["name"]: spec["default"] for spec in flow_record_json()["fields"] if "default" in spec}
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    return [
        f'ALTER TABLE {NAME} ADD COLUMN "{column.name}" {column.type.compile(dialect)} DEFAULT {defaults[column.name]}'
        for column in flow_table(address, mac).columns
        if column.name not in found and isinstance(defaults.get(column.name), int)
    ]


def column_names() -> list[str]:
    """Return the names of all columns in order."""
    return [column.name for column in flow_table(Text(), Text()).columns]


def _text(statement: CreateTable | CreateIndex) -> str:
    return str(statement.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]  # SQLAlchemy's own
