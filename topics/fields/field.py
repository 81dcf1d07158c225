"""What a printable field is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from topics.expression import Value
    from topics.fields.style import Style

    Digits = tuple[pl.Expr, int]

SIDES = ("src", "dst")
WORDS = {
    "src": {"s": "s", "S": "S", "src": "src", "Src": "Src", "source": "source", "other": "destination"},
    "dst": {"s": "d", "S": "D", "src": "dst", "Src": "Dst", "source": "destination", "other": "source"},
}


@dataclass(frozen=True, slots=True)
class Format:
    """How a value becomes text: a string expression, left or right aligned, in a column that may have to be wider.

    `text` gets the value, the style and the width that was asked for; `extra_width` the width and the style. Text that
    is `free` may hold any character: among delimiters it has to be quoted. `holds` says what the value is: `number`,
    `time` (ns since 1970), `text` or `bytes`; `scale` how many of its units make one of those that are printed.
    `number` is what the text is the digits of, int64, decimal or whole float64, with how many of them stand behind the
    point; None where it is no such text: kernels write it without the way through text. `plain` tells of a column of
    whole numbers, 0 or more, in which records its text is just its digits between delimiters; None where that is not
    known. `also` is what the text of a record depends on besides the value.
    """

    text: Callable[[pl.Expr, Style, int], pl.Expr]
    left: bool = False
    free: bool = False
    extra_width: Callable[[int, Style], int] = lambda _width, _style: 0
    holds: str = "text"
    scale: float = 1
    number: Callable[[pl.Expr, Style], Digits | None] = lambda _value, _style: None
    plain: Callable[[pl.Expr, Style], pl.Expr | None] = lambda _value, _style: None
    also: Callable[[], tuple[Value, ...]] = tuple


@dataclass(frozen=True, slots=True)
class Field:
    """One column that can be printed.

    `name` is what `-s` calls it, `title` its heading and `width` its columns, all as in Argus. `expression` gives the
    value of a record, null where it is to be left blank; `order`, where that is no number, what records are sorted by.
    They are functions, for building all of them would take longer than printing a page. `pattern` is the printf or
    strftime format that was asked for, empty for the usual one.
    """

    name: str
    title: str
    width: int
    expression: Callable[[], Value]
    format: Format
    doc: str
    order: Callable[[], Value] | None = None
    pattern: str = ""

    def value(self) -> pl.Expr:
        """Return the value as a Polars expression."""
        from topics.expression.polars import polars

        return polars(self.expression())

    def sort_key(self) -> pl.Expr:
        """Return what records are sorted by."""
        from topics.expression.polars import polars

        return polars((self.order or self.expression)())

    def text(self, style: Style) -> pl.Expr:
        """Return the value as text, not yet padded or cut; null where it is to be left blank."""
        if self.pattern:
            from topics.fields.patterns import patterned

            return patterned(self, style)
        return self.format.text(self.value(), style, self.width)

    def number(self, style: Style) -> Digits | None:
        """Return what the text of every record is the digits of, null where it is blank; None for other text."""
        return None if self.pattern else self.format.number(self.value(), style)

    def plain(self, style: Style) -> pl.Expr | None:
        """Return what tells in which records the text is just the digits of a column; None where that is not known."""
        return None if self.pattern else self.format.plain(self.value(), style)

    def columns(self, style: Style) -> int:
        """Return how wide the column is in this style."""
        return self.width + (0 if self.pattern else self.format.extra_width(self.width, style))

    def with_width(self, width: int) -> Field:
        """Return the same field in a column of another width."""
        return replace(self, width=width)

    def with_pattern(self, pattern: str) -> Field:
        """Return the same field written by a printf or, for times, strftime format."""
        return replace(self, pattern=pattern)


def both(
    name: str,
    title: str,
    width: int,
    expression: Callable[[str], Value],
    text: Format | tuple[Format, Format],
    doc: str,
    order: Callable[[str], Value] | None = None,
) -> Iterator[Field]:
    """Yield a field of the source and the same of the destination.

    In `name`, `title` and `doc` the words `{s}`, `{S}`, `{src}`, `{Src}`, `{source}` and `{other}` stand for s or d,
    S or D, src or dst, Src or Dst, source or destination, and the opposite; `expression` gets `src` or `dst`.
    """
    formats = text if isinstance(text, tuple) else (text, text)
    for side, form in zip(SIDES, formats, strict=True):
        words = WORDS[side]
        key = None if order is None else _of(order, side)
        titled = title.format(**words)
        yield Field(name.format(**words), titled, width, _of(expression, side), form, doc.format(**words), key)


def _of(expression: Callable[[str], Value], side: str) -> Callable[[], Value]:
    return lambda: expression(side)
