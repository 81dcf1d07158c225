"""Which records a client is asked for: the filter, the time range of `-t`, the payload of `-e`, the label of `-M`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from topics.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from clients.options import Parsed
    from topics.expression import Value
    from topics.filter.tree import Node
    from topics.timerange import TimeRange


@dataclass(frozen=True, slots=True)
class Selection:
    """What a record has to meet: `wanted`, None for nothing; `times` and `tree` say once more what files need to."""

    wanted: pl.Expr | None = None
    times: TimeRange | None = None
    condition: Value | None = None  # the same as `wanted`, for a database
    tree: Node | None = None

    @property
    def constant(self) -> bool | None:
        """What is said of every record (`not man`), None when it depends on the record."""
        if self.wanted is None:
            return True
        if self.wanted.meta.root_names():
            return None
        import polars as pl  # here, since it takes longer than some answers

        return bool(pl.select(self.wanted).item())


def selection(parsed: Parsed, expression: str | None = None) -> Selection:
    """Return what the command line selects, or another filter in its place; raises FilterError, UsageError."""
    times = _times(parsed)
    text = parsed.expression if expression is None else expression
    tree = _filter(text)
    parts = [*_conditions(tree), *_payload(parsed), *_labels(parsed)]
    if times is not None:
        parts.append(times.condition())
    if not parts:
        return Selection()
    from topics.expression import all_of
    from topics.expression.polars import polars

    condition = parts[0] if len(parts) == 1 else all_of(parts)
    return Selection(polars(condition), times, condition, tree)


def filter_expression(text: str) -> pl.Expr | None:
    """Return what a filter by itself selects, None for an empty one; raises FilterError."""
    from topics import filter as filters

    return filters.compile(text) if text else None


def _times(parsed: Parsed) -> TimeRange | None:
    text = parsed.word("-t")
    if text is None:
        return None
    from topics.timerange import parse

    return parse(text)


def _filter(text: str) -> Node | None:
    if not text:
        return None
    from topics import filter as filters  # not on the way of a plain listing

    return filters.parse(text)


def _conditions(tree: Node | None) -> list[Value]:
    if tree is None:
        return []
    from topics.filter.compiler import expression

    return [expression(tree)]


def _payload(parsed: Parsed) -> list[Value]:
    """Return what `-e [s:|d:]PATTERN` asks of the payload of the source, the destination or either."""
    text = parsed.word("-e")
    if text is None:
        return []
    side, colon, pattern = text.partition(":")
    sides = {"s": ("suser",), "d": ("duser",)}.get(side, ("suser", "duser")) if colon else ("suser", "duser")
    pattern = pattern if len(sides) == 1 else text
    return [_any_matches("-e", sides, pattern)]


def _labels(parsed: Parsed) -> list[Value]:
    """Return what `-M label=PATTERN` asks of the labels."""
    patterns = [word[len("label=") :] for word in parsed.words("-M") if word.startswith("label=")]
    return [_any_matches("-M label", ("label",), pattern) for pattern in patterns]


def _any_matches(option: str, names: tuple[str, ...], pattern: str) -> Value:
    from topics.errors import FilterError
    from topics.expression import any_of
    from topics.filter import tree, values
    from topics.filter.compiler import expression
    from topics.filter.lexer import Token
    from topics.filter.vocabulary import FLOWS

    try:
        checked = values.pattern(Token(pattern, 1, literal=True), names[0], FLOWS.form(names[0]))
    except FilterError as error:
        raise UsageError(f"option {option}: {str(error).removeprefix('filter: ')}") from None
    return any_of(expression(tree.Matched(name, checked)) for name in names)
