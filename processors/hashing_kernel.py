"""Where a key of words belongs in a hash table: used by all tables whose keys are rows of words."""

# ruff: noqa: ANN401 - arrays and integers that only Numba types

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import inlined

U = np.uint64


@inlined
def hashed(keys: Any, row: int) -> Any:
    """Fold the words of a key, a row of `keys` (uint64), into one (the finaliser of SplitMix64 on each)."""
    found = U(0)
    for word in range(keys.shape[1]):
        found = (found ^ keys[row, word]) + U(0x9E3779B97F4A7C15)
        found = (found ^ (found >> U(30))) * U(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> U(27))) * U(0x94D049BB133111EB)
        found = found ^ (found >> U(31))
    return found


@inlined
def are_same(keys: Any, row: int, known: Any, place: Any) -> bool:
    """Tell whether a row of `keys` and one of `known` (uint64, as wide) are the same key."""
    same = True
    for word in range(keys.shape[1]):
        same &= known[place, word] == keys[row, word]
    return same
