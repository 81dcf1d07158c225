"""Many lines of a listing at once, by kernels: the same bytes as clients/listing/lines.py makes of texts.

Numbers and times of day are written from their integers. Texts are made of the records that differ in what decides
them (topics/rows/keys.py), once for all frames, and copied. What neither can be said of is made into text first.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from clients.listing.texts import AllTexts
from clients.reading.ahead import ahead
from topics.fields.formats import TIME, local_time
from topics.native import Native, address_of
from topics.rows.kinds import BLANK, CLOCK, LOADED, MARGIN, NUMBER, PIECE, TEXT

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from clients.listing.texts import Numbered, Numbers
    from topics.fields import Field, Style
    from topics.fields.field import Digits

AT_ONCE = 1 << 18  # rows of which columns are worked out and numbered: to get expressions ready takes 10 to 20 ms
STEP = 1 << 16  # rows of which lines are made
STEPS = 2  # that there are at a time: one is written, another one is got ready
CELL = "cell"
SMALL = (pl.UInt8(), pl.UInt16(), pl.UInt32())  # types of which the kernel takes every value
EXACT = (*SMALL, pl.Int64())
FAR = 1 << 62  # where floats are surely integers of 64 bits
OUTPUT = 1 << 22  # bytes
END = (1 << 63) - 1
ZONES = 15 * 3600 * 10**9  # ns that local time is at most ahead or behind
NONE = np.empty(0, np.int64)
WIDEST_NUMBER = 40  # digits, sign, point, before it is cut
_write_rows = Native("topics.rows.writing_kernel", "write_rows", 13)


class _Written(NamedTuple):
    """A column of a block: its kind for the kernel, its digits behind the point, the most bytes of it in a row.

    `values` are where they lie, integers of one type; of texts their numbers, with the `texts` that these point to and
    what is written as a number `instead`, with all its bits turned, int64.
    """

    kind: int
    digits: int
    most: int
    values: Any
    texts: Any = NONE
    instead: Any = NONE

    def described(self, width: int, *, left: bool) -> tuple[int, ...]:
        """Return it as the kernel takes it, in a listing so wide."""
        instead = address_of(self.instead) if len(self.instead) else 0
        here = (address_of(self.values), self.values.itemsize, address_of(self.texts), len(self.texts), instead)
        return (self.kind, self.digits, width, left, *here)


class _Step(NamedTuple):
    """What the lines of so many rows are written from: columns, and the texts they point to."""

    rows: int
    written: list[_Written]
    heap: Any
    pieces: Any


class _Pieces:
    """Texts of columns of which every row has its own, one behind the other."""

    def __init__(self) -> None:
        self._joined = list[bytes]()
        self._used = 0

    def add(self, texts: pl.Series) -> _Written:
        """Add the text of every row and say where each begins, and the last one ends."""
        lengths = texts.str.len_bytes().to_numpy()
        starts = np.empty(len(lengths) + 1, np.int64)
        starts[0] = self._used
        np.cumsum(lengths, out=starts[1:])
        starts[1:] += self._used
        self._joined.append(texts.str.join("").item().encode())
        self._used += len(self._joined[-1])
        return _Written(PIECE, 0, int(lengths.max()), starts)

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
        self._whole = cycle(np.empty((STEPS, len(cells), STEP), np.int64))  # of floats
        self._values = np.empty((len(cells), LOADED), np.int64)
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
        for whole in frame.iter_slices(AT_ONCE):
            # Not select, which has one row of what is the same for all records.
            worked_out = whole.with_columns(wanted).select(names)
            known = self._texts.numbered(whole, worked_out)
            for start in range(0, whole.height, STEP):
                piece = whole.slice(start, STEP)
                yield self._step(piece, worked_out.slice(start, STEP), known, start)

    def _step(self, frame: pl.DataFrame, worked_out: pl.DataFrame, known: Mapping[int, Numbered], start: int) -> _Step:
        written, pieces, scratch = list[_Written](), _Pieces(), next(self._whole)[:, : frame.height]
        for place, cell in enumerate(self._cells):
            if place in self._numbers:
                done = self._number(place, worked_out[str(place)], scratch[place])
            elif place in known:
                done = _numbered(known[place], start, frame.height)
            else:
                done = None
            written.append(done or pieces.add(frame.with_columns(cell.alias(CELL)).get_column(CELL)))
        return _Step(frame.height, written, self._texts.heap.octets, pieces.octets())

    def _number(self, place: int, series: pl.Series, scratch: Numbers) -> _Written | None:
        """Return a column of numbers; None where one is too large, or would mean something else."""
        if series.dtype == pl.Float64 and _are_whole(series, scratch):
            return self._of_number(place, scratch)
        if series.dtype not in EXACT:  # to ask takes longer than to write 10,000 of them
            series = series.to_physical()
        has_all = not series.null_count()
        whole = series if has_all and series.dtype in EXACT else series.cast(pl.Int64, strict=False)
        if whole.null_count() > series.null_count() or not self._is_within(place, whole):
            return None
        return self._of_number(place, (whole if has_all else whole.fill_null(BLANK)).to_numpy())

    def _of_number(self, place: int, values: Any) -> _Written:  # noqa: ANN401 - integers
        kind = CLOCK if place in self._clocks else NUMBER
        return _Written(kind, self._numbers[place][1], max(WIDEST_NUMBER, self._shape[place][0]), values)

    def _is_within(self, place: int, whole: pl.Series) -> bool:
        """Tell whether no number is the one that stands for none, and no time so far that its local one may not fit."""
        if whole.dtype in SMALL:
            return True
        least, most = (-END + ZONES, END - ZONES) if place in self._clocks else (BLANK + 1, END)
        low: Any = whole.min()
        high: Any = whole.max()
        return low is None or (least <= low and high <= most)

    def _lines(self, step: _Step) -> Iterator[memoryview]:
        rows, written, heap, pieces = step
        most = sum(column.most + 1 for column in written) + 1
        if len(self._output) < most + OUTPUT:
            self._output = np.empty(most + OUTPUT, np.uint8)
        shapes = [what.described(width, left=left) for what, (width, left) in zip(written, self._shape, strict=True)]
        columns, progress = np.array(shapes, np.int64), np.zeros(2, np.int64)
        while progress[0] < rows:
            _write_rows(
                *(address_of(columns), len(columns), address_of(self._values), rows),
                *(address_of(heap), len(heap), address_of(pieces), len(pieces), self._delimiter),
                *(address_of(self._output), len(self._output), most, address_of(progress)),
            )
            yield self._output[: progress[1]].data


def _numbered(known: Numbered, start: int, rows: int) -> _Written:
    """Return so many rows of a column of texts that have numbers, from one on."""
    instead = NONE if known.digits is None else known.digits.slice(start, rows).to_numpy()
    return _Written(TEXT, 0, known.longest, known.codes[start : start + rows], known.texts, instead)


def _are_whole(series: pl.Series, whole: Numbers) -> bool:
    """Write whole floats as integers; False where some are missing, or none that could be."""
    if not len(series) or series.null_count():
        return False
    values = series.to_numpy()
    if not (values.min() > -FAR and values.max() < FAR):  # nor is what is no number
        return False
    np.copyto(whole, values, casting="unsafe")
    return True


def _is_clock(column: Field, style: Style) -> bool:
    return column.format is TIME and not column.pattern and not style.epoch


def _number(column: Field, style: Style) -> Digits | None:
    """Return what the kernel writes as a number or a time of day, with its digits behind the point."""
    if _is_clock(column, style):
        return local_time(column.value().cast(pl.Int64).fill_null(0)), style.precision
    return column.number(style)
