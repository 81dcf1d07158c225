"""Lines of a listing: columns padded and cut as Argus does it, or values between delimiters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from topics.fields import Field, Style

PORT_AFTER = {"sport": "saddr", "dport": "daddr"}
CUT = "*"
PADDED = {"dir"}  # Argus pads this one even between delimiters
KEEPS_BLANKS = {"flgs"}  # with the one after them
QUOTE = '"'
CONTROL = r"[\x00-\x1f\x7f-\x9f]"  # would move the cursor, or worse


def heading(columns: Iterable[Field], style: Style, delimiter: str = "") -> str:
    """Return the line with the titles of the columns."""
    if delimiter:
        return delimiter.join(column.title for column in columns)
    return "".join(_title(column, style) + " " for column in columns)


def _title(column: Field, style: Style) -> str:
    width = column.columns(style)
    text = column.title[:width]
    return text.rjust(column.width).ljust(width)[:width] if column.format.left else text.rjust(width)


def lines(columns: Sequence[Field], style: Style, delimiter: str = "") -> pl.Expr:
    """Return the text of each record, one line without its end; between delimiters when one is given."""
    if delimiter:
        return pl.concat_str([_delimited(column, style, delimiter) for column in columns], separator=delimiter)
    parts = []
    for before, column in zip([None, *columns], columns, strict=False):
        text = column.text(style).fill_null("")
        if before is not None:
            parts.append(_separator(before, column, text))
        parts.append(_fitted(text, column, style))
    return pl.concat_str(parts).str.strip_chars_end(" ")


def _fitted(text: pl.Expr, column: Field, style: Style) -> pl.Expr:
    width = column.columns(style)
    if column.name in PORT_AFTER and not style.port_names:
        return text.str.pad_end(width)  # as in Argus: half a number is worse than a crooked column
    if column.format.free:
        text = text.str.replace_all(CONTROL, ".")
    cut = pl.concat_str([text.str.slice(0, width - 1), pl.lit(CUT)])
    fitted = pl.when(text.str.len_chars() > width).then(cut).otherwise(text)
    return fitted.str.pad_end(width) if column.format.left else fitted.str.pad_start(width)


def _separator(before: Field, column: Field, text: pl.Expr) -> pl.Expr:
    """Return a blank, or the dot that ties a port to the address before it."""
    if PORT_AFTER.get(column.name) != before.name:
        return pl.lit(" ")
    return pl.when(text == "").then(pl.lit(" ")).otherwise(pl.lit("."))


def _delimited(column: Field, style: Style, delimiter: str) -> pl.Expr:
    text = column.text(style).fill_null("")
    if column.name in PADDED:
        text = text.str.pad_start(column.width)
    text = text.str.pad_end(column.width + 1) if column.name in KEEPS_BLANKS else text.str.strip_chars_end(" ")
    return _quoted(text, delimiter) if column.format.free else text


def _quoted(text: pl.Expr, delimiter: str) -> pl.Expr:
    """Quote values that would break the line apart (RFC 4180), only those."""
    special = text.str.contains_any([delimiter, QUOTE, "\n", "\r"])
    doubled = text.str.replace_all(QUOTE, QUOTE * 2, literal=True)
    return pl.when(special).then(pl.concat_str([pl.lit(QUOTE), doubled, pl.lit(QUOTE)])).otherwise(text)
