"""Conditions over batches in memory: only the columns they are made of are taken out of the records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from topics.expression.polars import polars
from topics.expression.value import column_names
from topics.frame import to_arrow

if TYPE_CHECKING:
    from topics.batch import FlowBatch
    from topics.expression.value import Value


class Mask:
    """Tells which records of batches meet a condition. Building one costs more than a batch does: keep it."""

    def __init__(self, condition: Value) -> None:
        self._columns = column_names(condition)
        self._expression = polars(condition)

    def __call__(self, batch: FlowBatch) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which records meet the condition, shape (n,), bool."""
        if not self._columns:
            return np.full(len(batch), pl.select(self._expression).item(), np.bool_)
        frame = pl.DataFrame(to_arrow(batch, self._columns))
        return frame.select(self._expression).to_series().to_numpy()
