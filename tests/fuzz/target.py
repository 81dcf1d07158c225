"""What a fuzz target is, and where its corpus lies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from random import Random

CORPUS = Path(__file__).parent / "corpus"


class Target(ABC):
    """One decoder under attack; `name` is also the directory of its corpus, a file an input."""

    name: str
    batch = 64  # inputs taken at a time

    @abstractmethod
    def seeds(self) -> Mapping[str, bytes]:
        """Return what its corpus begins with, by file name."""

    @abstractmethod
    def run(self, inputs: Sequence[bytes], random: Random) -> Sequence[Hashable]:
        """Decode the inputs and say for each what became of it; raise AssertionError when a promise is broken."""

    def corpus(self) -> list[bytes]:
        """Return the inputs in the repository."""
        return [path.read_bytes() for path in sorted((CORPUS / self.name).iterdir())]
