"""Columns of records are what the records hold, whichever are taken together."""

from __future__ import annotations

import numpy as np
import pytest

from tests.random_batches import random_batch
from topics.columns import BLOCK, join, split
from topics.record import FLOW_DTYPE, empty_records

NAMES = FLOW_DTYPE.names or ()
SOME = ("dst_packets", "src_address", "verdict", "src_bytes", "dst_mac", "duration_square_sum", "src_packets")


@pytest.mark.parametrize("names", [NAMES, SOME, SOME[:1]], ids=["all", "some", "one"])
@pytest.mark.parametrize("step", [1, 3])
def test_columns_hold_the_fields_of_all_records(names: tuple[str, ...], step: int) -> None:
    records = random_batch(5, 2 * BLOCK + 9, heap=False).records[::step]
    columns = split(records, names)
    assert set(columns) == set(names)
    for name, column in columns.items():
        assert column.dtype == FLOW_DTYPE[name].base
        np.testing.assert_array_equal(column, records[name], err_msg=name)


def test_columns_become_the_records_they_were_taken_from() -> None:
    records = random_batch(6, BLOCK + 1, heap=False).records
    again = empty_records(len(records))
    join(again, split(records, NAMES))
    for name in NAMES:
        np.testing.assert_array_equal(again[name], records[name], err_msg=name)


def test_no_records_have_columns_of_no_rows() -> None:
    assert {len(column) for column in split(empty_records(0), NAMES).values()} == {0}
