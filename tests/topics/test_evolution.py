"""Schemas over time: what was released stays readable, both ways, and a change that would break that is refused."""

from __future__ import annotations

import copy
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.schema import fingerprint, to_parsing_canonical_form

from tests.sinks.alerts.servers import ALERT
from tests.topics.batches import comparable, plain, random_batch
from tests.topics.test_control import random_batch as control_batch
from tests.topics.test_probe_status import STATUS
from topics import framing, single_object
from topics.alerts import StatePart, decode_alert, decode_state, encode_alert, encode_state
from topics.batch import records_like
from topics.bus import decode_message, encode_message
from topics.codec import decode_written, encode_batch, writer_schema
from topics.control import decode_control, encode_control
from topics.dead_letters import dead_letter, read_dead_letter
from topics.dns import decode_dns, encode_dns
from topics.dns.batch import DNS_DTYPE, RESOURCE_DTYPE, DnsBatch
from topics.errors import DecodeError, UnknownSchemaError
from topics.events import EventRecord, decode_event, encode_event
from topics.exporter_templates import ExporterTemplate, decode_template, encode_template
from topics.names import AddressName, decode_name, encode_name
from topics.probe_status import encode_probe_status, read_probe_status
from topics.registry import CachedRegistry, MockRegistry
from topics.schema import FLOW_BATCH, flow_record_json, revisions, schema_json, schema_names, schema_text
from topics.seen_batches import SeenBatches, decode_seen, encode_seen
from topics.spans import SpanFinding, encode_span_finding, read_span_finding

if TYPE_CHECKING:
    from collections.abc import Iterator

REVISIONS = [(name, revision) for name in schema_names() for revision in revisions(name)]


def breaks(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """What of a change keeps readers of one schema from reading what the other writes, both ways."""
    kinds = [each["type"] if isinstance(each, dict) else each for each in (old, new)]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, pair in enumerate(zip(old, new, strict=True)):
            yield from breaks(*pair, f"{path}|{number}")
    elif kinds[0] != kinds[1]:
        yield f"{path}: {kinds[0]} became {kinds[1]}"
    elif kinds[0] == "record":
        yield from _breaks_of_fields(old["fields"], new["fields"], path)
    elif kinds[0] == "array":
        yield from breaks(old["items"], new["items"], f"{path}[]")
    elif kinds[0] == "map":
        yield from breaks(old["values"], new["values"], f"{path}{{}}")
    elif kinds[0] == "fixed" and old["size"] != new["size"]:
        yield f"{path}: {old['size']} bytes became {new['size']}"
    elif kinds[0] == "enum" and new["symbols"][: len(old["symbols"])] != old["symbols"]:
        yield f"{path}: symbols may only be added at the end"
    if isinstance(old, dict) and isinstance(new, dict) and old.get("name") != new.get("name"):
        yield f"{path}: {old.get('name')} became {new.get('name')}"


def _breaks_of_fields(old: list[Any], new: list[Any], path: str) -> Iterator[str]:
    before, after = ({field["name"]: field for field in fields} for fields in (old, new))
    for name in before.keys() - after.keys():
        if "default" not in before[name]:
            yield f"{path}.{name}: is gone, and had no default"
    for name in after.keys() - before.keys():
        if "default" not in after[name]:
            yield f"{path}.{name}: is new, without a default"
    for name in before.keys() & after.keys():
        yield from breaks(before[name]["type"], after[name]["type"], f"{path}.{name}")


@pytest.mark.parametrize(("name", "revision"), REVISIONS)
def test_no_schema_breaks_with_what_was_released(name: str, revision: str) -> None:
    assert list(breaks(schema_json(revision), schema_json(name))) == []


def changed(edit: str) -> dict[str, Any]:
    schema = copy.deepcopy(schema_json(FLOW_BATCH))
    record = next(field for field in schema["fields"] if field["name"] == "records")["type"]["items"]
    fields = record["fields"]
    if edit == "type":
        next(field for field in fields if field["name"] == "src_packets")["type"] = "double"
    elif edit == "gone":
        fields.pop()
    elif edit == "new":
        fields.append({"name": "novel", "type": "long"})
    elif edit == "enum":
        cause = next(field for field in fields if field["name"] == "cause")["type"]
        cause["symbols"] = cause["symbols"][::-1]
    elif edit == "fixed":
        next(field for field in fields if field["name"] == "flow_id")["type"]["size"] = 8
    return schema


@pytest.mark.parametrize("edit", ["type", "gone", "new", "enum", "fixed"])
def test_a_change_that_breaks_is_found(edit: str) -> None:
    assert len(list(breaks(schema_json(FLOW_BATCH), changed(edit)))) == 1


def test_defaults_are_what_an_absent_field_reads_as() -> None:
    absent = records_like(1)
    for spec in flow_record_json()["fields"]:
        if "default" in spec and spec["name"] in (absent.dtype.names or ()):
            value = absent[spec["name"]][0]
            assert value == spec["default"] or bytes(value) == spec["default"].encode("latin-1"), spec["name"]


def written(schema: dict[str, Any], value: Any) -> bytes:
    out = io.BytesIO()
    schemaless_writer(out, parse_schema(copy.deepcopy(schema)), value)
    return out.getvalue()


@pytest.mark.parametrize("revision", revisions(FLOW_BATCH))
def test_we_read_what_each_released_revision_writes(revision: str) -> None:
    batch = random_batch(5, 20)
    old = schema_json(revision)
    message = single_object.wrap(revision, written(old, plain(batch)))
    found = plain(decode_message(message))
    names = {field["name"] for field in old["fields"] if field["name"] != "records"}
    assert repr({name: found[name] for name in names}) == repr({name: plain(batch)[name] for name in names})
    fields = {
        each["name"]
        for field in old["fields"]
        if field["name"] == "records"
        for each in field["type"]["items"]["fields"]
    }
    for ours, theirs in zip(found["records"], plain(batch)["records"], strict=True):
        assert repr({name: ours[name] for name in fields}) == repr({name: theirs[name] for name in fields})


@pytest.mark.parametrize("revision", revisions(FLOW_BATCH))
def test_readers_of_each_released_revision_read_what_we_write(revision: str) -> None:
    batch = random_batch(6, 20)
    ours, old = parse_schema(copy.deepcopy(schema_json(FLOW_BATCH))), parse_schema(copy.deepcopy(schema_json(revision)))
    data = io.BytesIO(encode_batch(batch))
    assert len(schemaless_reader(data, ours, old)["records"]) == 20  # type: ignore[index, call-overload]


def next_revision() -> dict[str, Any]:
    """A schema of tomorrow: fields of every kind that may be added, in the header and in the records."""
    schema = copy.deepcopy(schema_json(FLOW_BATCH))
    record = next(field for field in schema["fields"] if field["name"] == "records")["type"]["items"]
    record["fields"].insert(3, {"name": "later", "type": "long", "default": 0})
    record["fields"].append({"name": "note", "type": "string", "default": ""})
    schema["fields"].append({"name": "colour", "type": "string", "default": ""})
    assert list(breaks(schema_json(FLOW_BATCH), schema)) == []
    return schema


def of_tomorrow() -> tuple[Any, bytes]:
    batch = random_batch(7, 12)
    value = plain(batch) | {"colour": "red"}
    value["records"] = [record | {"later": 9, "note": "x"} for record in value["records"]]
    return batch, written(next_revision(), value)


def test_we_read_what_the_next_revision_writes() -> None:
    batch, data = of_tomorrow()
    assert comparable(decode_written(data, writer_schema(next_revision()))) == comparable(batch)


def with_more(schema: Any) -> Any:
    """A schema of tomorrow: a number and a text appended to every record in it."""
    if isinstance(schema, list):
        return [with_more(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: with_more(value) for key, value in schema.items()}
    if found.get("type") == "record":
        more = [{"name": "later", "type": "long", "default": 0}, {"name": "note", "type": "string", "default": ""}]
        found["fields"] = [*found["fields"], *more]
    return found


def rewritten(message: bytes, name: str) -> bytes:
    """A message as somebody with tomorrow's schema writes it."""
    schema = with_more(schema_json(name))
    value: Any = schemaless_reader(
        io.BytesIO(message[single_object.HEADER :]), parse_schema(copy.deepcopy(schema_json(name))), None
    )
    return single_object.MARK + fingerprint_of(schema) + written(schema, filled(schema, value))


def filled(schema: Any, value: Any) -> Any:
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind == "array":
        return [filled(schema["items"], each) for each in value]
    if kind == "record":
        known = {field["name"]: field["type"] for field in schema["fields"]}
        return {name: filled(known[name], each) for name, each in value.items()} | {"later": 77, "note": "tomorrow"}
    return value


def fingerprint_of(schema: dict[str, Any]) -> bytes:
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(copy.deepcopy(schema)), "CRC-64-AVRO"))


def dns_batch() -> DnsBatch:
    transactions, resources = np.zeros(3, DNS_DTYPE), np.zeros(4, RESOURCE_DTYPE)
    transactions["id"], transactions["name_length"] = (5, 6, 7), (2, 0, 1)
    resources["transaction"], resources["ttl"] = (0, 0, 2, 2), (1, 2, 3, 4)
    return DnsBatch(transactions, resources, np.arange(2, dtype=np.uint8), site="s", probe="p", boot_id=9)


NAME = AddressName(bytes(16), "host", "dns", 1, 2, 3, chain=("a", "b"))
FINDING = SpanFinding("s", "p", "eth0", 1, "raised", 2, 3, 4, 5, 6, 7, True, 8, 9, 10, 11, 12, [1, 2], "why")
EVENT = EventRecord(
    "s", "p", 1, 2, "load", "load", 3, 4, body={"one": 1.0, "five": 2.0, "fifteen": 3.0, "running": 4, "threads": 5}
)
WRITERS: dict[str, tuple[bytes, Any]] = {
    FLOW_BATCH: (encode_message(random_batch(9, 20)), decode_message),
    "dead-letter.v1": (dead_letter("t", 1, 2, b"value", "why"), read_dead_letter),
    "control-batch.v1": (encode_control(control_batch(3, 50)), decode_control),
    "dns-batch.v1": (encode_dns(dns_batch()), decode_dns),
    "address-name.v1": (encode_name(NAME), decode_name),
    "span-finding.v1": (encode_span_finding(FINDING), read_span_finding),
    "event-record.v1": (encode_event(EVENT), decode_event),
    "probe-status.v1": (encode_probe_status(STATUS), read_probe_status),
    "alert.v1": (encode_alert(ALERT), decode_alert),
    "exporter-template.v1": (
        encode_template(ExporterTemplate("a", "b", bytes(16), 1, 256, 0, (0, 8, 4))),
        decode_template,
    ),
    "seen-batches.v1": (encode_seen(SeenBatches("g", "t", 1, 2, b"runs")), decode_seen),
    "alert-state.v1": (encode_state(StatePart("one", 3, True, 0, 1, b"body")), decode_state),
}


@pytest.mark.parametrize("name", schema_names())
def test_every_reader_reads_the_next_revision_once_it_was_announced(name: str) -> None:
    message, read = WRITERS[name]
    later = rewritten(message, name)
    single_object._learned.clear()
    with pytest.raises(UnknownSchemaError, match="schema with the unknown fingerprint"):
        read(later)
    single_object.learn(json.dumps(with_more(schema_json(name))))
    assert repr(read(later)) == repr(read(message))


@pytest.mark.parametrize("name", schema_names())
def test_every_schema_has_the_revision_that_was_released(name: str) -> None:
    assert revisions(name)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> CachedRegistry:
    """A registry in memory that messages are framed by."""
    made = CachedRegistry(MockRegistry())
    monkeypatch.setattr(framing, "_registry", lambda: made)
    return made


def test_with_a_registry_messages_name_their_schema_by_id(registry: CachedRegistry) -> None:
    batch = random_batch(8, 3)
    encode_message(batch)
    registry.settle()
    message = encode_message(batch)
    assert message[:5] == b"\x00\x00\x00\x00\x01"
    assert json.loads(registry.schema(1)) == schema_json(FLOW_BATCH)
    assert comparable(decode_message(message)) == comparable(batch)
    by_fingerprint = single_object.wrap(FLOW_BATCH, encode_batch(batch))
    assert comparable(decode_message(by_fingerprint)) == comparable(batch)


def test_with_a_registry_yesterdays_readers_read_tomorrows_messages(registry: CachedRegistry) -> None:
    batch, data = of_tomorrow()
    number = registry._registry.register("argosy.v1.FlowBatch", json.dumps(next_revision()))
    message = b"\x00" + number.to_bytes(4, "big") + data
    assert comparable(decode_message(message)) == comparable(batch)


def test_ids_that_lead_nowhere_are_refused(registry: CachedRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    for schema in (schema_text("dead-letter.v1"), '"long"', "junk"):
        registry._registry.register("any", schema)
    for message, reason in (
        (b"\x00\x00\x00\x00\x01rest", "a argosy.v1.DeadLetter, not a flow-batch.v1"),
        (b"\x00\x00\x00\x00\x02rest", "schema id 2 is no record"),
        (b"\x00\x00\x00\x00\x03rest", "schema id 3 is no record"),
        (b"\x00\x00\x00\x00\x09rest", "schema with the unknown id 9"),
        (b"\x00\x00", "no schema id"),
    ):
        with pytest.raises(DecodeError, match=reason):
            decode_message(message)
    monkeypatch.setattr(framing, "_registry", lambda: None)
    with pytest.raises(DecodeError, match="schema id 1, and no schema registry is set"):
        decode_message(b"\x00\x00\x00\x00\x01rest")


def test_counters_of_hosts_are_read_by_those_who_know_nothing_of_interfaces_and_the_other_way_round() -> None:
    name, first = "event-record.v1", "event-record.v1/1"
    names = [f"{way}_{what}" for way in ("in", "out") for what in ("octets", "packets", "errors", "discards")]
    row = dict.fromkeys(names, 7) | {"name": "eth0"}
    event = EventRecord("", "edge", 1, 0, "n", "netstat", 1, 2, body={"counters": {"a": 1}, "interfaces": [row]})
    _, payload = framing.unframe(encode_event(event), name)
    ours, theirs = (parse_schema(copy.deepcopy(schema_json(each))) for each in (name, first))
    found: Any = schemaless_reader(io.BytesIO(payload), ours, theirs)
    assert found["body"] == {"counters": {"a": 1}}
    old = single_object.wrap(first, written(schema_json(first), found | {"body": ("argosy.v1.Netstat", found["body"])}))
    assert decode_event(old).body == {"counters": {"a": 1}, "interfaces": []}


def test_dead_letters_of_each_revision_are_read() -> None:
    letter = dead_letter("t", 1, 2, b"value", "why")
    for revision in revisions("dead-letter.v1"):
        old = single_object.wrap(revision, letter[single_object.HEADER :])
        assert read_dead_letter(old).value == b"value"
