"""Many lines of a listing at once, by kernels: the same bytes as clients/listing/lines.py makes of texts.

Numbers and times of day are written from their integers. Texts are made of the records that differ in what decides
them (topics/rows/keys.py), once for all frames, and copied. What neither can be said of is made into text first.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from clients.ahead import ahead
from clients.listing.texts import AllTexts
from topics.fields.formats import TIME, local_time
from topics.native import Native, address_of
from topics.rows.kinds import BLANK, CLOCK, MARGIN, NUMBER, PIECE, TEXT

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from clients.listing.texts import Numbered, Numbers
    from topics.fields import Field, Style
    from topics.fields.field import Digits

AT_ONCE = 1 << 18  # rows of which columns are worked out and numbered: to get expressions ready takes 10 to 20 ms
STEP = 1 << 16  # rows of which lines are made
STEPS = 2  # that there are at a time: one is written, another one is got ready
CELL = "cell"
EXACT = (pl.Int64(), pl.UInt8(), pl.UInt16(), pl.UInt32())  # types that NumPy makes int64 of by itself
UNLIKE = 24  # more, or the columns of a row would all want the same places of the cache
OUTPUT = 1 << 22  # bytes
END = (1 << 63) - 1
ZONES = 15 * 3600 * 10**9  # ns that local time is at most ahead or behind
WIDEST_NUMBER = 40  # digits, sign, point, before it is cut
_write_rows = Native("topics.rows.writing_kernel", "write_rows", 14)


class _Written(NamedTuple):
    """A column of a block: its kind for the kernel, its digits behind the point, the most bytes of it in a row."""

    kind: int
    digits: int
    most: int


class _Step(NamedTuple):
    """What the lines of some rows are written from: values, and the texts they point to."""

    written: list[_Written]
    values: Numbers
    heap: Any
    pieces: Any


class _Pieces:
    """Texts of columns of which every row has its own, one behind the other."""

    def __init__(self) -> None:
        self._joined = list[bytes]()
        self._used = 0

    def add(self, texts: pl.Series, starts: Numbers) -> _Written:
        """Add the text of every row and write where each begins, and the last one ends."""
        lengths = texts.str.len_bytes().to_numpy()
        starts[0] = self._used
        np.cumsum(lengths, out=starts[1:])
        starts[1:] += self._used
        self._joined.append(texts.str.join("").item().encode())
        self._used += len(self._joined[-1])
        return _Written(PIECE, 0, int(lengths.max()))

    def octets(self) -> Any:  # noqa: ANN401 - what the kernel takes
        """Return them all, as uint8, with a margin."""
        return np.frombuffer(b"".join([*self._joined, bytes(MARGIN)]), np.uint8)


class Rows:
    """Writes frames as lines: of these fields, between delimiters or as wide as they are; `cells` are their texts."""

    def __init__(self, columns: Sequence[Field], style: Style, delimiter: str, cells: Sequence[pl.Expr]) -> None:
        self._shape = [(column.columns(style), column.format.left) for column in columns]
        self._clocks = {place for place, column in enumerate(columns) if _is_clock(column, style)}
        self._numbers = {
            place: number for place, column in enumerate(columns) if (number := _number(column, style)) is not None
        }
        self._cells = cells
        self._texts = AllTexts(
            {place: (column, cells[place]) for place, column in enumerate(columns) if place not in self._numbers},
            style,
            plain=bool(delimiter),
        )
        self._delimiter = ord(delimiter) if delimiter else -1
        self._scratch = np.empty((STEPS, len(cells), STEP + UNLIKE), np.int64)
        self._output = np.empty(0, np.uint8)

    def blocks(self, frame: pl.DataFrame) -> Iterator[memoryview]:
        """Yield the lines of a frame, each piece of them until the next is asked for.

        What they are made of is found out by another thread while lines are written.
        """
        if frame.height <= STEP:
            steps: Iterator[_Step] = self._steps(frame)
        else:
            steps = ahead(self._steps(frame))
        for step in steps:
            yield from self._lines(step)

    def _steps(self, frame: pl.DataFrame) -> Generator[_Step]:
        numbers = [expression.alias(str(place)) for place, (expression, _) in self._numbers.items()]
        wanted = [*numbers, *self._texts.wanted(frame)]
        names = [expression.meta.output_name() for expression in wanted]
        scratch = cycle(self._scratch)
        for whole in frame.iter_slices(AT_ONCE):
            # Not select, which has one row of what is the same for all records.
            worked_out = whole.with_columns(wanted).select(names)
            known = self._texts.numbered(whole, worked_out)
            for start in range(0, whole.height, STEP):
                piece = whole.slice(start, STEP)
                values = next(scratch)[:, : piece.height + 1]
                yield self._step(piece, worked_out.slice(start, STEP), known, start, values)

    def _step(
        self, frame: pl.DataFrame, worked_out: pl.DataFrame, known: Mapping[int, Numbered], start: int, values: Numbers
    ) -> _Step:
        written, pieces = list[_Written](), _Pieces()
        for place, cell in enumerate(self._cells):
            if place in self._numbers:
                done = self._number(place, worked_out[str(place)], values[place])
            elif place in known:
                done = _Written(TEXT, 0, known[place].longest)
                known[place].write(start, values[place, :-1])
            else:
                done = None
            written.append(done or pieces.add(frame.with_columns(cell.alias(CELL)).get_column(CELL), values[place]))
        return _Step(written, values, self._texts.heap.octets, pieces.octets())

    def _number(self, place: int, series: pl.Series, values: Numbers) -> _Written | None:
        """Write the integers of a column of numbers; None where one is too large, or would mean something else."""
        series = series.to_physical()
        is_exact = series.dtype in EXACT and not series.null_count()
        whole = series if is_exact else series.cast(pl.Int64, strict=False)
        if whole.null_count() > series.null_count() or not self._is_within(place, whole):
            return None
        values[:-1] = (whole if is_exact else whole.fill_null(BLANK)).to_numpy()
        return self._written(place)

    def _is_within(self, place: int, whole: pl.Series) -> bool:
        """Tell whether no number is the one that stands for none, and no time so far that its local one may not fit."""
        least, most = (-END + ZONES, END - ZONES) if place in self._clocks else (BLANK + 1, END)
        low: Any = whole.min()
        high: Any = whole.max()
        return low is None or (least <= low and high <= most)

    def _written(self, place: int) -> _Written:
        kind = CLOCK if place in self._clocks else NUMBER
        return _Written(kind, self._numbers[place][1], max(WIDEST_NUMBER, self._shape[place][0]))

    def _lines(self, step: _Step) -> Iterator[memoryview]:
        written, values, heap, pieces = step
        most = sum(column.most + 1 for column in written) + 1
        if len(self._output) < most + OUTPUT:
            self._output = np.empty(most + OUTPUT, np.uint8)
        shapes = [
            (what.kind, what.digits, width, left) for what, (width, left) in zip(written, self._shape, strict=True)
        ]
        columns, progress, rows = np.array(shapes, np.int64), np.zeros(2, np.int64), values.shape[1] - 1
        while progress[0] < rows:
            _write_rows(
                *(address_of(columns), len(columns), address_of(values), values.strides[0] // values.itemsize, rows),
                *(address_of(heap), len(heap), address_of(pieces), len(pieces), self._delimiter),
                *(address_of(self._output), len(self._output), most, address_of(progress)),
            )
            yield self._output[: progress[1]].data


def _is_clock(column: Field, style: Style) -> bool:
    return column.format is TIME and not column.pattern and not style.epoch


def _number(column: Field, style: Style) -> Digits | None:
    """Return what the kernel writes as a number or a time of day, with its digits behind the point."""
    if _is_clock(column, style):
        return local_time(column.value().cast(pl.Int64).fill_null(0)), style.precision
    return column.number(style)
