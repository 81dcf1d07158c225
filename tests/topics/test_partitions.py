"""Partitions: both directions and every probe agree, for ever."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.codec import realistic_batch
from tests.topics.batches import random_batch
from topics.batch import FlowBatch, Records, records_like
from topics.partitions import flow_hash, split
from topics.schema import flow_fields, swapped

KEY = ("src_address", "dst_address", "src_port", "dst_port", "ethertype", "protocol")


def record(**values: Any) -> Records:
    records = records_like(1)
    records["ethertype"], records["protocol"] = 0x0800, 6
    records["src_address"] = np.frombuffer(bytes(10) + b"\xff\xff" + bytes([10, 0, 0, 1]), np.uint8)
    records["dst_address"] = np.frombuffer(bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 7]), np.uint8)
    records["src_port"], records["dst_port"] = 49152, 443
    for name, value in values.items():
        records[name] = value
    return records


def hash_of(**values: Any) -> int:
    return int(flow_hash(record(**values))[0])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, 5651736399515288888),
        ({"protocol": 17, "dst_port": 53}, 14559727283359005609),
        ({"protocol": 1, "src_port": 0x0800, "dst_port": 77}, 10635056987269187292),
        ({"ethertype": 0x0806, "protocol": 0}, 9044568248855146039),
    ],
)
def test_hashes_never_change_since_messages_on_the_bus_depend_on_them(values: dict[str, int], expected: int) -> None:
    assert hash_of(**values) == expected


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=50)
def test_both_directions_have_the_same_hash(seed: int) -> None:
    records = random_batch(seed, 20).records
    reversed_ = records.copy()
    for name in ("src_address", "dst_address", "src_port", "dst_port"):
        reversed_[name] = records[swapped(name)]
    assert (flow_hash(records) == flow_hash(reversed_)).all()


@pytest.mark.parametrize("name", [field.name for field in flow_fields() if field.store != "heap"])
def test_the_hash_sees_the_conversation_and_nothing_else(name: str) -> None:
    records = record()
    changed = record()
    changed[name].view(np.uint8)[...] ^= 1
    assert (flow_hash(records) != flow_hash(changed)).all() == (name in KEY)


@pytest.mark.parametrize("protocol", [1, 2, 47, 50, 58, 89])
def test_only_protocols_with_ports_are_told_apart_by_them(protocol: int) -> None:
    assert hash_of(protocol=protocol) == hash_of(protocol=protocol, src_port=1, dst_port=2)
    assert hash_of(protocol=132) != hash_of(protocol=132, src_port=1)


def test_swapping_the_ports_alone_is_another_conversation() -> None:
    assert hash_of() != hash_of(src_port=443, dst_port=49152)


def test_splitting_keeps_every_record_its_order_and_its_header() -> None:
    batch = realistic_batch(3000).replace(sequence=9, boot_id=4)
    parts = split(batch, 8)
    assert [part.partition for part in parts] == sorted({part.partition for part in parts})
    assert {(part.site, part.boot_id, part.sequence) for part in parts} == {("berlin", 4, 9)}
    numbers = flow_hash(batch.records) % np.uint64(8)
    for part in parts:
        assert (part.records == batch.records[numbers == part.partition]).all()
    assert sum(map(len, parts)) == 3000


def test_flows_spread_evenly() -> None:
    sizes = [len(part) for part in split(realistic_batch(40_000), 16)]
    assert len(sizes) == 16
    assert max(sizes) < 1.1 * min(sizes)


def test_splitting_nothing_gives_nothing() -> None:
    assert split(FlowBatch(), 4) == []
