"""Merging by numbers gives what the kernels of whole records give, however records are cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from processors.merge import numbered as merging
from processors.merge.grouped import grouped, merged_frame
from processors.merge.grouped_rules import FIELDS as RULED
from processors.merge.grouped_rules import OBSERVER
from processors.merge.numbered import numbered
from tests.processors.merge.generated import Plan, plans, status_batch
from tests.processors.merge.test_grouped import by_kernels, frame
from topics.frame import ARROW_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FIELDS = (*RULED, *OBSERVER)
COLUMNS = tuple(name for name in ARROW_SCHEMA.names if name in FIELDS and merging.folding_of(name) is not None)
KEYS: tuple[list[str], ...] = ([], ["saddr", "daddr"], ["proto"], ["saddr", "dport"], ["smac", "smpls", "stos"])


class Pieces:
    """Records as they come from files, so many at a time; `asked` says whether anybody wanted them."""

    def __init__(self, records: pl.DataFrame, size: int) -> None:
        self._records, self._size, self.asked = records, size, False

    def __call__(self, asked: Sequence[pl.Expr]) -> Iterator[pl.DataFrame]:
        self.asked = True
        return (piece.select(asked) for piece in self._records.iter_slices(self._size))


@settings(max_examples=25, deadline=None)
@given(plans, st.sampled_from(KEYS), st.booleans(), st.integers(1, 70), st.sampled_from((1, 4, 1 << 10)))
def test_flows_are_those_of_the_kernels(plan: Plan, keys: list[str], correct: bool, size: int, room: int) -> None:
    batch = status_batch(plan)
    expected = by_kernels(batch, keys, correct=correct, aggregates=True).select(COLUMNS)
    records = frame(batch)
    pieces = Pieces(records, size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "ROOM", room)
        found = merged_frame(records.lazy(), keys, COLUMNS, correct=correct, frames=pieces)
    assert pieces.asked
    assert found is not None
    assert_frame_equal(found, expected, categorical_as_str=True)


def test_a_time_that_stands_for_none_is_left_to_others() -> None:
    records = frame(status_batch(Plan(seed=1, count=9, kinds=(0,))))
    for name, time in (("src_first", (1 << 63) - 1), ("src_last", -(1 << 63))):
        far = records.with_columns(pl.lit(time).cast(records.schema[name]).alias(name))
        assert numbered(far.lazy(), [pl.col("src_address")], [name], Pieces(far, 4)) is None
        found = grouped(far.lazy(), ["saddr"], [name], correct=True, frames=Pieces(far, 4)).records
        assert found[name].to_physical().to_list() == [time] * found.height


def test_most_of_what_is_listed_is_merged_by_numbers() -> None:
    assert {"src_packets", "dst_bytes", "records", "src_first", "dst_last", "tcp_state", "protocol"} <= {*COLUMNS}


@pytest.mark.parametrize(
    ("key", "column"),
    [
        ("probe", "src_packets"),  # a category
        ("src_address", "duration_square_sum"),  # a sum of floats
        ("src_address", "dst_address"),  # the prefix that addresses share
        ("src_address", "dst_window"),  # scaled by what another record knows
    ],
)
def test_what_takes_more_than_integers_is_left_to_others(key: str, column: str) -> None:
    records = frame(status_batch(Plan(seed=1, count=9, kinds=(0,))))
    pieces = Pieces(records, 4)
    assert numbered(records.lazy(), [pl.col(key)], [column], pieces) is None
    assert not pieces.asked


def test_a_number_that_is_missing_is_left_to_others() -> None:
    batch = status_batch(Plan(seed=1, count=9, kinds=(0,)))
    records = frame(batch).with_columns(pl.lit(None, pl.Int64).alias("records"))
    assert numbered(records.lazy(), [pl.col("src_address")], ["records"], Pieces(records, 4)) is None
    found = grouped(records.lazy(), ["saddr"], ["records"], correct=True, frames=Pieces(records, 4)).records
    assert found["records"].to_list() == [0] * found.height


def test_where_there_is_no_record_nothing_comes_out() -> None:
    records = frame(status_batch(Plan(seed=1, count=0, kinds=(0,))))
    for pieces in (Pieces(records, 4), lambda _: iter(())):
        assert grouped(records.lazy(), ["saddr"], ["records"], correct=True, frames=pieces).records.height == 0
