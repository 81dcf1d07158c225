"""The fields that a filter may name, and what each holds: by it a word is read as number, time or text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from topics.fields import field, fields

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class Form(Protocol):
    """What a field holds (number, time, text or bytes), and its units in one that is written."""

    @property
    def holds(self) -> str:
        """Return one of those words."""

    @property
    def scale(self) -> float:
        """Return by how much a written number is multiplied."""


class Vocabulary(NamedTuple):
    """The names there are, and the form of each."""

    names: Callable[[], Collection[str]]
    form: Callable[[str], Form]


FLOWS = Vocabulary(fields, lambda name: field(name).format)
