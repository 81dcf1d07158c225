"""Sums by key over frames that come one after the other: memory follows the keys, not the records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polars.datatypes import DataType, DataTypeClass

    Schema = dict[str, DataType | DataTypeClass]

SOME = 1 << 18  # rows of partial sums that may wait, or as many as there are keys so far
RULES = {"sum": pl.Expr.sum, "min": pl.Expr.min, "max": pl.Expr.max, "first": pl.Expr.first}


class Sums:
    """Adds up columns by `keys`; `values` says of each whether it is a `sum`, a `min`, a `max` or the `first`."""

    def __init__(self, keys: Sequence[str], values: Mapping[str, str]) -> None:
        self._keys, self._values = list(keys), merged(values)
        self._parts: list[pl.DataFrame] = []
        self._waiting = 0

    @property
    def is_used(self) -> bool:
        """Whether anything was added."""
        return bool(self._parts)

    def add(self, rows: pl.LazyFrame) -> None:
        """Take rows with the columns of keys and values, whichever others they have; all must have the same types."""
        part = rows.group_by(self._keys).agg(self._values).collect(engine="streaming")
        if not part.height and self._parts:
            return
        self._parts.append(part)
        self._waiting += part.height
        if len(self._parts) > 1 and self._waiting > max(SOME, self._parts[0].height):
            self._join()

    def frame(self) -> pl.DataFrame:
        """Return a row for each key, in no particular order; something has to have been added, be it empty."""
        if len(self._parts) > 1:
            self._join()
        return self._parts[0]

    def _join(self) -> None:
        joined = pl.concat(self._parts, rechunk=False).lazy().group_by(self._keys).agg(self._values)
        self._parts, self._waiting = [joined.collect(engine="streaming")], 0


def merged(values: Mapping[str, str]) -> list[pl.Expr]:
    """Return what puts columns together by their rules, as Sums has them."""
    return [RULES[rule](pl.col(name)) for name, rule in values.items()]
