"""Block lists of millions of addresses or names, in sorted arrays: 16 bytes an address, 8 a name."""

from __future__ import annotations

import re
from fnmatch import translate
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from processors.labels.prefixes import Addresses, Prefixes

LONGEST_NAME = 1020  # of 255 bytes, each written as its number
MOST_PATTERNS = 10_000
_NAME = re.compile(r"[^\s,;/]+")


class AddressSet:
    """Addresses (16 bytes each), and networks."""

    def __init__(self, addresses: list[bytes], networks: Prefixes) -> None:
        self._addresses: Any = np.unique(np.array(addresses, "S16"))
        self._networks = networks
        networks.freeze()

    def __len__(self) -> int:
        return len(self._addresses) + len(self._networks)

    def holds(self, addresses: Addresses) -> list[bool]:
        """Tell which addresses (S16) are listed, or lie in a network that is."""
        found = np.fromiter(map(bool, self._networks.facts(addresses)), np.bool_, len(addresses))
        if len(self._addresses):
            places = np.minimum(np.searchsorted(self._addresses, addresses), len(self._addresses) - 1)
            found |= self._addresses[places] == addresses
        return list(found.tolist())


class NameSet:
    """Names by a hash of 64 bits, exact or with all below them, and patterns. `freeze` before asking."""

    def __init__(self) -> None:
        self._added: tuple[list[int], list[int]] = ([], [])
        self._exact: Any = np.zeros(0, np.uint64)
        self._below: Any = np.zeros(0, np.uint64)
        self._patterns: list[str] = []
        self._pattern: re.Pattern[str] | None = None

    def add(self, text: str) -> None:
        """Add a name or pattern; raises ValueError for what is none."""
        name = text.lower().rstrip(".")
        if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise ValueError(f"'{text[:60]}' is no name")
        rest = name[2:] if name.startswith("*.") else name.lstrip(".")
        if "*" in rest or "?" in rest:
            if len(self._patterns) >= MOST_PATTERNS:
                raise ValueError(f"more than {MOST_PATTERNS} patterns")
            self._patterns.append(translate(name))
            return
        if name.startswith((".", "*.")):
            self._added[1].append(_hash(rest))
        if not name.startswith("*."):
            self._added[0].append(_hash(rest))

    def freeze(self) -> None:
        """Make what was added ready to be asked for."""
        self._exact, self._below = (np.unique(np.array(numbers, np.uint64)) for numbers in self._added)
        self._added = ([], [])
        self._pattern = re.compile("|".join(self._patterns)) if self._patterns else None

    def holds(self, name: str) -> bool:
        """Tell whether a name, in lower case, is listed."""
        if _among(self._exact, _hash(name)):
            return True
        if len(self._below):
            rest = name
            while "." in rest:
                rest = rest.partition(".")[2]
                if _among(self._below, _hash(rest)):
                    return True
        return self._pattern is not None and self._pattern.match(name) is not None


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())


def _among(numbers: Any, number: int) -> bool:  # noqa: ANN401 - uint64, sorted
    place = int(np.searchsorted(numbers, np.uint64(number)))
    return place < len(numbers) and int(numbers[place]) == number
