"""The least and the greatest of values, some of which are missing."""

import polars as pl
import pytest

from topics.expression.polars import polars
from topics.expression.value import col, greatest, least

COLUMNS = ("src_packets", "dst_packets", "src_bytes")
VALUES = (None, -(1 << 63), -1, 0, 1, (1 << 63) - 1)


@pytest.mark.parametrize("number", [2, 3])
def test_what_is_missing_is_neither_the_least_nor_the_greatest(number: int) -> None:
    names = COLUMNS[:number]
    rows = [(one, other, 0) for one in VALUES for other in VALUES]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.Int64()), orient="row").select(names)
    values = [col(name) for name in names]
    found = frame.select(polars(least(*values)).alias("least"), polars(greatest(*values)).alias("greatest"))
    known = [[value for value in row if value is not None] for row in frame.rows()]
    assert found.rows() == [(min(row, default=None), max(row, default=None)) for row in known]
