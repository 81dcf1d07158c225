"""Aggregation against the model, and what the model does not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from processors.merge import Aggregation
from tests.processors.merge import model
from tests.processors.merge.generated import Plan, cuts, plans, status_batch
from tests.processors.merge.totals import totals
from tests.random_batches import random_batch
from topics.batch import FlowBatch, concatenate, records_like

if TYPE_CHECKING:
    from collections.abc import Sequence


def comparable(records: list[model.Record]) -> list[model.Record]:
    """Floating point sums may differ in the last bit between a vector unit and Python, nothing else."""
    for record in records:
        for name, value in record.items():
            if isinstance(value, float):
                record[name] = pytest.approx(value, rel=1e-12)
    return records


def merged(batch: FlowBatch, places: Sequence[int] = (), **options: Any) -> FlowBatch:
    aggregation = Aggregation(**options)
    for piece in cuts(batch, list(places)):
        aggregation.add(piece)
    return aggregation.finish()


@settings(max_examples=150, deadline=None)
@given(plans, st.booleans())
def test_flows_are_those_of_the_model(plan: Plan, correct: bool) -> None:
    batch = status_batch(plan, sane_lengths=plan.seed % 2 == 0)
    expected = model.aggregate(model.records_of(batch), correct=correct)
    assert model.records_of(merged(batch, correct=correct)) == comparable(expected)


@settings(max_examples=60, deadline=None)
@given(plans, st.sampled_from([0, 1, 20, 60]), st.sampled_from([0, 1, 20, 60]))
@example(Plan(seed=0, count=35, kinds=(0,), hosts=1, seconds=1, heap=True), 0, 1)  # a heap that grows after an end
def test_flows_end_by_their_age_and_when_they_are_idle(plan: Plan, status: int, idle: int) -> None:
    batch = status_batch(plan)
    status, idle = status * model.SECOND, idle * model.SECOND
    expected = model.aggregate(model.records_of(batch), status=status, idle=idle)
    assert model.records_of(merged(batch, status=status, idle=idle)) == comparable(expected)


@settings(max_examples=50, deadline=None)
@given(plans, st.lists(st.integers(0, 100), max_size=5))
def test_batching_changes_nothing(plan: Plan, places: list[int]) -> None:
    batch = status_batch(plan)
    assert model.records_of(merged(batch, places)) == model.records_of(merged(batch))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 40))
def test_any_record_at_all_is_merged_or_kept(seed: int, count: int) -> None:
    """Every field over its whole range: counters wrap as int64 do, nothing raises and nothing is lost."""
    batch = random_batch(seed, count)
    twice = concatenate([batch, batch.select(slice(None, None, -1))])
    flows = merged(twice)
    assert len(flows) <= count
    assert totals([flows]) == totals([twice])


def test_both_directions_of_equal_ends_are_one_flow() -> None:
    records = records_like(3)
    records["ethertype"], records["protocol"], records["src_port"], records["dst_port"] = 0x0800, 17, 53, 53
    records["src_packets"] = 1
    assert merged(FlowBatch(records)).records["src_packets"].tolist() == [3]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 2, 3), (1, 2, 3, 0)])
def test_the_scale_of_a_window_is_kept_for_records_that_have_not_seen_the_syn(order: tuple[int, ...]) -> None:
    """A connection that was idle for longer than its timeout comes back without its scale, and may only be reset."""
    records = records_like(4)
    records["ethertype"], records["protocol"], records["src_port"], records["dst_port"] = 0x0800, 6, 40000, 80
    records["src_packets"] = 1
    records["src_window"], records["src_window_shift"] = (65280, 256, 255, 0), (8, 0, 0, 0)
    flows = merged(FlowBatch(records[list(order)])).records
    assert flows["src_window"].tolist() == [65280]
    assert flows["src_window_shift"].tolist() == [8]


def test_it_may_be_used_again_after_finish() -> None:
    batch = status_batch(Plan(seed=3, count=40, kinds=(0, 2)))
    aggregation = Aggregation()
    rounds = []
    for _ in range(2):
        aggregation.add(batch)
        rounds.append(model.records_of(aggregation.finish()))
    assert rounds[0] == rounds[1]
    assert aggregation.finish().records.size == 0


def test_many_flows_outgrow_the_first_table() -> None:
    count = 300_000
    records = records_like(count)
    records["ethertype"], records["protocol"] = 0x0800, 17
    records["src_address"][:, 12:] = np.arange(count, dtype=">u4").view(np.uint8).reshape(-1, 4)
    records["src_packets"] = np.arange(count)
    aggregation = Aggregation()
    aggregation.add(FlowBatch(records))
    aggregation.add(FlowBatch(records))
    flows = aggregation.finish()
    assert aggregation.counters == {"records": 0, "flows": 0, "reversed": 0}
    assert (flows.records["src_packets"] == 2 * np.arange(count)).all()


def test_flows_come_in_the_order_of_their_last_record() -> None:
    """As racluster 3.0.8.2 has them: it keeps its queue in that order."""
    records = records_like(5)
    records["ethertype"], records["protocol"] = 0x0800, 17
    records["src_port"] = [1, 2, 3, 1, 2]
    assert merged(FlowBatch(records)).records["src_port"].tolist() == [3, 1, 2]


def test_header_and_observers_survive() -> None:
    batch = random_batch(7, 20)
    flows = merged(batch)
    assert (flows.site, flows.probe, flows.observers) == (batch.site, batch.probe, batch.observers)


def test_input_is_left_alone() -> None:
    batch = status_batch(Plan(seed=5, count=50, kinds=(0, 1, 2)))
    before = batch.records.copy()
    for keys in ((), ("saddr/8",), ("matrix",), ("none",)):
        aggregation = Aggregation(keys, aggregates=False, preserve=False, rmon=not keys)
        aggregation.add(batch)
        aggregation.finish()
    assert (batch.records == before).all()


def test_records_in_read_only_memory_are_merged_too() -> None:
    batch = status_batch(Plan(seed=5, count=50, kinds=(0, 1, 2), heap=False))
    frozen = np.frombuffer(batch.records.tobytes(), batch.records.dtype)
    assert model.records_of(merged(batch.replace(records=frozen))) == model.records_of(merged(batch))
