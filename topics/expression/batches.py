"""Values over a batch in memory: only the columns they are made of are taken out of its records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from topics.expression.polars import polars
from topics.expression.value import column_names
from topics.frame import to_arrow

if TYPE_CHECKING:
    from topics.batch import FlowBatch
    from topics.expression.value import Value


def values_of(value: Value, batch: FlowBatch) -> np.ndarray[tuple[int], Any]:
    """Return a value of each record, shape (n,)."""
    names = column_names(value)
    if not names:
        constant = pl.select(polars(value)).item()
        return np.full(len(batch), constant)
    frame = pl.DataFrame(to_arrow(batch, names))
    return frame.select(polars(value)).to_series().to_numpy()
