"""Sums by number, of what `topics.distinct.Numbering` has numbered: as Sums, without looking keys up once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    Rows = np.ndarray[Any, np.dtype[np.int64]]

LIMITS = np.iinfo(np.int64)
NONE_YET = {"sum": 0, "min": LIMITS.max, "max": LIMITS.min}
RULES = {"sum": np.add, "min": np.minimum, "max": np.maximum}


class Tally:
    """Puts columns of integers or times together by number; `values` says of each: a `sum`, a `min` or a `max`."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._found = {name: np.empty(0, np.int64) for name in values}
        self._count = 0

    def add(self, numbers: Rows, rows: pl.DataFrame) -> None:
        """Take rows with the columns of values, and the number of each, 0 or more; nulls say nothing."""
        self._count = max(self._count, int(numbers.max(initial=-1)) + 1)
        for name, rule in self._values.items():
            found = self._found[name] = self._grown(name)
            RULES[rule].at(found, numbers, rows[name].cast(pl.Int64).fill_null(NONE_YET[rule]).to_numpy())

    def frame(self) -> pl.DataFrame:
        """Return the values of each number, in its row: integers of 64 bits, null where there is no least or most."""
        columns = [pl.Series(name, found[: self._count]) for name, found in self._found.items()]
        limited = [name for name, rule in self._values.items() if rule != "sum"]
        nothing = [pl.col(name) != NONE_YET[self._values[name]] for name in limited]
        known = [pl.when(is_known).then(name) for name, is_known in zip(limited, nothing, strict=True)]
        return pl.DataFrame(columns).with_columns(known)

    def _grown(self, name: str) -> Rows:
        """Return what was found so far, with room for all numbers: twice as much whenever there is not enough."""
        found = self._found[name]
        if len(found) >= self._count:
            return found
        more = max(self._count, 2 * len(found)) - len(found)
        return np.concatenate([found, np.full(more, NONE_YET[self._values[name]], np.int64)])
