"""The word somebody probably meant, for messages about a word nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word closest to `word`, None when nothing comes near."""
    from difflib import get_close_matches

    spelled = {candidate.lower(): candidate for candidate in known}
    swapped = [candidate for candidate in spelled if sorted(candidate) == sorted(word.lower())]
    if swapped:
        return spelled[swapped[0]]
    found = get_close_matches(word.lower(), spelled, n=1, cutoff=0.6)
    return spelled[found[0]] if found else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` to end a message with, empty when nothing comes near."""
    found = nearest(word, known)
    return f"; did you mean '{found}'?" if found else ""
