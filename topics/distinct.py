"""What comes again and again is worked out once: expressions over the different rows of a frame, then spread over all.

This is for what costs much a row: payloads that are decoded, long texts that are made fit to be shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Rows = np.ndarray[Any, np.dtype[np.int64]]

FEW = 1 << 14  # rows; with fewer it is as well to work all of them out
WORTH = 2  # it is worth it while no more than one row in so many is different
SMALL = 1 << 20  # numbers no farther apart are taken as they are
WIDEST = 1 << 62
ADDRESS = 16


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
    import numpy as np  # late: a listing of a few records does without

    places, number = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        for values, different in _numbers(column):
            if different == 1:
                continue
            if number * different > WIDEST:
                places, number = _encoded(places)
            places, number = places * different + values, number * different
    if number > 1:
        places, number = _encoded(places)
    if number > most:
        return None
    first = np.empty(number, np.int64)
    first[places[::-1]] = np.arange(len(places) - 1, -1, -1)  # of places alike the last one stays, so the first row
    return places, first


def every_row_alike(columns: Sequence[pl.Series]) -> tuple[Rows, Rows]:
    """Return what `rows_alike` does, however many rows are different."""
    alike = rows_alike(columns, len(columns[0]))
    assert alike is not None  # noqa: S101 - there are never more different rows than rows
    return alike


def _numbers(column: pl.Series) -> list[tuple[Any, int]]:
    """Return numbers that are alike where the values of a column are, and how many of them there may be."""
    import numpy as np

    physical = column.to_physical()
    if not column.null_count():
        if physical.dtype.is_integer():
            numbers = physical.to_numpy()
            low, high = int(numbers.min()), int(numbers.max())
            return [((numbers - low).astype(np.int64), high - low + 1)] if high - low < SMALL else [_encoded(numbers)]
        if physical.dtype == pl.Binary:
            return _octets(physical)
    return [_encoded(physical.to_arrow())]


def _octets(column: pl.Series) -> list[tuple[Any, int]]:
    """Return what `_numbers` does of a column of bytes: an address is two numbers, of which one is mostly the same."""
    import numpy as np

    values = column.to_arrow()
    _, offsets, data = values.buffers()
    ends = np.frombuffer(offsets, np.int64, len(values) + 1, 8 * values.offset)
    if (np.diff(ends) != ADDRESS).any():
        return [_encoded(values)]
    words = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]].view(np.int64).reshape(-1, 2)
    return [_encoded(word) for word in words.T if word.min() != word.max()]


def _encoded(values: Any) -> tuple[Rows, int]:  # noqa: ANN401 - of NumPy or Arrow
    """Return the number of each value among the different ones, and how many these are; nothing is a value too."""
    import numpy as np
    import pyarrow as pa

    words = (pa.array(values) if isinstance(values, np.ndarray) else values).dictionary_encode(null_encoding="encode")
    return words.indices.to_numpy().astype(np.int64), len(words.dictionary)
