"""Lines of a listing: columns padded and cut as Argus does it, or values between delimiters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics import native
from topics.distinct import spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clients.listing.rows import Rows
    from topics.fields import Field, Style

PORT_AFTER = {"sport": "saddr", "dport": "daddr"}
CUT = "*"
PADDED = {"dir"}  # Argus pads this one even between delimiters
KEEPS_BLANKS = {"flgs"}  # with the one after them
ENDS_IN_BLANKS = {"tcpopt"}
QUOTE = '"'
MANY = 1 << 21  # values for which it pays to load the kernels
LOADED = 2  # one counts for so many where other kernels are loaded
SOME = 1 << 10  # lines for which it pays to call them
CONTROL = r"[\x00-\x1f\x7f-\x9f]"  # would move the cursor, or worse


class Listing:
    """Turns records into lines: the text of these fields in columns, or between delimiters when one is given."""

    def __init__(self, columns: Sequence[Field], style: Style, delimiter: str = "") -> None:
        self._columns = columns
        self._style = style
        self._delimiter = delimiter
        self._rows: Rows | None = None
        self._written = 0
        self._texts = [column.text(style).fill_null("").alias(str(place)) for place, column in enumerate(columns)]

    @property
    def needed(self) -> set[str]:
        """Names of the columns a frame needs to have: one at least, or it would have no rows."""
        return {name for text in self._texts for name in text.meta.root_names()} or {"src_packets"}

    def heading(self) -> str:
        """Return the line with the titles."""
        if self._delimiter:
            return self._delimiter.join(column.title for column in self._columns)
        return "".join(self._title(column) + " " for column in self._columns)

    def ending(self) -> str:
        """Return nothing: a listing just ends."""
        return ""

    def _title(self, column: Field) -> str:
        width = column.columns(self._style)
        text = column.title[:width]
        return text.rjust(column.width).ljust(width)[:width] if column.format.left else text.rjust(width)

    def lines(self, frame: pl.DataFrame) -> pl.Series:
        """Return one line for each record, without its end."""
        texts = frame.with_columns(self._texts).select(str(place) for place in range(len(self._texts)))
        if self._delimiter:
            return texts.select(self._delimited()).to_series()
        free = [self._free(texts, place) for place, column in enumerate(self._columns) if column.format.free]
        return texts.with_columns(free).select(self._aligned(texts)).to_series()

    def blocks(self, frame: pl.DataFrame) -> Iterator[bytes | memoryview]:
        """Yield all lines with their ends, as `lines` has them; what is yielded holds until the next is asked for."""
        self._written += frame.height * len(self._columns)
        worth = self._written * (LOADED if native.is_loaded() else 1)
        if worth < MANY or frame.height < SOME or not self._delimiter.isascii():  # kernels write one byte
            yield joined(self.lines(frame))
            return
        if self._rows is None:
            from clients.listing.rows import Rows  # Numba takes longer to load than a page to print

            cells = [self._cell(place) for place in range(len(self._columns))]
            self._rows = Rows(self._columns, self._style, self._delimiter, cells)
        yield from self._rows.blocks(frame)

    def _cell(self, place: int) -> pl.Expr:
        """Return what a line has of one column: between delimiters, or as wide as it is, with what parts it."""
        text, column = self._texts[place], self._columns[place]
        if self._delimiter:
            return self._value(text, column)
        harmless = text.str.replace_all(CONTROL, ".") if column.format.free else text
        fitted = self._fitted(harmless, column, is_long=True)
        return pl.concat_str([self._separator(place, text), fitted]) if place else fitted

    def _aligned(self, texts: pl.DataFrame) -> pl.Expr:
        longest = texts.select(pl.all().str.len_bytes().max()).row(0)
        parts = []
        for place, column in enumerate(self._columns):
            if place:
                parts.append(self._separator(place, pl.col(str(place))))
            text = pl.col(str(place))
            is_long = (longest[place] or 0) > column.columns(self._style)
            parts.append(text if column.format.free else self._fitted(text, column, is_long=is_long))
        return pl.concat_str(parts).str.strip_chars_end(" ")

    def _free(self, texts: pl.DataFrame, place: int) -> pl.Series:
        """Return a column of text that may be long and hold anything, made fit once for each different one."""
        name, column = str(place), self._columns[place]
        harmless = pl.col(name).str.replace_all(CONTROL, ".")
        return spread(texts.select(name), self._fitted(harmless, column, is_long=True)).alias(name)

    def _fitted(self, text: pl.Expr, column: Field, *, is_long: bool) -> pl.Expr:
        """Return text as wide as its column: padded, and cut where it may be too long."""
        width = column.columns(self._style)
        if is_long and not self._whole(column):
            cut = pl.concat_str([text.str.slice(0, width - 1), pl.lit(CUT)])
            text = pl.when(text.str.len_chars() > width).then(cut).otherwise(text)
        return text.str.pad_end(width) if column.format.left else text.str.pad_start(width)

    def _whole(self, column: Field) -> bool:
        """Tell which column is never cut: as in Argus, half the number of a port is worse than a crooked column."""
        return column.name in PORT_AFTER and not self._style.port_names

    def _separator(self, place: int, text: pl.Expr) -> pl.Expr:
        """Return a blank, or the dot that ties the text of a port to the address before it."""
        if PORT_AFTER.get(self._columns[place].name) != self._columns[place - 1].name:
            return pl.lit(" ")
        return pl.when(text == "").then(pl.lit(" ")).otherwise(pl.lit("."))

    def _delimited(self) -> pl.Expr:
        values = [self._value(pl.col(str(place)), column) for place, column in enumerate(self._columns)]
        return pl.concat_str(values, separator=self._delimiter)

    def _value(self, text: pl.Expr, column: Field) -> pl.Expr:
        if column.name in PADDED:
            text = text.str.pad_start(column.width)
        if column.name in KEEPS_BLANKS:
            text = text.str.pad_end(column.width + 1)
        elif column.format.free or column.name in ENDS_IN_BLANKS:
            text = text.str.strip_chars_end(" ")
        return self._quoted(text) if column.format.free else text

    def _quoted(self, text: pl.Expr) -> pl.Expr:
        """Quote values that would break the line apart (RFC 4180), only those."""
        special = text.str.contains_any([self._delimiter, QUOTE, "\n", "\r"])
        doubled = text.str.replace_all(QUOTE, QUOTE * 2, literal=True)
        return pl.when(special).then(pl.concat_str([pl.lit(QUOTE), doubled, pl.lit(QUOTE)])).otherwise(text)


def joined(lines: pl.Series) -> bytes:
    """Return lines with their ends."""
    return (str(lines.str.join("\n").item()) + "\n").encode()
