"""Topics as they are created, and the Avro schemas of what they carry, with every field and its documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clients.reference.markdown import code, plain, table
from topics.definitions import TOPICS
from topics.schema import revisions, schema_json, schema_names

if TYPE_CHECKING:
    from collections.abc import Iterator

INTRODUCTION = """\
# Topics and schemas

`argosy topics create --bus kafka://HOST:PORT` makes what is missing, `argosy topics list` shows what there is. All
names end in a version: another layout that readers of today could not live with would get another topic.
"""
SCHEMAS = """\
## Schemas

Values are Avro in single-object encoding: two bytes `C3 01`, eight of the schema's fingerprint, the record. With a
[schema registry](../guides/security.md) they are in Confluent's wire format instead. The schemas are the files
`topics/schemas/NAME.avsc` of the source tree; [delivery](../explanation/reliability.md#schemas) tells how they may
change. A batch holds a header and an array of records. *merged* says how two records become one: `sum`, `min`, `first`,
`or` for bits, ...
"""
CARRIES = {
    "flow-status": "flow-batch.v1",
    "flows": "flow-batch.v1",
    "observations": "flow-batch.v1",
    "control": "control-batch.v1",
    "events": "event-record.v1",
    "probes": "probe-status.v1",
    "dns": "dns-batch.v1",
    "names": "address-name.v1",
    "spans": "span-finding.v1",
    "alerts": "alert.v1",
    "alert-state": "alert-state.v1",
    "seen-batches": "seen-batches.v1",
    "exporter-templates": "exporter-template.v1",
    "dead-letters": "dead-letter.v1",
}


def schema_of(topic: str) -> str:
    """Return the name of the schema of a topic's values, empty where they are no Avro."""
    return CARRIES.get(topic.removeprefix("argosy.").rpartition(".")[0], "")


def page() -> str:
    """Return the page of topics and schemas."""
    rows = []
    for topic in TOPICS:
        schema = schema_of(topic.name)
        kept = "compacted" if topic.compacted else f"{topic.retention_hours} h"
        message = f"{plain(topic.message)}{f' ([{schema}](#{_anchor(schema)}))' if schema else ''}"
        rows.append([code(topic.name), plain(topic.key), message, str(topic.partitions), kept])
    topics = table(["topic", "key: what shares a partition", "message", "partitions", "kept"], rows)
    return "\n\n".join([INTRODUCTION, topics, SCHEMAS, *(_schema(name) for name in schema_names())]) + "\n"


def _anchor(schema: str) -> str:
    return schema.replace(".", "")


def _schema(name: str) -> str:
    released = len(revisions(name))
    told = f"Released revisions: {released}." if released else "Not released yet."
    tables = []
    for record in _records(schema_json(name)):
        rows = ([code(field["name"]), plain(_kind(field["type"])), _meaning(field)] for field in record["fields"])
        tables += [
            f"#### {record['name']}",
            plain(record.get("doc", "")),
            table(["field", "type", "meaning"], rows),
        ]
    return "\n\n".join([f"### {name}", told, *filter(None, tables)])


def _meaning(field: dict[str, Any]) -> str:
    unit = f" ({field['unit']})" if field.get("unit") else ""
    named = f"; `-s {field['ra']}`" if field.get("ra") else ""
    merged = f"; merged: `{field['merge']}`" if field.get("merge") else ""
    return plain(f"{field.get('doc', '')}{unit}{named}{merged}")


def _kind(kind: Any) -> str:  # noqa: ANN401 - a schema is JSON of any shape
    """Return a type in words: `array of FlowRecord`, `string or null`, `one of start, status`."""
    if isinstance(kind, list):
        return " or ".join(_kind(each) for each in sorted(kind, key=lambda each: each == "null"))
    if not isinstance(kind, dict):
        return str(kind)
    inner = kind["type"]
    if inner in {"array", "map"}:
        return f"{inner} of {_kind(kind['items' if inner == 'array' else 'values'])}"
    if inner == "enum":
        return f"one of {', '.join(kind['symbols'])}"
    if inner == "fixed":
        return f"{kind['size']} bytes"
    return str(kind["name"]) if inner == "record" else _kind(inner)


def _records(kind: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - as above
    """Yield the records of a schema, outer ones first."""
    if isinstance(kind, list):
        for each in kind:
            yield from _records(each)
    elif isinstance(kind, dict) and kind["type"] == "record":
        yield kind
        for field in kind["fields"]:
            yield from _records(field["type"])
    elif isinstance(kind, dict) and kind["type"] in {"array", "map"}:
        yield from _records(kind["items" if kind["type"] == "array" else "values"])
