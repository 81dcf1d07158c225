"""What stands beside a committed offset: words of the form NAME=VALUE."""

from __future__ import annotations

NUMBERS = "numbers"


def words(text: str | None) -> dict[str, str]:
    """Return the values by name; nothing of any other text."""
    return dict(word.split("=", 1) for word in (text or "").split(" ") if "=" in word)


def whole_number(text: str | None, name: str) -> int | None:
    """Return a whole number that is noted; None where there is none."""
    found = words(text).get(name, "")
    return int(found) if found.isdecimal() else None


def numbers(text: str | None) -> str:
    """Return the batches seen, as `BatchNumbers` wrote them; nothing where there are none."""
    return words(text).get(NUMBERS, "")
