"""Few rows of many pieces as one: what is to be done with them is done once, not once a piece.

Their codes are the numbers that values have in all files.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from clients.web.columns.making import DOMAIN_OF_KEPT, KEPT
from clients.web.columns.prepared import IDENTITY, ORDERS, Prepared
from processors.summaries.warm import fixed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.web.columns.coded import Columns
    from clients.web.columns.engine import Rows
    from clients.web.columns.prepared import Column

_numbers = itertools.count()


class _Joined(Mapping[str, "Column"]):
    """Columns of several parts after each other, each joined when it is first asked for."""

    def __init__(self, parts: list[Prepared], columns: Columns) -> None:
        self._parts, self._columns = parts, columns
        first = parts[0]
        self._names = {*first.columns, *first.constants} - {*ORDERS.values(), IDENTITY}
        self._joined: dict[str, Column] = {}

    def __getitem__(self, name: str) -> Column:
        """Return a column of all parts."""
        if name not in self._names:
            raise KeyError(name)
        if name not in self._joined:
            self._joined[name] = fixed(np.concatenate([self._of(part, name) for part in self._parts]))
        return self._joined[name]

    def _of(self, part: Prepared, name: str) -> Column:
        own = part.column(name)
        if name in DOMAIN_OF_KEPT:
            own = self._columns.everywhere(part, DOMAIN_OF_KEPT[name])[own].astype(np.uint32)
        return own if len(own) == part.rows else np.repeat(own, part.rows)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a column."""
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the columns."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return how many columns there are."""
        return len(self._names)


def joined(selected: list[Rows], columns: Columns) -> Prepared:
    """Return the rows of pieces as one piece, which is in no file; there is at least one row."""
    parts = [_part(rows) for rows in selected]
    words = {domain: columns.of_domain(domain).words for domain in KEPT}
    for part in parts:
        for domain in KEPT:
            columns.everywhere(part, domain)
    return Prepared(
        name="",
        key=f"joined {next(_numbers)}",
        offset=0,
        rows=sum(part.rows for part in parts),
        first=min(part.first for part in parts),
        last=max(part.last for part in parts),
        columns=_Joined(parts, columns),
        constants={},
        words=words,
        flow_ids=pa.array([], pa.binary(16)),
        made={domain: np.arange(len(known)) for domain, known in words.items()},
        is_piece=False,
    )


def many(rows: Rows) -> int:
    """Return how many rows are selected."""
    return int(np.count_nonzero(rows.mask)) if len(rows.mask) else rows.file.rows


def _part(rows: Rows) -> Prepared:
    return rows.file.chosen(np.flatnonzero(rows.mask)) if len(rows.mask) else rows.file
