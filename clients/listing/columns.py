"""The columns that `-s` asks for: `a b` or `a,b`, `+a` appends, `+3a` inserts after the third, `-a` removes, `a:20`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.errors import UsageError
from topics.fields import Field, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DEFAULT = ("stime", "flgs", "proto", "saddr", "sport", "dir", "daddr", "dport", "pkts", "bytes", "state")
MAX_WIDTH = 4096
NOTHING_MORE: Mapping[str, Field] = {}


def columns(
    words: Iterable[str], default: Sequence[str] = DEFAULT, more: Mapping[str, Field] = NOTHING_MORE
) -> list[Field]:
    """Return the columns that the words of `-s` ask for; raises UsageError.

    `more` are fields besides those of records, or in their place. The first word decides, as in Argus: with a sign it
    changes the default columns, without it replaces them.
    """
    specifications = [part for word in words for part in _parts(word)]
    replaced = specifications and specifications[0][0] not in "+-"
    chosen = [] if replaced else [_known(name, more) for name in default or DEFAULT]
    for specification in specifications:
        _apply(specification, chosen, more)
    if not chosen:
        raise UsageError("option -s leaves no field to print")
    return chosen


def _known(name: str, more: Mapping[str, Field]) -> Field:
    return more[name] if name in more else field(name)


def _apply(specification: str, chosen: list[Field], more: Mapping[str, Field]) -> None:
    sign = specification[0] if specification[0] in "+-" else ""
    rest = specification[len(sign) :]
    name = rest.lstrip("0123456789") if sign else rest
    place = rest[: len(rest) - len(name)]
    column = _sized(name, more)
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


def _sized(text: str, more: Mapping[str, Field]) -> Field:
    name, _, rest = text.partition(":")
    width, _, pattern = rest.partition(":")
    known = _known(name, more)
    if width or (not pattern and ":" in text):
        if not width.isdecimal() or not 0 < int(width) <= MAX_WIDTH:
            raise UsageError(f"field '{name}': '{width}' is no width; give a number from 1 to {MAX_WIDTH}")
        known = known.with_width(int(width))
    if pattern:
        from topics.fields.patterns import check

        check(name, pattern, known.format.holds)
        known = known.with_pattern(pattern)
    return known
