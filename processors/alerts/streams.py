"""What rules may be about: flow records, and tables of a few columns for everything else; filters over both."""

from __future__ import annotations

import functools
from functools import singledispatch
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
from pydantic_core import PydanticCustomError

from topics import filter as filters
from topics.errors import FilterError, UsageError
from topics.fields import field
from topics.filter import tree
from topics.filter.vocabulary import Vocabulary
from topics.nearest import suggestion

if TYPE_CHECKING:
    from topics.expression import Value

KINDS = ("records", "dns", "probes", "spans", "names")
TEXT, NUMBER = "text", "number"
TABLES: dict[str, dict[str, str]] = {
    "dns": {
        "client": TEXT, "server": TEXT, "name": TEXT, "domain": TEXT, "type": TEXT, "result": TEXT, "kind": TEXT,
        "transport": TEXT, "namesize": NUMBER, "querybytes": NUMBER, "answerbytes": NUMBER, "answered": NUMBER,
    },
    "probes": {
        "site": TEXT, "probe": TEXT, "cause": TEXT, "live": NUMBER, "packets": NUMBER, "records": NUMBER,
        "flows": NUMBER, "maxflows": NUMBER, "evicted": NUMBER, "dropped": NUMBER, "lost": NUMBER, "missing": NUMBER,
        "odd": NUMBER, "waiting": NUMBER, "clockoffset": NUMBER,
    },
    "spans": {
        "site": TEXT, "probe": TEXT, "interface": TEXT, "change": TEXT, "vlan": NUMBER, "packets": NUMBER,
        "copies": NUMBER, "share": NUMBER, "diagnosis": TEXT,
    },
    "names": {
        "address": TEXT, "name": TEXT, "source": TEXT, "mac": TEXT, "user": TEXT, "site": TEXT, "probe": TEXT,
    },
}  # fmt: skip
DEFAULT_BY = {
    "records": ("saddr", "daddr"),
    "dns": ("client",),
    "probes": ("site", "probe"),
    "spans": ("site", "probe", "interface"),
    "names": ("address",),
}


class Form(NamedTuple):
    """What a column holds."""

    holds: str
    scale: float = 1


def check_field(key: str, name: str, on: str) -> None:
    """Refuse a field that there is not, for pydantic; an empty name is none."""
    try:
        if name and on == "records":
            field(name)
    except UsageError as error:
        raise refusal(key, str(error)) from None
    if name and on != "records" and name not in TABLES[on]:
        raise refusal(key, f"unknown field '{name}' of {on}{suggestion(name, TABLES[on])}")


def check_filter(key: str, text: str, on: str) -> None:
    """Refuse a filter that cannot be understood, for pydantic."""
    try:
        if on == "records":
            filters.condition(text)
        else:
            table_filter(text, on)
    except FilterError as error:
        raise refusal(key, str(error)) from None


def refusal(key: str, reason: str) -> PydanticCustomError:
    """Return an error about a key of a rule that is found when the rule is whole."""
    return PydanticCustomError("rule", "{reason}", {"key": key, "reason": reason})


def flow_filter(text: str) -> Value | None:
    """Return the condition over flow records, None for all; raises FilterError."""
    return filters.condition(text)


def table_filter(text: str, on: str) -> pl.Expr | None:
    """Return the condition over the rows of a table, None for all; raises FilterError."""
    node = filters.parse(text, vocabulary(on))
    return None if node is None else _asked(node)


@functools.cache
def vocabulary(on: str) -> Vocabulary:
    """Return the words that may be asked of a table."""
    columns = TABLES[on]
    return Vocabulary(lambda: columns, lambda name: Form(columns[name]))


@singledispatch
def _asked(node: tree.Node) -> pl.Expr:
    word = getattr(node, "word", "") or type(node).__name__.lower()
    raise FilterError(f"filter: '{word}' is about flow records, which these are not")


@_asked.register
def _(node: tree.All) -> pl.Expr:
    return pl.all_horizontal([_asked(part) for part in node.parts])


@_asked.register
def _(node: tree.Any) -> pl.Expr:
    return pl.any_horizontal([_asked(part) for part in node.parts])


@_asked.register
def _(node: tree.Not) -> pl.Expr:
    return ~_asked(node.part)


@_asked.register
def _(node: tree.Compared) -> pl.Expr:
    column, constant = pl.col(node.field), pl.lit(node.constant)
    compared = {
        "eq": column == constant,
        "neq": column != constant,
        "gt": column > constant,
        "gte": column >= constant,
        "lt": column < constant,
        "lte": column <= constant,
    }
    return compared[node.comparison].fill_null(value=False)


@_asked.register
def _(node: tree.Matched) -> pl.Expr:
    return pl.col(node.field).str.contains(node.pattern).fill_null(value=False)


@_asked.register
def _(node: tree.Listed) -> pl.Expr:
    return pl.col(node.field).is_in(list(node.constants)).fill_null(value=False)
