"""What was learned of a feed: which share of the packets from somewhere comes again, over which path, and how late."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.duplicates import layout as at
from probes.duplicates.fingerprint import FIRST, SECOND
from topics.compiled import bit_length, inlined

HALF = np.uint64(32)


@inlined
def bucket_of(lag: int) -> Any:
    """Return the power of two of a lag in ns."""
    return min(max(bit_length(lag) - 1, 0), at.LAG_BUCKETS - 1)


@inlined
def _mixed(a: int, b: int) -> Any:
    """Return a key of two words, its low bits good for a place."""
    first, second = np.uint64(a), np.uint64(b)
    x = ((first ^ (first >> HALF)) * FIRST) ^ ((second ^ (second >> HALF)) * SECOND)
    return np.int64(x ^ (x >> HALF))


@inlined
def _row_of(table: Any, key: Any) -> Any:
    """Return the number of the row of a key, which takes that of the rarest of a few when it has none."""
    first = key & (at.PATHS - 1)
    rarest = first
    for step in range(at.NEIGHBOURS):
        place = (first + step) & (at.PATHS - 1)
        if table[place, 0] == key:
            return place
        if table[place, 1] < table[rarest, 1]:
            rarest = place
    table[rarest] = 0
    table[rarest, 0] = key
    return rarest


@inlined
def source_of(sources: Any, signature: int) -> Any:
    """Return the number of where a packet came from, whatever its TTL."""
    return _row_of(sources, _mixed(signature & ~at.TTL_BITS, 0))


@inlined
def path_of(paths: Any, first: int, again: int) -> Any:
    """Return the number of the path between how a packet came first and again: VLANs, MACs, and steps of TTL."""
    steps = (again & at.TTL_BITS) - (first & at.TTL_BITS)
    return _row_of(paths, _mixed(first & ~at.TTL_BITS, (again & ~at.TTL_BITS) + steps))


@inlined
def is_usual(path: Any, source: Any, lag: int, least: int) -> Any:
    """Tell whether copies take this path, for a large share of what comes from the source, and about as late.

    That takes `least` repetitions.
    """
    runs = path[at.PATH_RUNS]
    if runs < least or runs < at.LEAST_SHARE * source[at.SOURCE_PACKETS] or path[at.PATH_MORE] > at.MOST_MORE * runs:
        return False  # senders that say the same again and again do not stop after one repetition
    bucket = bucket_of(lag)
    near = 0
    for each in range(max(0, bucket - 1), min(at.LAG_BUCKETS, bucket + 2)):
        near += path[at.PATH_LAGS + each]
    return near >= at.LEAST_LAG_SHARE * runs


@inlined
def forget_half(paths: Any, sources: Any) -> None:
    """Let what was learned weigh half, so that a feed that changes is learned anew."""
    for place in range(at.PATHS):
        sources[place, at.SOURCE_PACKETS] >>= 1
        if paths[place, at.PATH_RUNS]:
            for word in range(at.PATH_RUNS, at.PATH_WORDS):
                paths[place, word] >>= 1
