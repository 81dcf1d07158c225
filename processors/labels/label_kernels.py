"""Kernels of labelling: keys to numbers, and texts gathered behind each other."""

# ruff: noqa: ANN401 - arrays and integers that only Numba types

from __future__ import annotations

from typing import Any

import numpy as np

from processors.hashing_kernel import are_same, hashed
from topics.compiled import borrowed, kernel

U = np.uint64


@kernel
def number(keys: Any, known: Any, slots: Any, count: int, numbers: Any) -> int:
    """Write to `numbers` (int64[n]) which of `known` each key (uint64, shape (n, words)) is, new ones put behind them.

    `known` (uint64) has `count` keys and room for n more; `slots` (int32, 0 where empty, a power of two long, more than
    as many as `known`) holds their numbers plus 1 by hash. Returns how many keys are known now.
    """
    keys, known, slots, numbers = borrowed(keys), borrowed(known), borrowed(slots), borrowed(numbers)
    mask = U(len(slots) - 1)
    for row in range(len(keys)):
        slot = hashed(keys, row) & mask
        while True:
            found = np.int64(slots[slot]) - 1
            if found < 0:
                slots[slot] = count + 1
                for word in range(keys.shape[1]):
                    known[count, word] = keys[row, word]
                found = np.int64(count)
                count += 1
                break
            if are_same(keys, row, known, found):
                break
            slot = (slot + U(1)) & mask
        numbers[row] = found
    return count


@kernel
def ends(
    sources: Any,
    targets: Any,
    ethertypes: Any,
    ip: Any,
    source_first: Any,
    target_first: Any,
    begun: Any,
    keys: Any,
    pairs: Any,
    starts: Any,
    is_ip: Any,
) -> None:
    """Write what flows are looked up by, in one pass over columns of records.

    To `keys` (uint8, shape (2n, 16)) all sources, then all targets, to `pairs` (uint8, shape (n, 32)) both side by
    side; to `starts` (int64, ns) when each flow began, by its first packets where `begun` does not say; to `is_ip`
    whether its ethertype is one of `ip`.
    """
    sources, targets, keys, pairs = borrowed(sources), borrowed(targets), borrowed(keys), borrowed(pairs)
    count = len(sources)
    for row in range(count):
        for place in range(16):
            source, target = sources[row, place], targets[row, place]
            keys[row, place], keys[count + row, place] = source, target
            pairs[row, place], pairs[row, 16 + place] = source, target
        first, second = source_first[row], target_first[row]
        if first <= 0 or 0 < second < first:
            first = second
        starts[row] = begun[row] if begun[row] > 0 else first
        found = False
        for each in ip:
            found |= ethertypes[row] == each
        is_ip[row] = found


@kernel
def measure(parts: Any, lengths: Any, found: Any) -> int:
    """Write to `found` (int64) how long the texts of each row of `parts` (int32, shape (n, kinds)) are together.

    Text i has `lengths[i]` (int64) bytes. Returns how long all are.
    """
    parts, lengths, found = borrowed(parts), borrowed(lengths), borrowed(found)
    total = 0
    for row in range(len(parts)):
        length = 0
        for kind in range(parts.shape[1]):
            length += lengths[U(parts[row, kind])]
        found[row] = length
        total += length
    return total


@kernel
def gather(parts: Any, begins: Any, lengths: Any, texts: Any, out: Any, used: int) -> int:
    """Write the texts that each row of `parts` (int32, shape (n, kinds)) numbers into `out` from `used` on.

    Text i is `lengths[i]` bytes of `texts` (uint8) from `begins[i]` (int64) on. Returns how much of `out` is used.
    """
    parts, begins, lengths = borrowed(parts), borrowed(begins), borrowed(lengths)
    texts, out = borrowed(texts), borrowed(out)
    for row in range(len(parts)):
        for kind in range(parts.shape[1]):
            part = U(parts[row, kind])
            begin, length = begins[part], lengths[part]
            for place in range(length):
                out[U(used + place)] = texts[U(begin + place)]
            used += length
    return used
