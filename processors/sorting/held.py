"""Frames held in as little memory as their values allow: narrow numbers, and one value for a column without others.

Most counters of most records are small, and many columns say the same everywhere. Memory that is touched for the first
time costs more than the arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

NARROWER = ((pl.UInt8, 1 << 8), (pl.UInt16, 1 << 16), (pl.UInt32, 1 << 32))


class Held:
    """Takes frames of one schema and gives their records back: as they came, or in an order."""

    def __init__(self) -> None:
        self._pieces: list[list[pl.Series]] = []  # of each frame its columns; of one that says the same, its value
        self._heights: list[int] = []
        self._schema: pl.Schema | None = None

    @property
    def height(self) -> int:
        """How many records are held."""
        return sum(self._heights)

    def add(self, frame: pl.DataFrame) -> None:
        """Keep the records of a frame."""
        if frame.height:
            self._schema = frame.schema
            self._pieces.append([_narrow(column) for column in frame.get_columns()])
            self._heights.append(frame.height)

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the frames as they came, and let them go."""
        while self._pieces:
            piece, height = self._pieces.pop(0), self._heights.pop(0)
            yield self._typed([_whole(column, height) for column in piece])

    def in_order(self, order: pl.Series, at_once: int) -> Iterator[pl.DataFrame]:
        """Yield all records in the order of these rows, so many at a time, and let them go."""
        columns = self._joined()
        same = {column.name: column for column in columns if len(column) < len(order)}
        others = pl.DataFrame([column for column in columns if column.name not in same])
        for start in range(0, len(order), at_once):
            rows = order.slice(start, at_once)
            part = others.select(pl.all().gather(rows))
            yield self._typed(
                [same[n].new_from_index(0, len(rows)) if n in same else part[n] for n in self._schema or ()]
            )

    def _joined(self) -> list[pl.Series]:
        """Return each column of all frames as one, or as the one value it has."""
        (pieces, heights), (self._pieces, self._heights) = (self._pieces, self._heights), ([], [])
        joined = []
        for column in range(len(pieces[0]) if pieces else 0):
            parts = [piece[column] for piece in pieces]
            for piece in pieces:
                piece[column] = parts[0].clear()
            if all(len(part) == 1 for part in parts) and all(part[0] == parts[0][0] for part in parts):
                joined.append(parts[0])
                continue
            widest = max((part.dtype for part in parts), key=_width)
            joined.append(pl.concat([_whole(p, h).cast(widest) for p, h in zip(parts, heights, strict=True)]).rechunk())
        return joined

    def _typed(self, columns: list[pl.Series]) -> pl.DataFrame:
        return pl.DataFrame(columns).cast(dict(self._schema or {}))  # type: ignore[arg-type]  # names and types


def _width(kind: pl.DataType) -> int:
    """Return a number that is larger for integers into which more values fit."""
    return next((place for place, (narrow, _) in enumerate(NARROWER) if kind == narrow), len(NARROWER))


def _whole(column: pl.Series, height: int) -> pl.Series:
    return column if len(column) == height else column.new_from_index(0, height)


def _narrow(column: pl.Series) -> pl.Series:
    """Return a column in the narrowest type that holds it, or just its value when it has no other."""
    if column.null_count():
        return column
    if bool((column == column.head(1)).all()):
        return column.head(1).gather([0])  # a slice would keep the whole column in memory
    if column.dtype.is_integer():
        least, most = column.min(), column.max()
        for narrow, end in NARROWER:
            if int(least) >= 0 and int(most) < end:  # type: ignore[arg-type]  # of integers
                return column.cast(narrow)
    return column
