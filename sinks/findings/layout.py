"""The tables of findings, made of their schemas: columns have the names of the fields.

Times are timestamps of microseconds (NULL for 0), addresses inet or text, ids of flows uuid, what has several values
JSON. Of DNS there is besides what `argosy radns` shows: type, result, latency and answers in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from topics.alerts.record import ALERT
from topics.dns import DNS_BATCH
from topics.schema import schema_json
from topics.spans import SPAN_FINDING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.types import TypeEngine

DNS, RESOURCES, SPANS, ALERTS = "dns", "dns_resources", "spans", "alerts"
SPAN_KEY = (
    *("site", "probe", "interface", "boot_id", "since", "time", "state"),
    *("vlan", "copy_vlan", "ttl_steps", "differences"),
)
ALERT_KEY = ("id", "revision")
ORIGIN = ("site", "probe", "interface", "boot_id")
WORDS: dict[str, type[TypeEngine[Any]]] = {"type": Text, "result": Text, "latency_ms": Double, "answer": Text}
RESOURCE_WORDS = ("section", "name", "type", "data")
TIMES = frozenset(("time", "answered", "since", "first", "last"))
PLAIN: dict[str, type[TypeEngine[Any]]] = {
    "int": BigInteger,
    "long": BigInteger,
    "double": Double,
    "boolean": Boolean,
    "string": Text,
    "bytes": Text,
}


def tables(address: TypeEngine[Any]) -> list[Table]:
    """Return the tables, given the type of addresses."""
    return [_dns(address), _resources(), _records(SPANS, SPAN_FINDING, SPAN_KEY), _records(ALERTS, ALERT, ALERT_KEY)]


def transaction_fields() -> list[dict[str, Any]]:
    """Return the fields of a DNS transaction as the schema has them."""
    (found,) = (field for field in schema_json(DNS_BATCH)["fields"] if field["name"] == "transactions")
    return list(found["type"]["items"]["fields"])


def fields_of(schema: str) -> list[dict[str, Any]]:
    """Return the fields of a schema."""
    return list(schema_json(schema)["fields"])


def _dns(address: TypeEngine[Any]) -> Table:
    made = [Column("transaction_id", Uuid(), nullable=False), *_origin()]
    made += [_column(field, address) for field in transaction_fields()]
    made += [Column(name, kind()) for name, kind in WORDS.items()]
    return _table(DNS, made, ("transaction_id",), "time")


def _origin() -> list[Column[Any]]:
    return [Column(name, BigInteger() if name == "boot_id" else Text()) for name in ORIGIN]


def _resources() -> Table:
    made: list[Column[Any]] = [Column("transaction_id", Uuid(), nullable=False), Column("row", BigInteger())]
    made += [Column(name, Text()) for name in RESOURCE_WORDS]
    return _table(RESOURCES, [*made, Column("ttl", BigInteger())], ("transaction_id", "row"))


def _records(name: str, schema: str, key: Iterable[str]) -> Table:
    return _table(name, [_column(field, Text()) for field in fields_of(schema)], key, "time")


def _table(name: str, made: list[Column[Any]], key: Iterable[str], time: str = "") -> Table:
    metadata = MetaData()
    rest = [Index(f"{name}_{time}", time)] if time else []
    return Table(name, metadata, *made, PrimaryKeyConstraint(*key), *rest)


def _column(field: dict[str, Any], address: TypeEngine[Any]) -> Column[Any]:
    return Column(field["name"], _type(field["name"], field["type"], address))


def _type(name: str, kind: Any, address: TypeEngine[Any]) -> TypeEngine[Any]:  # noqa: ANN401 - as a schema has it
    if name in TIMES and kind == "long":
        return DateTime(timezone=True)
    if isinstance(kind, dict):
        named = {"Address": address, "FlowId": Uuid()}
        return named.get(kind.get("name", ""), Text() if kind["type"] == "enum" else JSON())
    return address if kind == "Address" else PLAIN[kind]()
