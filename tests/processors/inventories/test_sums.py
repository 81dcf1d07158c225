"""Sums by key, and by time: however the rows were cut, and however long the time."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.inventories import sums
from processors.inventories.bins import MOST, SECOND, Binned
from processors.inventories.sums import Sums

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(-100, 100)), max_size=60)


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, cuts=st.integers(1, 7))
def test_sums_are_the_same_however_rows_are_cut(rows: list[tuple[int, int]], cuts: int) -> None:
    whole = pl.DataFrame(rows, schema={"key": pl.Int64, "value": pl.Int64}, orient="row").with_columns(
        low=pl.col("value")
    )
    found = Sums(["key"], {"value": "sum", "low": "min"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums, "SOME", 4)
        for start in range(0, max(1, len(rows)), cuts):
            found.add(whole.slice(start, cuts).lazy())
    expected = whole.group_by("key").agg(pl.col("value").sum(), pl.col("low").min()).sort("key")
    assert found.frame().sort("key").equals(expected)


def test_pieces_of_time_grow_and_lose_nothing() -> None:
    binned = Binned(["key"])
    for second in (500, 0, 7, 10_000, 3):
        binned.add(pl.DataFrame({"key": ["a"], "time": [second * SECOND], "value": [1]}))
    assert binned.bins <= MOST
    assert binned.width >= 10_000 * SECOND // MOST
    assert binned.frame()["value"].sum() == 5


def test_time_that_is_in_no_row_is_no_piece() -> None:
    binned = Binned(["key"])
    binned.add(pl.DataFrame(schema={"key": pl.String, "time": pl.Int64, "value": pl.Int64}))
    assert binned.bins == 0
    assert binned.frame().height == 0
