"""Control-plane payloads on the bus: against fastavro, damage, size and partitions."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer

from topics import single_object
from topics.batch import FlowBatch
from topics.bus import encode_message
from topics.control import (
    CONTROL_BATCH,
    CONTROL_DTYPE,
    ControlBatch,
    decode_control,
    encode_control,
    encode_control_messages,
    split_control,
)
from topics.control.partitions import control_hash
from topics.errors import DecodeError, OutputError
from topics.partitions import flow_hash
from topics.record import FLOW_DTYPE
from topics.schema import schema_json

SCHEMA = parse_schema(schema_json(CONTROL_BATCH))
ENDS = ("src_address", "dst_address", "src_port", "dst_port", "protocol", "ethertype")


def random_batch(seed: int, count: int, longest: int = 90) -> ControlBatch:
    random = np.random.default_rng(seed)
    records = np.frombuffer(random.bytes(count * CONTROL_DTYPE.itemsize), CONTROL_DTYPE).copy()
    lengths = random.integers(0, longest, count)
    records["payload_length"], records["payload_offset"] = lengths, np.cumsum(lengths) - lengths
    records["protocol"] = random.choice([1, 6, 17, 58], count)
    records["pad"] = 0
    heap = random.integers(0, 256, int(lengths.sum()), np.uint8)
    return ControlBatch(records, heap, "sité", "edge", "eth0", 2**62, 3, 9, ("dns", "bgp"))


def plain(batch: ControlBatch) -> dict[str, Any]:
    head = {name: getattr(batch, name) for name in ("site", "probe", "interface", "boot_id", "partition", "sequence")}
    names = [name for name in CONTROL_DTYPE.names or () if name not in {"pad", "payload_offset", "payload_length"}]
    rows = []
    for row, record in enumerate(batch.records):
        values = {name: record[name].tobytes() if record[name].ndim else int(record[name]) for name in names}
        rows.append(values | {"payload": batch.payload(row)})
    return head | {"kinds": list(batch.kinds), "records": rows}


@pytest.mark.parametrize("count", [0, 1, 200])
def test_fastavro_and_we_read_and_write_the_same_bytes(count: int) -> None:
    batch = random_batch(count, count)
    out = io.BytesIO()
    schemaless_writer(out, SCHEMA, plain(batch))
    message = encode_control(batch)
    assert message == single_object.wrap(CONTROL_BATCH, out.getvalue())
    assert schemaless_reader(io.BytesIO(out.getvalue()), SCHEMA, None) == plain(batch)
    assert plain(decode_control(message)) == plain(batch)


def test_messages_stay_below_their_limit_and_are_numbered() -> None:
    batch = random_batch(5, 300, longest=400)
    messages = encode_control_messages(batch, 4096)
    assert max(map(len, messages)) <= 4096
    parts = [decode_control(message) for message in messages]
    assert [part.sequence for part in parts] == list(range(9, 9 + len(parts)))
    assert [row for part in parts for row in plain(part)["records"]] == plain(batch)["records"]


def test_a_payload_longer_than_the_limit_travels_alone() -> None:
    batch = random_batch(6, 3)
    batch.records["payload_offset"], batch.records["payload_length"] = 0, (10, 9000, 10)
    batch = batch.replace(heap=np.arange(9000, dtype=np.uint8))
    parts = [decode_control(message) for message in encode_control_messages(batch, 1000)]
    assert [len(part) for part in parts] == [1, 1, 1]
    assert parts[1].payload(0) == batch.payload(1)


def test_a_payload_outside_the_heap_is_refused() -> None:
    batch = random_batch(7, 2)
    batch.records["payload_length"][1] += 1
    with pytest.raises(OutputError, match="Payload 1 does not lie in the heap"):
        encode_control(batch)


def test_truncation_and_damage_give_typed_errors_or_a_batch() -> None:
    message = encode_control(random_batch(8, 6))
    for size in range(len(message)):
        with pytest.raises(DecodeError):
            decode_control(message[:size])
    for place in range(10, len(message)):
        for bits in (0x01, 0x80, 0xFF):
            data = bytearray(message)
            data[place] ^= bits
            try:
                decoded = decode_control(bytes(data))
            except DecodeError:
                continue
            assert all(len(decoded.payload(row)) <= len(message) for row in range(len(decoded)))


def test_another_message_is_no_batch_of_payloads() -> None:
    with pytest.raises(DecodeError, match=r"a flow-batch.v1, not a control-batch.v1"):
        decode_control(encode_message(FlowBatch()))


def test_payloads_go_where_their_flow_goes() -> None:
    batch = random_batch(9, 500)
    flows = np.zeros(len(batch), FLOW_DTYPE)
    turned = np.zeros(len(batch), FLOW_DTYPE)
    for name in ENDS:
        flows[name] = batch.records[name]
        other = {"src": "dst", "dst": "src"}.get(name[:3])
        turned[f"{other}{name[3:]}" if other else name] = batch.records[name]
    assert (control_hash(batch.records) == flow_hash(flows)).all()
    assert (control_hash(batch.records) == flow_hash(turned)).all()


def test_splitting_keeps_everything_and_its_order() -> None:
    batch = random_batch(10, 500)
    parts = split_control(batch, 4)
    assert [part.partition for part in parts] == [0, 1, 2, 3]
    assert sum(len(part) for part in parts) == 500
    for part in parts:
        wanted = batch.records[control_hash(batch.records) % np.uint64(4) == part.partition]
        assert part.records.tobytes() == wanted.tobytes()


def test_kinds_have_names() -> None:
    batch = random_batch(11, 3)
    batch.records["kind"] = (0, 1, 2)
    assert [batch.kind(row) for row in range(3)] == ["dns", "bgp", ""]
