"""Merging column by column gives what the kernels of whole records give, bit by bit and in their order."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from processors.bins import Series, bin_size
from processors.bins.columns import ColumnSeries
from processors.merge import Aggregation
from processors.merge.lanes import Lane
from tests.processors.merge.generated import Plan, plans, status_batch
from topics.batch import FlowBatch, concatenate, records_like
from topics.frame import ARROW_SCHEMA, to_arrow
from topics.record import HEAP_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from processors.merge.lanes import Rows
    from topics.columns import Column

KEYS: tuple[list[str], ...] = (
    [],
    ["saddr", "daddr"],
    ["proto"],
    ["saddr", "dport"],
    ["srcid", "proto", "sport"],
    ["smac", "smpls", "stos"],
    ["inode", "dtcpb"],
    ["all"],
)
PIECE = 7  # records of a batch


def records(plan: Plan, *, alike: bool) -> FlowBatch:
    """Return records without bytes of variable length; `alike` gives most fields one value."""
    batch = status_batch(plan)
    for name in HEAP_FIELDS:
        batch.records[f"{name}_length"] = 0
    if alike and len(batch):
        for name in ("src_bytes", "dst_tos", "src_mac", "tcp_options", "duration_min", "records", "src_prefix_length"):
            batch.records[name] = batch.records[name][0]
        batch.records["dst_bytes"] = batch.records["dst_packets"] = 0
    return batch


def pieces(batch: FlowBatch) -> Iterator[FlowBatch]:
    for start in range(0, len(batch), PIECE):
        yield batch.select(slice(start, start + PIECE))


def frame(batches: Iterable[pa.RecordBatch]) -> pl.DataFrame:
    return pl.DataFrame(pa.Table.from_batches(batches, ARROW_SCHEMA))


def columns_of(
    batch: FlowBatch, keys: list[str], *, size: str = "", correct: bool = True, aggregates: bool = True
) -> Iterator[pa.RecordBatch] | None:
    data = [to_arrow(piece) for piece in pieces(batch)]
    series = ColumnSeries(
        lambda names: (part.select([name for name in part.schema.names if name in names]) for part in data),
        keys,
        ARROW_SCHEMA.names,
        size=bin_size(size) if size else None,
        correct=correct,
        aggregates=aggregates,
    )
    return series.merged()


def merged(batch: FlowBatch, keys: list[str], **options: bool) -> FlowBatch:
    aggregation = Aggregation(keys, capacity=1 << 6, **options)
    for piece in pieces(batch):
        aggregation.add(piece)
    return aggregation.finish()


@settings(max_examples=30, deadline=None)
@given(plans, st.sampled_from(KEYS), st.booleans(), st.booleans(), st.booleans())
def test_flows_are_those_of_the_kernels(
    plan: Plan, keys: list[str], correct: bool, aggregates: bool, alike: bool
) -> None:
    batch = records(plan, alike=alike)
    found = columns_of(batch, keys, correct=correct, aggregates=aggregates)
    assert found is not None
    expected = merged(batch, keys, correct=correct, aggregates=aggregates)
    assert_frame_equal(frame(found), frame([to_arrow(expected)]), categorical_as_str=True, check_exact=True)


@settings(max_examples=20, deadline=None)
@given(plans, st.sampled_from(KEYS[:4]), st.sampled_from(("7s", "1m", "1d")), st.booleans())
def test_bins_are_those_of_the_kernels(plan: Plan, keys: list[str], size: str, alike: bool) -> None:
    batch = records(plan, alike=alike)
    found = columns_of(batch, keys, size=size)
    assert found is not None
    series = Series(bin_size(size), lambda: Aggregation(keys, capacity=1 << 6))
    given_out = [part for piece in pieces(batch) for _, part in series.add(piece)]
    expected = concatenate([*given_out, *(part for _, part in series.finish())])
    assert_frame_equal(frame(found), frame([to_arrow(expected)]), categorical_as_str=True, check_exact=True)


@pytest.mark.parametrize("keys", [[], ["saddr", "dport"]])
def test_a_table_that_is_full_grows(monkeypatch: pytest.MonkeyPatch, keys: list[str]) -> None:
    monkeypatch.setattr("processors.merge.columns.FIRST_CAPACITY", 2)
    batch = records(Plan(seed=1, count=60, kinds=(0, 2, 7), hosts=3), alike=False)
    found = columns_of(batch, keys)
    assert found is not None
    assert_frame_equal(frame(found), frame([to_arrow(merged(batch, keys))]), categorical_as_str=True, check_exact=True)


@pytest.mark.parametrize("keys", KEYS)
def test_threads_merge_what_one_does(monkeypatch: pytest.MonkeyPatch, keys: list[str]) -> None:
    batch = records(Plan(seed=2, count=60, kinds=(0, 2, 7), hosts=3), alike=False)
    alone = columns_of(batch, keys)
    monkeypatch.setattr("processors.merge.columns.WORTH_THREADS", 0)
    together = columns_of(batch, keys)
    assert alone is not None
    assert together is not None
    assert_frame_equal(frame(together), frame(alone), categorical_as_str=True, check_exact=True)


def test_what_goes_wrong_in_a_thread_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = records(Plan(seed=2, count=60, kinds=(0, 2, 7), hosts=3), alike=False)
    monkeypatch.setattr("processors.merge.columns.WORTH_THREADS", 0)
    original = Lane.add

    def add(self: Lane, column: Column, rows: Rows, changed: Column | None = None) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise MemoryError
        original(self, column, rows, changed)

    monkeypatch.setattr(Lane, "add", add)
    with pytest.raises(MemoryError):
        columns_of(batch, [])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fields")]


@pytest.mark.parametrize("name", HEAP_FIELDS)
def test_bytes_are_left_to_the_kernels(name: str) -> None:
    batch = FlowBatch(records_like(2))
    batch.records[f"{name}_length"] = 1
    assert columns_of(batch.replace(heap=batch.records["flow_id"][0][:1].copy()), []) is None


def test_only_the_fields_asked_for_come_out() -> None:
    data = to_arrow(FlowBatch(records_like(2)))
    asked = list[set[str]]()

    def read(names: set[str]) -> list[pa.RecordBatch]:
        asked.append(names)
        return [data]

    found = ColumnSeries(read, ["proto"], ["src_address", "src_packets", "probe"]).merged()
    assert found is not None
    assert [part.schema.names for part in found] == [["probe", "src_address", "src_packets"]]
    assert "src_bytes" not in asked[0]


@pytest.mark.parametrize("keys", [["saddr/24"], ["matrix"], ["none"], ["sco"]])
def test_keys_that_change_records_are_left_to_the_kernels(keys: list[str]) -> None:
    assert not ColumnSeries.can_merge(keys)
