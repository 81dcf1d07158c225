"""The filter language of Argus's clients: `tcp and dst port (80 or 443) and src pkts gt 10`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.filter.lexer import tokens
from topics.filter.parser import Parser

if TYPE_CHECKING:
    import polars as pl

    from topics.filter.tree import Node

__all__ = ["compile", "parse"]


def parse(text: str) -> Node | None:
    """Return the tree of an expression, None of an empty one; raises FilterError naming word and column."""
    found = tokens(text)
    return Parser(found, len(text.rstrip())).parse() if found else None


def compile(text: str) -> pl.Expr | None:  # noqa: A001 - what it does, and always called as filter.compile
    """Return an expression over the columns of topics/frame.py, true for the records that the text selects.

    None for an empty text, which selects all. Raises FilterError naming the word that is not understood, its column
    and the nearest word there is.
    """
    tree = parse(text)
    if tree is None:
        return None
    from topics.filter.compiler import expression

    return expression(tree)
