"""A filter's tree as text: one node a line, what belongs to it further in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.expression.networks import NetworkSet
from topics.filter import tree

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP = "  "
NAMES = {"All": "and", "Any": "or", "Not": "not"}


def lines(node: tree.Node, margin: str = "") -> Iterator[str]:
    """Yield the lines of a tree."""
    kind = type(node).__name__
    if isinstance(node, tree.All | tree.Any):
        yield margin + NAMES[kind]
        for part in node.parts:
            yield from lines(part, margin + STEP)
    elif isinstance(node, tree.Not):
        yield margin + NAMES[kind]
        yield from lines(node.part, margin + STEP)
    else:
        facts = [_fact(name, value) for name, value in node.facts()]
        yield margin + " ".join([_words(kind), *facts])


def _words(kind: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind).strip()


def _fact(name: str, value: object) -> str:
    if isinstance(value, bytes):
        return f"{name}={value.hex(':')}"
    if isinstance(value, NetworkSet):
        return f"{name}={value.name} ({len(value)} ranges)"
    return f"{name}={value}"
