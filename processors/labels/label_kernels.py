"""Kernels of labelling: keys to numbers, and texts gathered behind each other."""

# ruff: noqa: ANN401 - arrays and integers that only Numba types

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import borrowed, inlined, kernel

U = np.uint64


@inlined
def _hashed(keys: Any, row: int) -> Any:
    """Fold the words of a key (the finaliser of SplitMix64 on each)."""
    found = U(0)
    for word in range(keys.shape[1]):
        found = (found ^ keys[row, word]) + U(0x9E3779B97F4A7C15)
        found = (found ^ (found >> U(30))) * U(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> U(27))) * U(0x94D049BB133111EB)
        found = found ^ (found >> U(31))
    return found


@kernel
def number(keys: Any, known: Any, slots: Any, count: int, numbers: Any) -> int:
    """Write to `numbers` (int64[n]) which of `known` each key (uint64, shape (n, words)) is, new ones put behind them.

    `known` (uint64) has `count` keys and room for n more; `slots` (int32, 0 where empty, a power of two long, more than
    as many as `known`) holds their numbers plus 1 by hash. Returns how many keys are known now.
    """
    keys, known, slots, numbers = borrowed(keys), borrowed(known), borrowed(slots), borrowed(numbers)
    mask = U(len(slots) - 1)
    for row in range(len(keys)):
        slot = _hashed(keys, row) & mask
        while True:
            found = np.int64(slots[slot]) - 1
            if found < 0:
                slots[slot] = count + 1
                for word in range(keys.shape[1]):
                    known[count, word] = keys[row, word]
                found = np.int64(count)
                count += 1
                break
            same = True
            for word in range(keys.shape[1]):
                same &= known[found, word] == keys[row, word]
            if same:
                break
            slot = (slot + U(1)) & mask
        numbers[row] = found
    return count


@kernel
def gather(parts: Any, begins: Any, lengths: Any, texts: Any, out: Any, used: int) -> int:
    """Write the texts that each row of `parts` (int32, shape (n, kinds)) numbers into `out` from `used` on.

    Text i is `lengths[i]` bytes of `texts` (uint8) from `begins[i]` (int64) on. Returns how much of `out` is used.
    """
    parts, begins, lengths = borrowed(parts), borrowed(begins), borrowed(lengths)
    texts, out = borrowed(texts), borrowed(out)
    for row in range(len(parts)):
        for kind in range(parts.shape[1]):
            part = parts[row, kind]
            begin, length = begins[part], lengths[part]
            for place in range(length):
                out[U(used + place)] = texts[U(begin + place)]
            used += length
    return used
