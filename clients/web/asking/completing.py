"""What may come next in a filter that is being typed."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from clients.web.columns.coded import FAST

if TYPE_CHECKING:
    from clients.web.columns.engine import Engine

MOST = 50
_WORD = re.compile(r"[^\s()!<>=&|\"]*$")
_BEFORE = re.compile(r"([^\s()!<>=&|\"]+)\s*(=|==|eq|!=|neq|~)?\s*\"?$")
VALUED = {"host": "addr", "addr": "addr", "net": "addr", "proto": "proto", "srcid": "srcid"}


def complete(engine: Engine, text: str, cursor: int) -> dict[str, Any]:
    """Return what may stand in place of the word before the cursor: [from, to) of the text, and items."""
    head = text[:cursor]
    match = _WORD.search(head)
    begun = match[0] if match else ""
    start = len(head) - len(begun)
    before = _BEFORE.search(head[:start])
    items = _values(engine, before[1].lower(), bool(before[2]), begun) if before else []
    if not items:
        items = [item for item in _words() if item["label"].startswith(begun.lower())]
        items.sort(key=lambda item: (item["kind"] == "field", len(item["label"]), item["label"]))
    return {"from": start, "to": len(head), "items": items[:MOST]}


def _values(engine: Engine, name: str, compared: bool, begun: str) -> list[dict[str, Any]]:  # noqa: FBT001 - one of two ways
    """Return values of a field that were seen."""
    by = VALUED.get(name) or (name if compared and name in FAST else None)
    if by is None or by in {"sport", "dport"}:
        return []
    words = engine.columns.vocabulary(by).words
    known = [word for word in words[1:] if word.lower().startswith(begun.lower()) and '"' not in word]
    return [
        {"insert": word if re.fullmatch(r"[\w.:/-]+", word) else f'"{word}"', "label": word, "kind": "value", "doc": ""}
        for word in sorted(known[: MOST * 40], key=lambda word: (len(word), word))[:MOST]
    ]


@functools.cache
def _words() -> list[dict[str, Any]]:
    """Return the words of the language."""
    from topics.fields import fields
    from topics.filter import words

    known: dict[str, tuple[str, str]] = {name: ("field", field.doc) for name, field in fields().items()}
    known |= dict.fromkeys(words.every_word(), ("keyword", ""))
    known |= {name: ("field", field.doc) for name, field in fields().items() if name not in words.VALUE_TYPES}
    known |= dict.fromkeys((*words.STATES, *words.TCP_OPTIONS, *words.FLAGS), ("state", ""))
    known |= dict.fromkeys(words.PROTOCOLS, ("protocol", ""))
    known |= dict.fromkeys(words.COMPARISONS, ("operator", ""))
    return [{"insert": f"{word} ", "label": word, "kind": kind, "doc": doc} for word, (kind, doc) in known.items()]
