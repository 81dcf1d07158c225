"""What the footer of a file says of its columns: which of them say nothing in any record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from topics.schema import flow_fields

if TYPE_CHECKING:
    from collections.abc import Collection

METADATA_KEY = "argosy.silent"
MOST_TEXT = 1 << 16  # characters of the list
# Not words, which take no time to read, and not when a flow began, which a lean file is without.
CANDIDATES = frozenset(
    field.name for field in flow_fields() if field.kind != "enum" and field.name not in {"observer", "flow_start"}
)


def encoded(names: Collection[str]) -> str:
    """Return names of columns as the footer has them."""
    return json.dumps(sorted(names), separators=(",", ":"))


def decoded(text: str | None) -> frozenset[str]:
    """Return the names that a footer has; none where it has no list of them."""
    try:
        found = json.loads(text) if text is not None and len(text) <= MOST_TEXT else []
    except ValueError:
        return frozenset()
    return CANDIDATES & {word for word in found if isinstance(word, str)} if isinstance(found, list) else frozenset()
