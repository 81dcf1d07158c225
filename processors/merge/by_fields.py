"""Merging by fields that the kernel of Aggregation does not compare: countries, vendors, sites, code points, ..."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from processors.merge.aggregation import Aggregation
from processors.merge.key_fields import ALL, KNOWN
from topics.batch import FlowBatch, concatenate
from topics.errors import UsageError
from topics.fields import field, fields
from topics.frame import to_arrow
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_CAPACITY = 1 << 8


class FieldAggregation:
    """An Aggregation for each value of some printable fields; `keys` may name any, besides those of Aggregation.

    The other arguments are Aggregation's. Raises UsageError for an unknown key.
    """

    def __init__(self, keys: Sequence[str], **options: Any) -> None:  # noqa: ANN401 - handed on
        names = [key for key in keys if key.partition("/")[0] not in KNOWN]
        unknown = [name for name in names if name not in fields()]
        if unknown:
            raise UsageError(f"unknown key '{unknown[0]}'{suggestion(unknown[0], {*KNOWN, *fields()})}")
        self._values = [field(name).value().alias(name) for name in names]
        self._columns = {column for value in self._values for column in value.meta.root_names()}
        self._keys = [key for key in keys if key not in names] or [ALL]
        self._options = {"capacity": FIRST_CAPACITY, **options}
        self._groups: dict[tuple[Any, ...], Aggregation] = {}

    def add(self, batch: FlowBatch) -> None:
        """Merge the records of a batch, in order."""
        if not len(batch):
            return
        frame = pl.DataFrame(to_arrow(batch, self._columns)).select(self._values).with_row_index("row")
        for value, rows in frame.group_by(frame.columns[1:], maintain_order=True):
            if value not in self._groups:
                self._groups[value] = Aggregation(self._keys, **self._options)
            self._groups[value].add(batch.select(rows["row"].to_numpy()))

    def finish(self) -> FlowBatch:
        """Return one record a key and begin anew."""
        merged = concatenate([group.finish() for group in self._groups.values()])
        self._groups = {}
        return merged


def aggregation(keys: Sequence[str], **options: Any) -> Aggregation | FieldAggregation:  # noqa: ANN401 - handed on
    """Return what merges by these keys; raises UsageError for an unknown one."""
    if all(key.partition("/")[0] in KNOWN for key in keys):
        return Aggregation(keys, **options)
    return FieldAggregation(keys, **options)
