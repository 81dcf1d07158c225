"""Batches of random records over the whole range of every field, for tests of what carries and keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from topics.batch import FlowBatch, Observer, Records, records_like
from topics.record import FLOW_DTYPE, HEAP_FIELDS
from topics.schema import Field, flow_fields

if TYPE_CHECKING:
    from numpy.random import Generator

OBSERVERS = (
    Observer("amsterdam", "core", "eth0"),
    Observer("amsterdam", "core", "eth1"),
    Observer("", "edge", ""),
    Observer("Zürich", "edge-2", "wlan0"),
)
LABELS = ("", "", "country=nl,de", "as=64500:process=curl", "name=köln.example")


def random_batch(seed: int, count: int, *, heap: bool = True, now: int | None = None) -> FlowBatch:
    """Return `count` records with every field random, edges of its width included; times near `now` (ns) when given."""
    generator = np.random.default_rng(seed)
    records = records_like(count)
    for field in flow_fields():
        if field.store != "heap":
            records[field.name] = _values(generator, field, count)
    observers = [OBSERVERS[number] for number in generator.permutation(len(OBSERVERS))[: 1 + seed % len(OBSERVERS)]]
    records["observer"] = np.array([o.id for o in observers])[generator.integers(0, len(observers), count)]
    if now is not None:
        _set_times(generator, records, now)
    data = _fill_heap(generator, records) if heap else np.zeros(0, np.uint8)
    header = observers[0]
    return FlowBatch(
        records=records, heap=data, site=header.site, probe=header.probe, observers={o.id: o for o in observers}
    )


def same(one: FlowBatch, other: FlowBatch) -> None:
    """Assert that two batches hold the same records, field by field, wherever their heaps put the bytes."""
    assert len(one) == len(other)
    for name in FLOW_DTYPE.names or ():
        if not name.endswith("_offset"):
            np.testing.assert_array_equal(one.records[name], other.records[name], err_msg=name)
    for name in HEAP_FIELDS:
        assert values(one, name) == values(other, name), name
    seen = set(one.records["observer"].tolist())
    assert {n: one.observers[n] for n in seen} == {n: other.observers[n] for n in seen}


def values(batch: FlowBatch, name: str) -> list[bytes]:
    """Return one heap field of all records."""
    return [batch.heap_value(row, name) for row in range(len(batch))]


def _values(generator: Generator, field: Field, count: int) -> np.ndarray[Any, Any]:
    if field.kind == "fixed":
        return generator.integers(0, 256, (count, field.size))
    if field.kind == "enum":
        return generator.integers(0, len(field.symbols), count)
    if field.store == "f8":
        return generator.random(count) * 10.0 ** generator.integers(0, 20, count)
    bits = 8 * int(field.store[1:]) - (field.store == "i8")
    picks = generator.integers(0, 2**bits, count, dtype=np.uint64)
    edges = np.array([0, 2**bits - 1], np.uint64)[generator.integers(0, 2, count)]
    return np.where(generator.random(count) < 0.2, edges, picks)


def _set_times(generator: Generator, records: Records, now: int) -> None:
    for side in ("src", "dst"):
        first = now + generator.integers(0, 10**9, len(records))
        seen = generator.random(len(records)) < 0.8 if side == "dst" else np.ones(len(records), bool)
        records[f"{side}_first"] = np.where(seen, first, 0)
        records[f"{side}_last"] = np.where(seen, first + generator.integers(0, 10**9, len(records)), 0)
    records["flow_start"] = records["src_first"]


def _fill_heap(generator: Generator, records: Records) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Put values of all heap fields into one heap in random order, with gaps that no record names."""
    pieces, end = [], 0
    for row in generator.permutation(len(records)):
        for name in HEAP_FIELDS:
            gap = bytes(int(generator.integers(0, 3)))
            piece = _heap_value(generator, name)
            records[f"{name}_offset"][row] = end + len(gap)
            records[f"{name}_length"][row] = len(piece)
            pieces += [gap, piece]
            end += len(gap) + len(piece)
    return np.frombuffer(b"".join(pieces), np.uint8)


def _heap_value(generator: Generator, name: str) -> bytes:
    if name == "labels":
        return LABELS[generator.integers(0, len(LABELS))].encode()
    if name == "tunnel_addresses":
        return generator.bytes(32 * int(generator.integers(0, 2)))
    return generator.bytes(int(generator.integers(0, 20)))
