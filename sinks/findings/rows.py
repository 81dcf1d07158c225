"""What findings say as rows of their tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from sinks.findings.layout import (
    ALERTS,
    DNS,
    ORIGIN,
    RESOURCES,
    SPANS,
    TIMES,
    fields_of,
    transaction_fields,
)
from topics.address_text import ip_text
from topics.dns import KINDS, State, heap_values
from topics.dns.numbers import code_text, type_text
from topics.dns.text import data_text
from topics.spans import SPAN_FINDING

if TYPE_CHECKING:
    from sinks.sql.keyed import Row
    from topics.alerts import Alert
    from topics.dns import DnsBatch
    from topics.spans import SpanFinding

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECTIONS = ("question", "answer", "authority", "additional")
MILLISECOND = 1_000_000
BOTH = State.QUERY | State.ANSWER
MOST_ANSWERS = 8  # in the line of a transaction; all of them are in their own table


def alert_rows(alert: Alert) -> dict[str, list[Row]]:
    """Return the row of an alert, by table."""
    return {ALERTS: [{name: _value(name, value) for name, value in alert.plain.items()}]}


def span_rows(finding: SpanFinding) -> dict[str, list[Row]]:
    """Return the row of a finding about a mirror port, by table."""
    names = [field["name"] for field in fields_of(SPAN_FINDING)]
    return {SPANS: [{name: _value(name, getattr(finding, name)) for name in names}]}


def dns_rows(batch: DnsBatch) -> dict[str, list[Row]]:
    """Return the rows of transactions and of their resource records, by table."""
    origin = {name: getattr(batch, name) for name in ORIGIN}
    rows = batch.transactions
    held = {name: heap_values(rows, batch.heap, name) for name in ("name", "client_subnet", "cookie")}
    resources = _resources(batch)
    found: dict[str, list[Row]] = {DNS: [], RESOURCES: []}
    for place, row in enumerate(rows):
        plain = {field["name"]: _field(row, field, held, place) for field in transaction_fields()}
        known = _id(origin, row, held["name"][place])
        records = resources.get(place, [])
        found[DNS].append({"transaction_id": known} | _clean(origin | plain | _words(row, records)))
        found[RESOURCES] += [{"transaction_id": known, "row": number} | record for number, record in enumerate(records)]
    return found


def _field(row: Any, field: dict[str, Any], held: dict[str, list[bytes]], place: int) -> Any:  # noqa: ANN401 - as the schema has it
    name = field["name"]
    if name in held:
        return held[name][place].decode(errors="replace") if field["type"] == "string" else held[name][place].hex()
    if name in ("client", "server"):
        return ip_text(row[name].tobytes())
    if name == "flow_id":
        return str(UUID(bytes=row[name].tobytes())) if row[name].any() else None
    value = row[name].item()
    return KINDS[value] if name == "kind" else _value(name, value)


def _id(origin: Row, row: Any, name: bytes) -> str:  # noqa: ANN401 - a record of NumPy
    """Return what only this transaction has, however often it is read."""
    digest = blake2b(repr(tuple(origin.values())).encode(), digest_size=16)
    for field in ("time", "answered", "client", "client_port", "server", "server_port", "protocol", "vlan", "kind"):
        digest.update(row[field].tobytes())
    for field in ("id", "record_type", "record_class", "state"):
        digest.update(row[field].tobytes())
    digest.update(name)
    return str(UUID(bytes=digest.digest()))


def _words(row: Any, records: list[Row]) -> Row:  # noqa: ANN401 - a record of NumPy
    answered = bool(row["state"] & State.ANSWER)
    both = (row["state"] & BOTH) == BOTH
    answers = [f"{record['type']}={record['data']}" for record in records if record["section"] == "answer"]
    return {
        "type": type_text(int(row["record_type"]), KINDS[int(row["kind"])]),
        "result": code_text(int(row["rcode"])) if answered else "NOANSWER",
        "latency_ms": int(row["answered"] - row["time"]) / MILLISECOND if both else None,
        "answer": " ".join(answers[:MOST_ANSWERS]) or None,
    }


def _resources(batch: DnsBatch) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    names, data = (heap_values(batch.resources, batch.resource_heap, name) for name in ("name", "data"))
    for place, row in enumerate(batch.resources):
        transaction, number = int(row["transaction"]), int(row["record_type"])
        kind = KINDS[int(batch.transactions["kind"][transaction])]
        record = {
            "section": SECTIONS[int(row["section"])],
            "name": names[place].decode(errors="replace"),
            "type": type_text(number, kind),
            "data": data_text(0 if kind == "netbios" else number, data[place]) if row["section"] else None,
            "ttl": int(row["ttl"]) if row["section"] else None,
        }
        found.setdefault(transaction, []).append(_clean(record))
    return found


def _value(name: str, value: Any) -> Any:  # noqa: ANN401 - as the schema has it
    if name in TIMES:
        return EPOCH + timedelta(microseconds=int(np.int64(value)) // 1000) if value else None
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False).replace("\\u0000", "\ufffd")
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _clean(row: Row) -> Row:
    """Return a row whose texts have no NUL, for which PostgreSQL has no place."""
    return {name: value.replace("\0", "\ufffd") if isinstance(value, str) else value for name, value in row.items()}
