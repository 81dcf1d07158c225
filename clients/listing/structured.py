"""Records for programs: JSON lines, an object a record; or one XML document. Times carry their date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import polars as pl

from clients.listing.lines import joined
from topics.fields.formats import TIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from topics.fields import Field, Style

DATE = "%Y-%m-%dT%H:%M:%S"
NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"))
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"  # no document of XML 1.0 may hold them


def _dated(column: Field, style: Style) -> Field:
    if column.format is not TIME or style.epoch or column.pattern:
        return column
    return column.with_pattern(DATE + (".%f" if style.precision else ""))


class JsonLines:
    """Writes each record as an object: numbers bare, text quoted, blanks as `blank` says: null, empty or omit."""

    def __init__(self, columns: Sequence[Field], style: Style, blank: str = "null") -> None:
        self._columns = [_dated(column, style) for column in columns]
        self._blank = blank
        self._texts = [column.text(style).alias(str(place)) for place, column in enumerate(self._columns)]

    @property
    def needed(self) -> set[str]:
        """Names of the columns a frame needs to have."""
        return {name for text in self._texts for name in text.meta.root_names()}

    def heading(self) -> str:
        """Return nothing: every line stands for itself."""
        return ""

    def ending(self) -> str:
        """Return nothing."""
        return ""

    def blocks(self, frame: pl.DataFrame) -> Iterator[bytes]:
        """Yield all objects, a line each."""
        yield joined(self.lines(frame))

    def lines(self, frame: pl.DataFrame) -> pl.Series:
        """Return one object for each record."""
        texts = frame.select(self._texts)
        pairs = [self._pair(place, column) for place, column in enumerate(self._columns)]
        inside = pl.concat_str(pairs, separator=",", ignore_nulls=True)
        return texts.select(pl.concat_str(pl.lit("{"), inside, pl.lit("}"))).to_series()

    def _pair(self, place: int, column: Field) -> pl.Expr:
        text = pl.col(str(place)).str.strip_chars_end(" ")
        quoted = pl.struct(text.alias("x")).struct.json_encode()
        value = quoted.str.slice(5, quoted.str.len_chars() - 6)  # out of {"x":"..."}
        if column.format.holds in {"number", "time"}:
            value = pl.when(text.str.contains(NUMBER)).then(text).otherwise(value)
        known = text.is_not_null() & ((text != "") | pl.lit(column.format.free))
        pair = pl.concat_str(pl.lit(f'"{column.name}":'), value)
        if self._blank == "omit":
            return pl.when(known).then(pair)
        absent = "null" if self._blank == "null" else '""'
        return pl.when(known).then(pair).otherwise(pl.lit(f'"{column.name}":{absent}'))


class XmlDocument:
    """Writes each record as an element whose attributes are named after the headings of the columns."""

    def __init__(self, columns: Sequence[Field], style: Style) -> None:
        self._columns = [_dated(column, style) for column in columns if column.title]
        self._texts = [column.text(style).alias(str(place)) for place, column in enumerate(self._columns)]

    @property
    def needed(self) -> set[str]:
        """Names of the columns a frame needs to have."""
        return {name for text in self._texts for name in text.meta.root_names()}

    def heading(self) -> str:
        """Return the beginning of the document."""
        now = quoteattr(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<ArgusDataStream CurrentDate={now}>'

    def ending(self) -> str:
        """Return its end."""
        return "</ArgusDataStream>"

    def blocks(self, frame: pl.DataFrame) -> Iterator[bytes]:
        """Yield all elements, a line each."""
        yield joined(self.lines(frame))

    def lines(self, frame: pl.DataFrame) -> pl.Series:
        """Return one element for each record."""
        attributes = [self._attribute(place, column) for place, column in enumerate(self._columns)]
        texts = frame.select(self._texts)
        inside = pl.concat_str(attributes, separator="", ignore_nulls=True)
        return texts.select(pl.concat_str(pl.lit(" <ArgusFlowRecord"), inside, pl.lit("/>"))).to_series()

    def _attribute(self, place: int, column: Field) -> pl.Expr:
        text = pl.col(str(place)).str.strip_chars_end(" ").str.replace_all(CONTROL, "")
        for character, escape in ESCAPES:
            text = text.str.replace_all(character, escape, literal=True)
        return pl.when(text != "").then(pl.concat_str(pl.lit(f' {column.title}="'), text, pl.lit('"')))
