"""What comes again and again is worked out once: expressions over the different rows of a frame, then spread over all.

This is for what costs much a row: payloads that are decoded, long texts that are made fit to be shown.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Rows = np.ndarray[Any, np.dtype[np.int64]]

FEW = 1 << 14  # rows; with fewer it is as well to work all of them out
WORTH = 2  # it is worth it while no more than one row in so many is different


def spread(frame: pl.DataFrame, expression: pl.Expr) -> pl.Series:
    """Return the values of an expression over a frame, of which it needs all columns."""
    alike = None if frame.height < FEW else rows_alike(frame.get_columns(), frame.height // WORTH)
    if alike is None:
        return frame.select(expression).to_series()
    places, first = alike
    return frame[first].select(expression).to_series().gather(places)


def rows_alike(columns: Sequence[pl.Series], most: int) -> tuple[Rows, Rows] | None:
    """Return of each row which of the different rows it is, of shape (rows,), and where each of those stands first.

    None where there are more than `most` different rows. The columns are of one length, which is not 0.
    """
    frame = pl.DataFrame(columns)
    if frame.height < FEW:
        places, first = _compared(frame)
        return (places, first) if len(first) <= most else None
    places, first = _encoded(frame.hash_rows())
    if len(first) > most:
        return None
    if not _is_of(columns, places, first):
        places, first = _compared(frame)
    return (places, first) if len(first) <= most else None


def every_row_alike(columns: Sequence[pl.Series]) -> tuple[Rows, Rows]:
    """Return what `rows_alike` does, however many rows are different."""
    alike = rows_alike(columns, len(columns[0]))
    assert alike is not None  # noqa: S101 - there are never more different rows than rows
    return alike


class Numbering:
    """Gives rows that are alike one number, over frames that come one after the other: 0, 1, ... as they come."""

    def __init__(self) -> None:
        self.known: pl.DataFrame | None = None  # the row of each number

    def numbers(self, frame: pl.DataFrame) -> Rows:
        """Return the number of each row, of shape (rows,); frames have the same columns, and some rows."""
        varying = [column for column in frame.get_columns() if not says_one(column)]
        places, first = every_row_alike(varying or frame.get_columns()[:1])
        fresh = frame[first]
        both = fresh if self.known is None else pl.concat([self.known, fresh])
        numbers, once = every_row_alike(both.get_columns())  # those known already keep theirs
        self.known = both[once]
        found: Rows = numbers[len(both) - len(fresh) :][places]
        return found


def says_one(column: pl.Series) -> bool:
    """Tell whether all values are the same; those of a column with holes are not."""
    if column.null_count() or column.first() != column.last():
        return False
    return bool((column == column.head(1)).all())


def _encoded(values: pl.Series) -> tuple[Rows, Rows]:
    """Return of each word which of the different ones it is, in the order they come, and where each stands first.

    Each word is given a slot; the first row there is met by all that came to it. Words that met another one, which in
    a table twice as large as the rows are few, get other slots, until each has met itself.
    """
    import numpy as np  # late: a listing of a few records does without

    words = values.to_numpy()
    left, pending = words, np.arange(len(words), dtype=np.int32)  # half the memory of words; no frame has more rows
    met = np.empty_like(pending)
    bits = len(words).bit_length() + 1
    table = np.empty(1 << bits, np.int32)
    while len(pending):
        multiplier = np.uint64(int.from_bytes(os.urandom(8)) | 1)  # so that nobody can send what shares slots
        slots = ((left * multiplier) >> np.uint64(64 - bits)).view(np.int64)
        table[slots[::-1]] = pending[::-1]  # of rows in one slot the last one stays, so the first
        there = table[slots]
        met[pending] = there
        pending = pending[np.flatnonzero(words[there] != left)]
        left = words[pending]
    first = np.flatnonzero(met == np.arange(len(words), dtype=np.int32))
    places = np.empty(len(words), np.int64)
    places[first] = np.arange(len(first))
    return places[met], first


def _is_of(columns: Sequence[pl.Series], places: Rows, first: Rows) -> bool:
    """Tell whether each row is what the first of its kind is: hashes are alike where rows are, and by chance."""
    return all(column.eq_missing(column[first].gather(places)).all() for column in columns)


def _compared(frame: pl.DataFrame) -> tuple[Rows, Rows]:
    """Return what `rows_alike` does by comparing rows themselves, which takes longer."""
    names = [str(place) for place in range(frame.width)]
    named = frame.rename(dict(zip(frame.columns, names, strict=True))).with_row_index("row")
    different = named.unique(names, keep="first", maintain_order=True).with_row_index("place")
    places = named.join(different, on=names, how="left", nulls_equal=True, maintain_order="left")["place"]
    return places.cast(pl.Int64).to_numpy(), different["row"].cast(pl.Int64).to_numpy()
