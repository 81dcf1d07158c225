"""The filter language of Argus's clients: `tcp and dst port (80 or 443) and src pkts gt 10`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.filter.lexer import tokens
from topics.filter.parser import Parser
from topics.filter.vocabulary import FLOWS

if TYPE_CHECKING:
    import polars as pl

    from topics.expression import Value
    from topics.expression.batches import Mask
    from topics.expression.sql import Dialect, Statement
    from topics.filter.tree import Node
    from topics.filter.vocabulary import Vocabulary

__all__ = ["compile", "condition", "mask", "parse", "shown", "sql"]


def parse(text: str, vocabulary: Vocabulary = FLOWS) -> Node | None:
    """Return the tree of an expression, None of an empty one; raises FilterError naming word and column."""
    found = tokens(text)
    return Parser(found, len(text.rstrip()), vocabulary).parse() if found else None


def condition(text: str) -> Value | None:
    """Return what selects records as one value, never null: true for those selected. None for an empty text.

    Raises FilterError naming the word that is not understood, its column and the nearest word there is.
    """
    tree = parse(text)
    if tree is None:
        return None
    from topics.filter.compiler import expression

    return expression(tree)


def compile(text: str) -> pl.Expr | None:  # noqa: A001 - what it does, and always called as filter.compile
    """Return the condition as an expression over the columns of topics/frame.py; raises FilterError."""
    value = condition(text)
    if value is None:
        return None
    from topics.expression.polars import polars

    return polars(value)


def mask(value: Value) -> Mask:
    """Return what tells which records of batches meet a condition."""
    from topics.expression.batches import Mask

    return Mask(value)


def sql(value: Value, dialect: Dialect) -> Statement:
    """Return a condition for the WHERE of a database, over the table `flows`, and its parameters.

    Raises FilterError for what a database cannot be asked.
    """
    from topics.expression.sql import statement

    return statement(value, dialect)


def shown(text: str) -> str:
    """Return the tree of an expression, one node a line; raises FilterError."""
    from topics.filter.show import lines

    tree = parse(text)
    return "\n".join(lines(tree)) if tree is not None else "every record"
