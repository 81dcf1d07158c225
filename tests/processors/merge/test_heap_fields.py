"""Payload, histograms, labels and tunnel addresses: what lies in the heap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from processors.merge import Aggregation, FlowMerge
from processors.merge.labels import united
from tests.processors.merge import model
from tests.processors.merge.test_stream import end, udp
from topics.batch import FlowBatch, concatenate
from topics.histograms import COUNTS, IDLE, SIZES, counts_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def with_heap(second: float, port: int = 1, **values: bytes) -> FlowBatch:
    batch = udp(second, port=port)
    heap = b"".join(values.values())
    start = 0
    for name, value in values.items():
        batch.records[f"{name}_offset"], batch.records[f"{name}_length"] = start, len(value)
        start += len(value)
    return batch.replace(heap=np.frombuffer(heap, np.uint8))


def flow_of(batches: Sequence[FlowBatch]) -> model.Record:
    """The one flow of some batches; both users of the merge agree on it."""
    aggregation, merge, out = Aggregation(), FlowMerge(), []
    for batch in batches:
        aggregation.add(batch)
        out += merge.process(batch)
    out += merge.process(end(batches[0]))
    (flow,) = (record for part in out for record in model.records_of(part))
    assert model.records_of(aggregation.finish()) == [flow]
    return flow


def test_payload_is_appended_up_to_its_bound() -> None:
    flow = flow_of([with_heap(second, src_payload=bytes([65 + second]) * 600, dst_payload=b"z") for second in range(9)])
    assert flow["src_payload"] == b"".join(bytes([65 + second]) * 600 for second in range(4))[:2048]
    assert flow["dst_payload"] == b"z" * 9


def test_labels_are_united() -> None:
    texts = (b"country=nl:as=1", b"country=de:as=1", b"", b"country=nl:as=1", b"process=curl", b"country=de:as=1")
    flow = flow_of([with_heap(second, labels=text) for second, text in enumerate(texts)])
    assert flow["labels"] == b"country=nl,de:as=1:process=curl"


def test_a_label_that_begins_like_another_is_not_taken_for_it() -> None:
    flow = flow_of([with_heap(second, labels=text) for second, text in enumerate((b"a=10", b"a=1", b"a=0", b"a=1"))])
    assert flow["labels"] == b"a=10,1,0"


def test_labels_beyond_all_bounds_are_dropped_whole() -> None:
    flow = flow_of([with_heap(second, labels=text) for second, text in enumerate((b"a=1", b"b=" + b"x" * 70_000))])
    assert flow["labels"] == b"a=1"


def test_odd_labels_are_kept_as_they_are_named() -> None:
    assert united(b"::a:b=,,:=x\0a=:b=1") == b"a:b=1:=x:a="


def test_tunnel_addresses_are_those_seen_first() -> None:
    values = (b"", b"1" * 32, b"2" * 32)
    flow = flow_of([with_heap(second, tunnel_addresses=value) for second, value in enumerate(values)])
    assert flow["tunnel_addresses"] == b"1" * 32


def vector(*counts: int) -> bytes:
    return np.array(counts + (0,) * (COUNTS - len(counts)), "<u4").tobytes()


def test_histograms_are_added_up() -> None:
    values = (vector(1, 2, 300), b"", vector(0, 5, 70_000), vector(*[2**31] * COUNTS))
    flow = flow_of([with_heap(second, dst_histograms=value) for second, value in enumerate(values)])
    assert counts_of(flow["dst_histograms"], SIZES) == [2**31 + 1, 2**31 + 7, 2**31 + 70_300, *[2**31] * 5]
    assert counts_of(flow["dst_histograms"], IDLE) == [2**31] * 8


def test_counts_stay_at_their_largest() -> None:
    values = (vector(2**32 - 2, 1), vector(5, 1), vector(5, 1))
    flow = flow_of([with_heap(second, src_histograms=value) for second, value in enumerate(values)])
    assert counts_of(flow["src_histograms"], SIZES)[:2] == [2**32 - 1, 3]


def test_histograms_of_several_flows_do_not_touch_each_other() -> None:
    shared = np.frombuffer(vector(1) + b"." + vector(2), np.uint8)
    batches = [udp(0, port=1), udp(0, port=2), udp(1, port=1), udp(1, port=2)]
    whole = concatenate(batches).replace(heap=shared)
    whole.records["src_histograms_length"] = len(vector())
    whole.records["src_histograms_offset"] = [0, 0, 97, 0]
    aggregation = Aggregation()
    aggregation.add(whole)
    counts = [record["src_histograms"][0] for record in model.records_of(aggregation.finish())]
    assert sorted(counts) == [2, 3]


def test_a_reversed_record_brings_its_histograms_to_the_other_side() -> None:
    there, back = with_heap(0, src_histograms=vector(1)), with_heap(1, src_histograms=vector(2))
    there.records["src_port"], back.records["dst_port"], back.records["src_port"] = 1, 1, 0
    flow = flow_of([there, back])
    assert (flow["src_histograms"], flow["dst_histograms"]) == (vector(1), vector(2))


def test_a_reversed_record_brings_its_payload_to_the_other_side() -> None:
    there, back = with_heap(0, src_payload=b"ping"), with_heap(1, src_payload=b"pong", dst_payload=b"!")
    there.records["src_port"], back.records["dst_port"], back.records["src_port"] = 1, 1, 0
    flow = flow_of([there, back])
    assert (flow["src_payload"], flow["dst_payload"]) == (b"ping!", b"pong")


def test_offsets_outside_the_heap_are_nothing() -> None:
    batch = with_heap(0, src_payload=b"abc", labels=b"x=1")
    batch.records["src_payload_offset"], batch.records["labels_length"] = 2**32 - 1, 2**32 - 1
    flow = flow_of([batch, with_heap(1, labels=b"y=2")])
    assert (flow["src_payload"], flow["labels"]) == (b"", b"y=2")


def test_heaps_of_many_flows_are_compacted_and_kept() -> None:
    """Ten rounds of flows that leave: the heap of the table has to drop what is gone."""
    merge, out = FlowMerge(), []
    for second in range(0, 400, 40):
        flows = [with_heap(second, port=port, src_payload=b"%d:%d" % (second, port) * 20) for port in range(100)]
        out += merge.process(concatenate(flows))
    out += merge.flush()
    found = [record["src_payload"] for part in out for record in model.records_of(part)]
    assert sorted(found) == sorted(
        b"%d:%d" % (second, port) * 20 for second in range(0, 400, 40) for port in range(100)
    )
    assert len(merge.sources) == 0
