"""What the table `flows` has to hold for a batch, and what it holds, as comparable rows of plain values."""

import sqlite3
import uuid
from contextlib import closing
from ipaddress import ip_address
from typing import Any

import duckdb
import psycopg
from sqlalchemy.engine import make_url

from sinks.sql.layout import ADDRESSES
from sinks.sql.mysql import connect
from topics.batch import FlowBatch
from topics.schema import Field, flow_fields

IP = (0x0800, 0x86DD, 0x0806)
TIME = "ns since 1970-01-01 UTC"
Row = dict[str, Any]


def expected_rows(batch: FlowBatch) -> list[Row]:
    """One row a record, every field of the record and the names of its observer, by key."""
    return sorted((expected_row(batch, number) for number in range(len(batch))), key=key)


def key(row: Row) -> tuple[str, int]:
    return row["flow_id"], row["status_sequence"]


def expected_row(batch: FlowBatch, number: int) -> Row:
    row = {field.name: _value(batch, number, field) for field in flow_fields()}
    observer = batch.observers[row["observer"]]
    ip = row["ethertype"] in IP
    for side in ("src", "dst"):
        raw = row[f"{side}_address"]
        row[f"{side}_address"] = _ip(raw) if ip else None
        row[f"{side}_link_address"] = None if ip else raw[10:].hex(":")
    router = row["icmp_error_router"]
    return row | {
        "icmp_error_router": _ip(router) if any(router) else None,
        "site": observer.site,
        "probe": observer.probe,
        "interface": observer.interface,
    }


def _value(batch: FlowBatch, number: int, field: Field) -> Any:
    if field.store == "heap":
        data = batch.heap_value(number, field.name)
        return (data.decode() if field.kind == "string" else data) or None
    value = batch.records[field.name][number]
    if field.name == "flow_id":
        return str(uuid.UUID(bytes=value.tobytes()))
    if field.kind == "fixed":
        return value.tobytes() if field.size == 16 else value.tobytes().hex(":")
    if field.kind == "enum":
        return field.symbols[value]
    return value.item() or None if field.unit == TIME else value.item()


def _ip(address: bytes) -> str:
    ip = ip_address(address)
    return str(ip.ipv4_mapped or ip) if ip.version == 6 else str(ip)


def duckdb_rows(path: str) -> list[Row]:
    with duckdb.connect(path, read_only=True) as connection:
        found = connection.execute("SELECT * EXCLUDE (stime, ltime) FROM flows")
        names = [column[0] for column in found.description or ()]
        return _rows(names, found.fetchall())


def postgresql_rows(url: str) -> list[Row]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT * FROM flows")
        names = [column.name for column in found.description or ()]
        return _rows(names, found.fetchall())


def sqlite_rows(path: str) -> list[Row]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT * FROM flows")
        names = [column[0] for column in found.description]
        rows = _rows(names, found.fetchall())
    return _with_ids(rows)


def mariadb_rows(url: str) -> list[Row]:
    with connect(make_url(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM flows")
        names = [column[0] for column in cursor.description or ()]
        rows = _rows(names, list(cursor.fetchall()))
    return _with_ids(
        [row | {name: row[name] and _ip(ip_address(row[name]).packed) for name in ADDRESSES} for row in rows]
    )


def _with_ids(rows: list[Row]) -> list[Row]:
    return [row | {"flow_id": str(uuid.UUID(bytes=row["flow_id"]))} for row in rows]


def database_rows(address: str) -> list[Row]:
    """The rows of the table `flows`, whatever the database."""
    if address.endswith(".sqlite"):
        return sqlite_rows(address)
    if address.startswith("mysql"):
        return mariadb_rows(address)
    return postgresql_rows(address) if "://" in address else duckdb_rows(address)


def _rows(names: list[str], found: list[tuple[Any, ...]]) -> list[Row]:
    rows = [dict(zip(names, map(_plain, row), strict=True)) for row in found]
    return sorted(rows, key=key)


def _plain(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    if hasattr(value, "packed"):
        return _ip(value.packed.rjust(16, b"\0")) if len(value.packed) == 16 else str(value)
    return bytes(value) if isinstance(value, memoryview | bytearray) else value


def assert_holds(found: list[Row], batch: FlowBatch) -> None:
    """Compare field by field, so that a failure names the field."""
    wanted = expected_rows(batch)
    assert [key(row) for row in found] == [key(row) for row in wanted]
    for name in wanted[0] if wanted else ():
        assert [row[name] for row in found] == [row[name] for row in wanted], name
