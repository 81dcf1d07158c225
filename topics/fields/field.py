"""What a printable field is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from topics.fields.style import Style

SIDES = ("src", "dst")


@dataclass(frozen=True, slots=True)
class Format:
    """How a value becomes text: a string expression, left or right aligned, in a column that may have to be wider.

    `text` gets the value, the style and the width that was asked for; `extra_width` the width and the style. Text that
    is `free` may hold any character: among delimiters it has to be quoted.
    """

    text: Callable[[pl.Expr, Style, int], pl.Expr]
    left: bool = False
    free: bool = False
    extra_width: Callable[[int, Style], int] = lambda _width, _style: 0


@dataclass(frozen=True, slots=True)
class Field:
    """One column that can be printed.

    `name` is what `-s` calls it, `title` its heading and `width` its columns, all as in Argus. `expression` gives the
    value over a frame with the columns of topics/frame.py, null where it is to be left blank. It is a function, for
    building all of them would take longer than printing a page.
    """

    name: str
    title: str
    width: int
    expression: Callable[[], pl.Expr]
    format: Format

    def text(self, style: Style) -> pl.Expr:
        """Return the value as text, not yet padded or cut; null where it is to be left blank."""
        return self.format.text(self.expression(), style, self.width)

    def columns(self, style: Style) -> int:
        """Return how wide the column is in this style."""
        return self.width + self.format.extra_width(self.width, style)

    def with_width(self, width: int) -> Field:
        """Return the same field in a column of another width."""
        return replace(self, width=width)


def both(
    name: str, title: str, width: int, expression: Callable[[str], pl.Expr], text: Format | tuple[Format, Format]
) -> Iterator[Field]:
    """Yield a field of the source and the same of the destination.

    In `name` and `title` the words `{s}`, `{S}`, `{src}` and `{Src}` stand for s or d, S or D, src or dst, Src or Dst;
    `expression` gets `src` or `dst`.
    """
    formats = text if isinstance(text, tuple) else (text, text)
    for side, form in zip(SIDES, formats, strict=True):
        words = {"s": side[0], "S": side[0].upper(), "src": side, "Src": side.capitalize()}
        yield Field(name.format(**words), title.format(**words), width, _of(expression, side), form)


def _of(expression: Callable[[str], pl.Expr], side: str) -> Callable[[], pl.Expr]:
    return lambda: expression(side)
