"""The columns that `-s` asks for: `a b` or `a,b`, `+a` appends, `+3a` inserts after the third, `-a` removes, `a:20`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.errors import UsageError
from topics.fields import Field, field

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT = ("stime", "flgs", "proto", "saddr", "sport", "dir", "daddr", "dport", "pkts", "bytes", "state")
MAX_WIDTH = 4096


def columns(words: Iterable[str]) -> list[Field]:
    """Return the columns that the words of `-s` ask for; raises UsageError.

    The first word decides, as in Argus: with a sign it changes the default columns, without it replaces them.
    """
    specifications = [part for word in words for part in word.replace(",", " ").split()]
    chosen = [] if specifications and specifications[0][0] not in "+-" else [field(name) for name in DEFAULT]
    for specification in specifications:
        _apply(specification, chosen)
    if not chosen:
        raise UsageError("option -s leaves no field to print")
    return chosen


def _apply(specification: str, chosen: list[Field]) -> None:
    sign = specification[0] if specification[0] in "+-" else ""
    rest = specification[len(sign) :]
    name = rest.lstrip("0123456789") if sign else rest
    place = rest[: len(rest) - len(name)]
    column = _sized(name)
    if sign == "-":
        chosen[:] = [kept for kept in chosen if kept.name != column.name]
    elif place:
        chosen.insert(min(int(place), len(chosen)), column)
    else:
        chosen.append(column)


def _sized(text: str) -> Field:
    name, colon, width = text.partition(":")
    known = field(name)
    if not colon:
        return known
    if not width.isdecimal() or not 0 < int(width) <= MAX_WIDTH:
        raise UsageError(f"field '{name}': '{width}' is no width; give a number from 1 to {MAX_WIDTH}")
    return known.with_width(int(width))
