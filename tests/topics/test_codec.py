"""The codec against fastavro, and what it promises beyond Avro."""

import copy
import io
from typing import Any

import numpy as np
import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.topics.batches import PARSED, comparable, plain, random_batch
from topics.batch import FlowBatch, Observer, concatenate, records_like
from topics.codec import decode_batch, decode_written, encode_batch, encode_cut, writer_schema
from topics.errors import DecodeError, OutputError
from topics.flags import Cause
from topics.record import FLOW_DTYPE
from topics.schema import FLOW_BATCH, flow_fields, schema_json

batches = st.builds(random_batch, st.integers(0, 2**32), st.integers(0, 12))


def written_by_fastavro(value: Any, schema: Any = PARSED) -> bytes:
    out = io.BytesIO()
    schemaless_writer(out, schema, value)
    return out.getvalue()


@given(batches)
@settings(deadline=None)
def test_fastavro_reads_what_we_write(batch: FlowBatch) -> None:
    data = io.BytesIO(encode_batch(batch))
    assert repr(schemaless_reader(data, PARSED, None)) == comparable(batch)
    assert not data.read()


@given(batches)
@settings(deadline=None)
def test_we_write_byte_for_byte_what_fastavro_writes(batch: FlowBatch) -> None:
    assert encode_batch(batch) == written_by_fastavro(plain(batch))


@given(batches)
@settings(deadline=None)
def test_we_read_what_fastavro_writes(batch: FlowBatch) -> None:
    assert comparable(decode_batch(written_by_fastavro(plain(batch)))) == comparable(batch)


def test_records_come_back_bit_by_bit() -> None:
    batch = random_batch(3, 3000, heap=False)
    decoded = decode_batch(memoryview(encode_batch(batch)))
    assert decoded.records.tobytes() == batch.records.tobytes()
    assert decoded.records.dtype == FLOW_DTYPE
    assert len(decoded.heap) == 0


@pytest.mark.parametrize("select", [slice(None, None, 3), slice(None, None, -1), np.array([5, 1, 1])])
def test_records_need_not_lie_side_by_side(select: Any) -> None:
    batch = random_batch(4, 40).select(select)
    assert comparable(decode_batch(encode_batch(batch))) == comparable(batch)


def test_read_only_arrays_are_encoded() -> None:
    batch = random_batch(4, 4)
    frozen = batch.replace(records=batch.records.copy(), heap=batch.heap.copy())
    frozen.records.flags.writeable = frozen.heap.flags.writeable = False
    assert encode_batch(frozen) == encode_batch(batch)


def test_the_heap_holds_only_what_records_name() -> None:
    batch = random_batch(1, 30)
    decoded = decode_batch(encode_batch(batch.select(slice(10, 12))))
    lengths = [decoded.records[name].sum() for name in FLOW_DTYPE.names or () if name.endswith("_length")]
    named = sum(int(batch.records[f"{f.name}_length"][10:12].sum()) for f in flow_fields() if f.store == "heap")
    assert len(decoded.heap) == named
    assert lengths


def test_many_records_may_share_one_large_payload() -> None:
    records = records_like(50)
    records["src_payload_length"] = 100_000
    batch = FlowBatch(records=records, heap=np.arange(100_000).astype(np.uint8))
    decoded = decode_batch(encode_batch(batch))
    assert all(decoded.heap_value(row, "src_payload") == batch.heap.tobytes() for row in range(50))


def test_arrays_may_come_in_blocks_with_and_without_sizes() -> None:
    batch = random_batch(7, 3).replace(observers={})
    pieces = [encode_batch(batch.select(slice(row, row + 1))) for row in range(3)]
    head = len(encode_batch(batch.select(slice(0, 0)))) - 1
    first, second, third = (piece[head + 1 : -1] for piece in pieces)
    whole = pieces[0][:head] + b"\x02" + first + b"\x01" + _long(len(second)) + second + b"\x02" + third + b"\x00"
    assert comparable(decode_batch(whole)) == comparable(batch)


def test_the_size_of_a_block_has_to_be_right() -> None:
    batch = random_batch(7, 1).replace(observers={})
    piece = encode_batch(batch)
    head = len(encode_batch(batch.select(slice(0, 0)))) - 1
    record = piece[head + 1 : -1]
    for wrong in (-1, 1):
        data = piece[:head] + b"\x01" + _long(len(record) + wrong) + record + b"\x00"
        with pytest.raises(DecodeError, match="array block"):
            decode_batch(data)


def _long(value: int) -> bytes:
    return written_by_fastavro(value, "long")


@pytest.mark.parametrize("limit", [500, 5_000, 40_000, 10**9])
def test_cutting_keeps_order_and_bounds(limit: int) -> None:
    batch = random_batch(11, 60, heap=False).replace(sequence=7)
    messages = encode_cut(batch, limit)
    parts = [decode_batch(message) for message in messages]
    assert [part.sequence for part in parts] == list(range(7, 7 + len(parts)))
    assert concatenate(parts).records.tobytes() == batch.records.tobytes()
    assert all(len(message) <= limit or len(part) == 1 for message, part in zip(messages, parts, strict=True))
    assert len(messages) <= 2 + sum(map(len, messages)) // max(1, limit - 2_000)


def test_cutting_counts_payloads_that_took_several_buffers() -> None:
    records = records_like(40)
    records["src_payload_length"] = np.arange(40) * 2500
    batch = FlowBatch(records=records, heap=np.arange(100_000).astype(np.uint8))
    messages = encode_cut(batch, 250_000)
    assert comparable(concatenate(decode_batch(message) for message in messages)) == comparable(batch)
    assert all(len(message) <= 250_000 for message in messages)
    assert len(messages) < 12


def test_cutting_an_empty_batch_gives_one_message() -> None:
    batch = random_batch(5, 0)
    assert encode_cut(batch, 1000) == [encode_batch(batch)]


def test_an_older_schema_is_read_with_the_values_of_absent_fields() -> None:
    batch = random_batch(21, 5)
    schema = copy.deepcopy(schema_json(FLOW_BATCH))
    left_out = ("labels", "src_prefix_length", "records", "src_packets")
    _record(schema)["fields"] = [field for field in _record(schema)["fields"] if field["name"] not in left_out]
    schema["fields"] = [field for field in schema["fields"] if field["name"] != "status_interval"]
    decoded = decode_written(written_by_fastavro(plain(batch), parse_schema(schema)), writer_schema(schema))
    expected = batch.replace(records=batch.records.copy(), status_interval=FlowBatch().status_interval)
    for name in ("src_prefix_length", "records", "src_packets"):
        expected.records[name] = records_like(1)[name]
    expected.records["labels_length"] = 0
    assert comparable(decoded) == comparable(expected)


def test_a_newer_schema_is_read_without_its_new_fields() -> None:
    batch = random_batch(22, 5)
    schema = copy.deepcopy(schema_json(FLOW_BATCH))
    new: dict[str, tuple[Any, Any]] = {
        "new_int": ("int", 70000),
        "new_long": ("long", -(2**63)),
        "new_text": ("string", "ünï"),
        "new_bytes": ("bytes", b"x" * 300),
        "new_double": ("double", 1.5),
        "new_float": ("float", 1.5),
        "new_flag": ("boolean", True),
        "new_enum": ({"type": "enum", "name": "E", "symbols": ["a", "b"]}, "b"),
        "new_fixed": ({"type": "fixed", "name": "F", "size": 11}, b"f" * 11),
        "new_mac": ("Mac", b"m" * 6),
    }
    value = plain(batch)
    for name, (kind, content) in new.items():
        _record(schema)["fields"].append({"name": name, "type": kind})
        for record in value["records"]:
            record[name] = content
    schema["fields"].insert(0, {"name": "new_header", "type": {"type": "array", "items": "string"}})
    value["new_header"] = ["a", "b"]
    decoded = decode_written(written_by_fastavro(value, parse_schema(schema)), writer_schema(schema))
    assert comparable(decoded) == comparable(batch)


def test_a_field_of_another_type_is_refused_by_name() -> None:
    schema = copy.deepcopy(schema_json(FLOW_BATCH))
    next(field for field in _record(schema)["fields"] if field["name"] == "src_port")["type"] = "double"
    with pytest.raises(DecodeError, match="'src_port' is written as double, and read as int"):
        writer_schema(schema)


def _record(schema: Any) -> Any:
    return next(field for field in schema["fields"] if field["name"] == "records")["type"]["items"]


def one(**values: Any) -> FlowBatch:
    records = records_like(3)
    for name, value in values.items():
        records[name][1] = value
    return FlowBatch(records=records, heap=np.frombuffer(b"ok\xff\xc0\x80", np.uint8))


@pytest.mark.parametrize(
    ("batch", "named"),
    [
        (one(cause=Cause.EVICTED + 1), "record 1: field 'cause'"),
        (one(src_payload_offset=3, src_payload_length=3), "record 1: field 'src_payload'"),
        (one(src_payload_offset=2**32 - 1, src_payload_length=2**32 - 1), "record 1: field 'src_payload'"),
        (one(labels_length=5), "record 1: field 'labels'"),
        (FlowBatch(boot_id=2**63), "does not fit 64 bits"),
        (FlowBatch(site="bad\udcff"), "cannot be written as UTF-8"),
    ],
)
def test_what_the_schema_cannot_say_is_not_written(batch: FlowBatch, named: str) -> None:
    with pytest.raises(OutputError, match=named):
        encode_batch(batch)


def test_observers_that_are_told_again_are_the_same_and_changed_ones_are_not() -> None:
    """Readers compare them with those of the last message of the same probe."""
    one, two = Observer("s", "p", "eth0"), Observer("s", "p", "eth1")
    for observers in ({1: one}, {1: one}, {1: one, 2: two}, {2: two}, {}, {1: two}, {1: one}):
        found = decode_batch(encode_batch(FlowBatch(site="s", probe="p", observers=observers)))
        assert found.observers == observers
        found.observers[9] = one  # the batch is the reader's own


def test_observers_are_remembered_for_so_many_probes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("topics.codec.MOST_REMEMBERED", 3)
    for number in (*range(8), *range(8)):
        batch = FlowBatch(probe=f"p{number}", observers={number: Observer("s", f"p{number}", "eth0")})
        assert decode_batch(encode_batch(batch)).observers == batch.observers
