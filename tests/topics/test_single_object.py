"""Single-object encoding against fastavro and the specification."""

import json
from typing import Any

import pytest
from fastavro.schema import fingerprint, to_parsing_canonical_form

from topics import single_object
from topics.batch import FlowBatch
from topics.bus import decode_message, encode_message
from topics.control import CONTROL_BATCH
from topics.dead_letters import DEAD_LETTER, dead_letter
from topics.errors import DecodeError
from topics.probe_status import PROBE_STATUS
from topics.schema import FLOW_BATCH, schema_json, schema_names
from topics.spans import SPAN_FINDING


def crc_64_avro(data: bytes) -> int:
    """The fingerprint as the specification writes it down, bit by bit."""
    empty = 0xC15D213AA4D7A795
    value = empty
    for byte in data:
        mixed = (value ^ byte) & 0xFF
        for _ in range(8):
            mixed = (mixed >> 1) ^ (empty if mixed & 1 else 0)
        value = (value >> 8) ^ mixed
    return value


@pytest.mark.parametrize("name", schema_names())
def test_the_header_is_mark_and_fingerprint_least_significant_byte_first(name: str) -> None:
    canonical = to_parsing_canonical_form(schema_json(name))
    expected = crc_64_avro(canonical.encode()).to_bytes(8, "little")
    assert single_object.wrap(name, b"payload") == b"\xc3\x01" + expected + b"payload"


def test_the_specification_and_fastavro_agree_on_the_fingerprint() -> None:
    assert fingerprint('"int"', "CRC-64-AVRO") == crc_64_avro(b'"int"').to_bytes(8, "little").hex()


def test_fingerprints_change_with_a_new_revision_only() -> None:
    assert {name: single_object.header(name)[2:].hex() for name in schema_names()} == {
        FLOW_BATCH: "e0f6d77a8b510b84",
        DEAD_LETTER: "e434cb1c8f3022f6",
        CONTROL_BATCH: "947448ed45ac891d",
        PROBE_STATUS: "e82df31f7539d031",
        SPAN_FINDING: "d949763b4e6ec508",
        "dns-batch.v1": "b5584dc5f06870fa",
        "address-name.v1": "f731cbd4cff0c919",
        "event-record.v1": "94663a58bb158dd4",
        "alert.v1": "1deb3483f60899f8",
        "seen-batches.v1": "0e959d4daf224bbd",
        "alert-state.v1": "7356ab1f646de965",
        "exporter-template.v1": "e4eff62d59f99c8a",
    }


def test_documentation_does_not_change_a_fingerprint() -> None:
    def stripped(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: stripped(item) for key, item in value.items() if key not in ("doc", "unit", "ra", "merge")}
        return [stripped(item) for item in value] if isinstance(value, list) else value

    schema = stripped(schema_json(FLOW_BATCH))
    assert json.dumps(schema) != json.dumps(schema_json(FLOW_BATCH))
    canonical = to_parsing_canonical_form(schema)
    assert bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO")) == single_object.header(FLOW_BATCH)[2:]


@pytest.mark.parametrize("name", schema_names())
def test_what_is_wrapped_is_unwrapped(name: str) -> None:
    found, payload = single_object.unwrap(memoryview(single_object.wrap(name, b"payload")))
    assert (found, bytes(payload)) == (name, b"payload")


@pytest.mark.parametrize("data", [b"", b"\xc3", b"\xc3\x01" + bytes(7), b"\x00\x00\x00\x00\x01" + bytes(30)])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DecodeError, match="no Avro single-object encoding at byte 0"):
        single_object.unwrap(data)


def test_an_unknown_fingerprint_is_named() -> None:
    with pytest.raises(DecodeError, match="schema with the unknown fingerprint 0102030405060708 at byte 2"):
        single_object.unwrap(b"\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08rest")


def test_a_schema_that_was_learned_is_named_by_its_text() -> None:
    single_object.learn(
        '{"type": "record", "doc": "a note", "name": "Learned", "fields": [{"name": "a", "type": "int"}]}'
    )
    text = '{"name":"Learned","type":"record","fields":[{"name":"a","type":"int"}]}'
    mark = b"\xc3\x01" + crc_64_avro(text.encode()).to_bytes(8, "little")
    writer, payload = single_object.unwrap(mark + b"payload")
    assert (writer, bytes(payload)) == (text, b"payload")
    with pytest.raises(DecodeError, match=r"a Learned, not a flow-batch\.v1"):
        decode_message(mark + b"payload")


@pytest.mark.parametrize("text", ["", "junk", '{"type": "nothing"}', "[" * 100_000])
def test_what_is_no_schema_is_not_learned(text: str) -> None:
    with pytest.raises(DecodeError, match="no schema"):
        single_object.learn(text)


def test_messages_carry_batches() -> None:
    batch = FlowBatch(site="s", probe="p", sequence=4)
    assert decode_message(encode_message(batch)).replace(records=batch.records, heap=batch.heap) == batch


def test_a_message_of_another_schema_is_no_batch() -> None:
    with pytest.raises(DecodeError, match=f"a {DEAD_LETTER}, not a {FLOW_BATCH}"):
        decode_message(dead_letter("topic", 0, 0, b"", "reason"))
