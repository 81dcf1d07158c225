"""The columns that `-s` asks for: `a b` or `a,b`, `+a` appends, `+3a` inserts after the third, `-a` removes, `a:20`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.errors import UsageError
from topics.fields import Field, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DEFAULT = ("stime", "flgs", "proto", "saddr", "sport", "dir", "daddr", "dport", "pkts", "bytes", "state")
MAX_WIDTH = 4096


def columns(words: Iterable[str], default: Sequence[str] = DEFAULT) -> list[Field]:
    """Return the columns that the words of `-s` ask for; raises UsageError.

    The first word decides, as in Argus: with a sign it changes the default columns, without it replaces them.
    """
    specifications = [part for word in words for part in _parts(word)]
    replaced = specifications and specifications[0][0] not in "+-"
    chosen = [] if replaced else [field(name) for name in default or DEFAULT]
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


def _parts(word: str) -> list[str]:
    """Split a word at commas and blanks; a format, after the second colon, may hold either."""
    if word.count(":") > 1:
        return [word]
    return word.replace(",", " ").split()


def _sized(text: str) -> Field:
    name, _, rest = text.partition(":")
    width, _, pattern = rest.partition(":")
    known = field(name)
    if width or (not pattern and ":" in text):
        if not width.isdecimal() or not 0 < int(width) <= MAX_WIDTH:
            raise UsageError(f"field '{name}': '{width}' is no width; give a number from 1 to {MAX_WIDTH}")
        known = known.with_width(int(width))
    if pattern:
        from topics.fields.patterns import check

        check(name, pattern, known.format.holds)
        known = known.with_pattern(pattern)
    return known
