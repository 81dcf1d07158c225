"""Block lists of millions of addresses or names, in sorted arrays: 16 bytes an address, 8 a name."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING, Any

import numpy as np

from processors.names.table import name_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from processors.labels.prefixes import Addresses, Prefixes

Flags = np.ndarray[Any, np.dtype[np.bool_]]

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

    def holds(self, addresses: Addresses) -> Flags:
        """Tell which addresses (S16) are listed, or lie in a network that is."""
        listed: Flags = self._networks.places(addresses) != 0
        return listed | _among(self._addresses, addresses)


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
            self._added[1].append(name_number(rest))
        if not name.startswith("*."):
            self._added[0].append(name_number(rest))

    def freeze(self) -> None:
        """Make what was added ready to be asked for."""
        self._exact, self._below = (np.unique(np.array(numbers, np.uint64)) for numbers in self._added)
        self._added = ([], [])
        self._pattern = re.compile("|".join(self._patterns)) if self._patterns else None

    def holds(self, names: Sequence[str]) -> Flags:
        """Tell which names, in lower case, are listed."""
        found = _among(self._exact, np.array([name_number(name) for name in names], np.uint64))
        if len(self._below):
            above = [(place, name_number(rest)) for place, name in enumerate(names) for rest in _above(name)]
            places, numbers = np.array(above, np.uint64).reshape(-1, 2).T
            found[places[_among(self._below, numbers)].astype(np.int64)] = True
        if self._pattern is not None:
            for place in np.flatnonzero(~found).tolist():
                found[place] = self._pattern.match(names[place]) is not None
        return found


def _above(name: str) -> Iterator[str]:
    """Yield the names that a name lies below."""
    rest = name
    while "." in rest:
        rest = rest.partition(".")[2]
        yield rest


def _among(listed: Any, asked: Any) -> Flags:  # noqa: ANN401 - of one dtype, the first one sorted
    if not len(listed):
        return np.zeros(len(asked), np.bool_)
    found: Flags = listed[np.minimum(np.searchsorted(listed, asked), len(listed) - 1)] == asked
    return found
