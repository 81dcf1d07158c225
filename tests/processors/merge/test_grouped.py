"""Merging as a group-by of Polars gives what the kernels give, column by column and in their order."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from processors.merge import Aggregation
from processors.merge.grouped import BYTES_ONLY, can_group, grouped, merged_frame
from tests.processors.merge.generated import Plan, plans, status_batch
from topics.batch import FlowBatch, records_like
from topics.frame import ARROW_SCHEMA, to_arrow

COLUMNS = tuple(name for name in ARROW_SCHEMA.names if name not in BYTES_ONLY)
KEYS: tuple[list[str], ...] = (
    [],
    ["saddr", "daddr"],
    ["proto"],
    ["saddr", "dport"],
    ["srcid", "proto", "sport"],
    ["smac", "smpls", "stos"],
    ["all"],
)


def frame(batch: FlowBatch) -> pl.DataFrame:
    return pl.DataFrame(to_arrow(batch))


def aggregation_of(batch: FlowBatch, keys: list[str]) -> FlowBatch:
    aggregation = Aggregation(keys)
    aggregation.add(batch)
    return aggregation.finish()


def by_kernels(batch: FlowBatch, keys: list[str], *, correct: bool, aggregates: bool) -> pl.DataFrame:
    aggregation = Aggregation(keys, correct=correct, aggregates=aggregates)
    aggregation.add(batch)
    return frame(aggregation.finish()).select(COLUMNS)


@settings(max_examples=60, deadline=None)
@given(plans, st.sampled_from(KEYS), st.booleans(), st.booleans())
def test_flows_are_those_of_the_kernels(plan: Plan, keys: list[str], correct: bool, aggregates: bool) -> None:
    batch = status_batch(plan)
    expected = by_kernels(batch, keys, correct=correct, aggregates=aggregates)
    found = merged_frame(frame(batch).lazy(), keys, COLUMNS, correct=correct, aggregates=aggregates)
    assert found is not None
    assert_frame_equal(found, expected, categorical_as_str=True, check_exact=False, rel_tol=1e-9, abs_tol=1e-5)


@pytest.mark.parametrize("keys", [["proto"], ["proto", "sport"], ["srcid", "dport"]])
def test_what_was_merged_before_is_merged_alike(keys: list[str]) -> None:
    records = records_like(6)
    records["ethertype"] = [0x0800, 0x86DD, 0x0800, 0x86DD, 0x0806, 0]
    records["protocol"], records["src_packets"] = [6, 6, 17, 17, 0, 0], 1
    once = aggregation_of(FlowBatch(records), keys)
    expected = by_kernels(once, keys, correct=False, aggregates=False)
    found = merged_frame(frame(once).lazy(), keys, COLUMNS, correct=False, aggregates=False)
    assert found is not None
    assert_frame_equal(found, expected, categorical_as_str=True, check_exact=False, rel_tol=1e-9, abs_tol=1e-5)


def both_ends() -> FlowBatch:
    """Return two UDP records of one conversation, each end once the source, and one of another."""
    records = records_like(3)
    records["ethertype"], records["protocol"], records["src_packets"] = 0x0800, 17, 1
    records["src_address"][:, 15], records["dst_address"][:, 15] = [1, 2, 1], [2, 1, 3]
    records["src_port"], records["dst_port"] = [53, 5353, 9], [5353, 53, 9]
    return FlowBatch(records)


def test_only_conversations_that_meet_their_other_end_are_left_to_the_kernels() -> None:
    merged = grouped(frame(both_ends()).lazy(), [], ["src_packets"], correct=True)
    assert (merged.records.height, merged.left.height) == (1, 2)
    assert grouped(frame(both_ends()).lazy(), [], ["src_packets"], correct=False).left.height == 0


def test_where_most_is_left_to_the_kernels_nothing_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.merge.grouped.MOST_LEFT", 1)
    assert merged_frame(frame(both_ends()).lazy(), [], ["src_packets"], correct=True) is None


@pytest.mark.parametrize("keys", [["none"], ["matrix"], ["saddr/24"], ["site"]])
def test_keys_that_change_records_are_left_to_the_kernels(keys: list[str]) -> None:
    assert not can_group(keys, ["src_packets"])
    assert not can_group([], ["labels"])
    assert can_group([], ["src_packets"])
