"""The tables of events, made of their schema: `events`, and `event_KIND` or `event_KIND_TABLE` for what they hold.

A row of `events` is an event; the others have its key and `row`, their place in it. Addresses are text or inet, MACs
text, times ns since the epoch but for `stime`, a timestamp of microseconds.
"""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, DateTime, Double, MetaData, PrimaryKeyConstraint, Table, Text

from topics.address_text import ip_text
from topics.events.codec import EVENT_RECORD
from topics.schema import schema_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.types import TypeEngine

    from sinks.sql.keyed import Row
    from topics.events import EventRecord

KEY = ("site", "probe", "boot_id", "sequence")
EVENTS = "events"
ENVELOPE = ("kind", "source", "started", "ended", "status", "exit_status", "reason", "errors", "missed", "part", "size")
NUMBERS: dict[str, type[TypeEngine[Any]]] = {"int": BigInteger, "long": BigInteger, "double": Double}
MICROSECOND = 1000


@functools.cache
def columns() -> dict[str, dict[str, str]]:
    """Return the Avro type of each column by table, without key, row and stime; `address` and `mac` among them."""
    fields = {field["name"]: field for field in schema_json(EVENT_RECORD)["fields"]}
    tables = {EVENTS: {name: _type(fields[name]) for name in ENVELOPE} | {"output": "string"}}
    for body in fields["body"]["type"][1:]:
        kind = body["name"].lower()
        plain = {}
        for field in body["fields"]:
            held = field["type"]
            if isinstance(held, dict) and held["type"] == "array":
                rows = held["items"]["fields"]
                tables[f"event_{kind}_{field['name']}"] = {row["name"]: _type(row) for row in rows}
            elif isinstance(held, dict) and held["type"] == "map":
                tables[f"event_{kind}_{field['name']}"] = {"name": "string", "value": held["values"]}
            else:
                plain[field["name"]] = _type(field)
        if plain:
            tables[f"event_{kind}"] = plain
    return tables


def _type(field: dict[str, Any]) -> str:
    kind = field["type"]
    if isinstance(kind, list):
        kind = kind[1]
    if isinstance(kind, dict):
        return {"fixed": "address", "enum": "string", "map": "string"}[kind["type"]]
    if kind == "Address":
        return "address"
    return "mac" if kind == "bytes" else str(kind)


def tables(address: TypeEngine[Any]) -> list[Table]:
    """Return the tables, given the type of addresses."""
    return [_table(name, held, address) for name, held in columns().items()]


def _table(name: str, held: dict[str, str], address: TypeEngine[Any]) -> Table:
    kinds = {"address": address} | {kind: number() for kind, number in NUMBERS.items()}
    made: list[Column[Any]] = [
        Column("site", Text(), nullable=False),
        Column("probe", Text(), nullable=False),
        Column("boot_id", BigInteger(), nullable=False),
        Column("sequence", BigInteger(), nullable=False),
    ]
    made += [] if name == EVENTS else [Column("row", BigInteger(), nullable=False)]
    made += [Column("stime", DateTime(timezone=True))]
    made += [Column(column, kinds.get(kind, Text())) for column, kind in held.items()]
    key = KEY if name == EVENTS else (*KEY, "row")
    return Table(name, MetaData(), *made, PrimaryKeyConstraint(*key))


def rows(event: EventRecord) -> Iterator[tuple[str, list[Row]]]:
    """Yield the rows of an event by table."""
    head = {name: _clean(getattr(event, name)) for name in KEY}
    head["stime"] = datetime.fromtimestamp(event.started // 1_000_000_000, UTC).replace(
        microsecond=event.started // MICROSECOND % 1_000_000
    )
    envelope = {name: _clean(getattr(event, name)) for name in ENVELOPE}
    yield EVENTS, [head | envelope | {"output": _clean(event.text) if event.output else None}]
    plain = {}
    for name, value in (event.body or {}).items():
        table = f"event_{event.kind}_{name}"
        if isinstance(value, list):
            held = columns()[table]
            yield (
                table,
                [
                    head | {"row": number} | {key: _value(held[key], each) for key, each in row.items()}
                    for number, row in enumerate(value)
                ],
            )
        elif isinstance(value, dict):
            pairs = enumerate(value.items())
            yield (
                table,
                [head | {"row": number, "name": _clean(key), "value": _clean(each)} for number, (key, each) in pairs],
            )
        else:
            plain[name] = _clean(value)
    if plain:
        yield f"event_{event.kind}", [head | {"row": 0} | plain]


def _value(kind: str, value: Any) -> Any:  # noqa: ANN401 - as the schema has it
    if kind == "address":
        return ip_text(value) if any(value) else None
    if kind == "mac":
        return value.hex(":") or None
    return _clean(json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value)


def _clean(value: Any) -> Any:  # noqa: ANN401 - as the schema has it
    """Return a text without NUL, which PostgreSQL has no place for."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
