"""Tables and text in Markdown, from words that may hold any character."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEADS_ON = re.compile(r"\bdocs/([\w/-]+\.md)\b")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown already."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def code(text: str) -> str:
    """Return text as code, in a cell too; nothing of nothing."""
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""


def plain(text: str) -> str:
    """Return text as it is, on one line, of which Markdown understands nothing but code in back quotes.

    `docs/guides/alerts.md`, which is how help texts name a page, becomes a link for pages in docs/reference.
    """
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    escaped = (part if part.startswith("`") else re.sub(r"([*_<\[\]\\])", r"\\\1", part) for part in parts)
    linked = LEADS_ON.sub(r"[\1](../\1)", "".join(escaped))
    return linked.replace("|", "\\|")
