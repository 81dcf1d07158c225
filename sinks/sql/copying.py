"""A frame of rows as the stream of PostgreSQL's binary COPY.

The format is that of PostgreSQL's manual (COPY, "Binary Format") and of its types' receive functions: the server reads
numbers instead of parsing text, which is half of what it does for a row of 143 columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

from sinks.sql.copy_kernel import ADDRESS, BIG, INTEGER, OCTETS6, OCTETS16, SMALL, TEXT, most_bytes, write_rows
from sinks.sql.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sinks.sql.layout import Kind

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
AT_ONCE = 1024  # rows that are turned at a time: some 1.5 MB, which stay in the cache
EPOCH = 946_684_800_000_000  # us from 1970 to 2000, where PostgreSQL's times begin
KINDS: dict[Kind, int] = {
    "id": OCTETS16,
    "small": SMALL,
    "integer": INTEGER,
    "big": BIG,
    "double": BIG,
    "time": BIG,
    "text": TEXT,
    "address": ADDRESS,
    "mac": OCTETS6,
    "bytes": TEXT,
}
OCTETS: dict[Kind, int] = {"id": 16, "address": 16, "mac": 6}
LONGEST = 16
NUMBERS: tuple[Kind, ...] = ("small", "integer", "big")
ZEROS = ("0", "'0'::smallint", "'0'::integer", "'0'::bigint")  # as PostgreSQL shows the default of a column
Array = np.ndarray[Any, Any]


def as_binary(rows: pl.DataFrame, layout: Layout) -> Iterator[memoryview]:
    """Yield the stream that COPY takes for rows with the columns of a layout (see rows.py), in pieces.

    A NUL, which PostgreSQL's text cannot hold, becomes U+FFFD. Raises ValueError for an id or address of
    another length.
    """
    columns = _Columns(rows, layout)
    yield memoryview(HEADER)
    for first in range(0, len(rows), AT_ONCE):
        yield columns.written(first, min(first + AT_ONCE, len(rows)))
    yield memoryview(END)


def telling(rows: pl.DataFrame, layout: Layout, defaults: Mapping[str, str | None]) -> Layout:
    """Return the layout without the columns that are in all rows what the table takes where nothing is said.

    Of most traffic that is a third of 143 columns (no tunnels, no VLANs, no labels), which the server then does not
    have to read.
    """
    nulls = rows.null_count().row(0, named=True)
    numbers = [name for name, kind in layout.kinds.items() if kind in NUMBERS and not nulls[name]]
    zeros = rows.select((pl.col(name) == 0).all() for name in numbers).row(0, named=True) if numbers else {}

    def is_said(name: str) -> bool:
        default = defaults[name]
        return nulls[name] < len(rows) if default is None else not (zeros.get(name) and default in ZEROS)

    columns = tuple(column for column in layout.columns if column.name in layout.key or is_said(column.name))
    return Layout(columns or layout.columns[:1], layout.key, layout.merge_by)


class _Columns:
    """The columns of a frame as arrays, which the kernel gets by pieces, put together by their types."""

    def __init__(self, rows: pl.DataFrame, layout: Layout) -> None:
        kinds = layout.kinds
        filled = rows.select(
            _filled(name, kind) for name, kind in kinds.items()
        )  # at once: each call costs as a column
        self._kinds = np.array([KINDS[kind] for kind in kinds.values()], np.uint8)
        self._present = {
            place: rows[name].is_not_null().to_numpy() for place, name in enumerate(kinds) if rows[name].null_count()
        }
        self._values: list[Array] = []
        self._octets: list[Array] = []
        self._texts: list[tuple[Array, Array]] = []
        self._numbers = np.zeros(len(kinds), np.int64)
        for place, (name, kind) in enumerate(kinds.items()):
            self._numbers[place] = self._take(filled[name], kind)

    def _take(self, column: pl.Series, kind: Kind) -> int:
        """Add a column to those of its kind, and return which of them it is."""
        if kind in ("text", "bytes"):
            self._texts.append(_places(column))
            return len(self._texts) - 1
        if kind in OCTETS:
            self._octets.append(_octets(column, OCTETS[kind]))
            return len(self._octets) - 1
        values = column.to_numpy()
        self._values.append(values.view(np.int64) if kind == "double" else values)
        return len(self._values) - 1

    def written(self, first: int, last: int) -> memoryview:
        """Return these rows as the stream has them."""
        count = last - first
        present = np.ones((len(self._kinds), count), np.bool_)
        for place, column in self._present.items():
            present[place] = column[first:last]
        values = np.empty((len(self._values), count), np.int64)
        for number, column in enumerate(self._values):
            values[number] = column[first:last]
        octets = np.zeros((len(self._octets), count, LONGEST), np.uint8)
        for number, column in enumerate(self._octets):
            octets[number, :, LONGEST - column.shape[1] :] = column[first:last]
        offsets, texts = self._joined(first, last)
        out = np.empty(most_bytes(self._kinds, self._numbers, offsets), np.uint8)
        size = write_rows(self._kinds, self._numbers, present, values, octets, offsets, texts, out)
        return out.data[:size]

    def _joined(self, first: int, last: int) -> tuple[Array, Array]:
        """Return the texts of all columns one after the other, and where each is."""
        offsets = np.zeros((len(self._texts), last - first + 1), np.int64)
        parts, length = [np.zeros(0, np.uint8)], 0
        for number, (places, heap) in enumerate(self._texts):
            begin, end = places[first], places[last]
            offsets[number] = places[first : last + 1] + (length - begin)
            parts.append(heap[begin:end])
            length += int(end - begin)
        return offsets, np.concatenate(parts)


def _filled(name: str, kind: Kind) -> pl.Expr:
    """Return a column as the kernel takes it, with something where it is NULL."""
    column = pl.col(name)
    if kind in ("text", "bytes"):
        text = column.cast(pl.String).str.replace_all("\0", "\ufffd", literal=True).cast(pl.Binary)
        return (text if kind == "text" else column).fill_null(b"")
    if kind == "mac":
        column = column.str.replace_all(":", "", literal=True).str.decode("hex")
    if kind in OCTETS:
        return column.fill_null(bytes(OCTETS[kind]))
    if kind == "time":
        return (column.dt.timestamp("us") - EPOCH).fill_null(0)
    return column.cast(pl.Float64).fill_null(0.0) if kind == "double" else column.fill_null(0)


def _octets(column: pl.Series, size: int) -> Array:
    places, heap = _places(column)
    if (np.diff(places) != size).any():
        raise ValueError(f"column '{column.name}' has values that are not {size} bytes long")
    return heap.reshape(-1, size)


def _places(column: pl.Series) -> tuple[Array, Array]:
    """Return where each value begins and ends, and the bytes of all."""
    array = column.to_arrow(compat_level=pl.CompatLevel.oldest())
    assert array.type == pa.large_binary()  # noqa: S101 - what Polars promises of that level
    _, offsets, data = array.buffers()
    places = np.frombuffer(offsets, np.int64, len(array) + 1, array.offset * 8)
    whole = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return places - places[0], whole[places[0] : places[-1]]


def warm_up() -> None:
    """Compile the kernel."""
    from sinks.sql.layout import whole
    from sinks.sql.rows import rows
    from topics.batch import FlowBatch, records_like

    for _ in as_binary(rows(FlowBatch(records=records_like(1)), whole()), whole()):
        pass
