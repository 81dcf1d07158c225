"""Finding flows: an open-addressing hash index over the rows of the flow table.

The index holds the upper half of a hash and row + 1 as uint64, 0 where empty. A place is named by the lower bits of
that half, so that the index alone tells where its entries belong. Rows are found by linear probing and taken out by
shifting their followers back: no tombstones gather. The hash is keyed, or senders could choose where their flows go;
what is in records does not depend on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.decode import headers as h
from probes.flows import layout as at
from topics.compiled import folded_product, inlined, kernel

NOT_FOUND = -1
OUT_OF_USE = -1  # as ports, which no key has
ROW_MASK = np.uint64(0xFFFFFFFF)
HASH_SHIFT = np.uint64(32)


@inlined
def mix(a: Any, b: Any) -> Any:
    """Fold one 64-bit word into a hash (the finaliser of SplitMix64)."""
    x = np.uint64(a) ^ (np.uint64(b) + np.uint64(0x9E3779B97F4A7C15))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@inlined
def identity(key: Any) -> Any:
    """Return a hash of a key that is the same in every run (uint64): the beginning of a flow's id."""
    hashed = mix(mix(key[at.A_LOW], key[at.B_LOW]), key[at.PROTOCOL_PORTS])
    return mix(hashed, key[at.A_HIGH] ^ (key[at.B_HIGH] << 1) ^ key[at.DISCRIMINATOR])


@inlined
def _hash(key: Any, settings: Any) -> Any:
    """Return a hash of a key; its products do not wait for each other."""
    first, second = np.uint64(settings[at.FIRST_SECRET]), np.uint64(settings[at.SECOND_SECRET])
    lows = folded_product(np.uint64(key[at.A_LOW]) ^ first, np.uint64(key[at.B_LOW]) ^ second)
    highs = folded_product(np.uint64(key[at.A_HIGH]) ^ second, np.uint64(key[at.B_HIGH]) ^ first)
    rest = np.uint64(key[at.PROTOCOL_PORTS]) ^ (first + second)
    return lows + highs + folded_product(rest, np.uint64(key[at.DISCRIMINATOR]) ^ (first - second))


@inlined
def make_key(row: Any, key: Any, settings: Any) -> Any:
    """Write the canonical key of a packet (int64[KEY_WORDS]); return 1 when its sender is the second end of the key."""
    a_port, b_port = row[h.SRC_PORT], row[h.DST_PORT]
    turned = 0
    if row[h.ORDER] in (h.CANONICAL, h.ENDS):
        if row[h.SRC_HIGH] != row[h.DST_HIGH]:
            turned = 1 if row[h.SRC_HIGH] > row[h.DST_HIGH] else 0
        elif row[h.SRC_LOW] != row[h.DST_LOW]:
            turned = 1 if row[h.SRC_LOW] > row[h.DST_LOW] else 0
        else:
            turned = 1 if a_port > b_port else 0
        if turned and row[h.ORDER] == h.CANONICAL:
            a_port, b_port = b_port, a_port
    elif row[h.ORDER] == h.REVERSE:
        turned = 1  # the decoder has put the ports in the order of the request
    if turned:
        key[at.A_HIGH], key[at.A_LOW] = row[h.DST_HIGH], row[h.DST_LOW]
        key[at.B_HIGH], key[at.B_LOW] = row[h.SRC_HIGH], row[h.SRC_LOW]
    else:
        key[at.A_HIGH], key[at.A_LOW] = row[h.SRC_HIGH], row[h.SRC_LOW]
        key[at.B_HIGH], key[at.B_LOW] = row[h.DST_HIGH], row[h.DST_LOW]
    key[at.PROTOCOL_PORTS] = (row[h.ETHERTYPE] << 40) | (row[h.PROTOCOL] << 32) | (a_port << 16) | b_port
    key[at.DISCRIMINATOR] = row[h.DISCRIMINATOR]
    key[at.HASH] = np.int64(_hash(key, settings))
    return turned


@inlined
def place_of(index: Any, hashed: Any) -> Any:
    """Return where in the index a hash belongs."""
    return np.uint64(hashed) >> HASH_SHIFT & np.uint64(len(index) - 1)


@inlined
def is_of(a: Any, b: Any) -> Any:
    """Tell whether a row, whose key is the first one, belongs to a key; one that is out of use belongs to none."""
    return (
        a[at.A_LOW] == b[at.A_LOW]
        and a[at.B_LOW] == b[at.B_LOW]
        and a[at.PROTOCOL_PORTS] == b[at.PROTOCOL_PORTS]
        and a[at.DISCRIMINATOR] == b[at.DISCRIMINATOR]
        and a[at.A_HIGH] == b[at.A_HIGH]
        and a[at.B_HIGH] == b[at.B_HIGH]
    )


@inlined
def find(index: Any, keys: Any, key: Any) -> Any:
    """Return the row of a key, NOT_FOUND when it has none."""
    mask = np.uint64(len(index) - 1)
    tag = np.uint64(key[at.HASH]) >> HASH_SHIFT
    place = tag & mask
    while True:
        entry = index[place]
        if entry == 0:
            return NOT_FOUND
        if entry >> HASH_SHIFT == tag:
            row = np.int64(entry & ROW_MASK) - 1
            if is_of(keys[row], key):
                return row
        place = (place + np.uint64(1)) & mask


@inlined
def likely(index: Any, key: Any) -> Any:
    """Return the row whose hash has the same tag, without a look at its key: good enough to prefetch."""
    mask = np.uint64(len(index) - 1)
    tag = np.uint64(key[at.HASH]) >> HASH_SHIFT
    place = tag & mask
    while True:
        entry = index[place]
        if entry == 0:
            return NOT_FOUND
        if entry >> HASH_SHIFT == tag:
            return np.int64(entry & ROW_MASK) - 1
        place = (place + np.uint64(1)) & mask


@inlined
def insert(index: Any, hashed: int, row: int) -> None:
    """Enter a row under its hash; the caller knows that the key is new."""
    mask = np.uint64(len(index) - 1)
    place = place_of(index, hashed)
    while index[place] != 0:
        place = (place + np.uint64(1)) & mask
    index[place] = (np.uint64(hashed) >> HASH_SHIFT << HASH_SHIFT) | np.uint64(row + 1)


@inlined
def remove(index: Any, keys: Any, row: int) -> None:
    """Take a row out of the index, and out of use."""
    mask = np.uint64(len(index) - 1)
    place = place_of(index, keys[row, at.HASH])
    while np.int64(index[place] & ROW_MASK) != row + 1:
        place = (place + np.uint64(1)) & mask
    hole = place
    while True:
        place = (place + np.uint64(1)) & mask
        entry = index[place]
        if entry == 0:
            break
        home = place_of(index, entry)
        if (place - home) & mask >= (place - hole) & mask:
            index[hole] = entry
            hole = place
    index[hole] = 0
    keys[row, at.PROTOCOL_PORTS] = OUT_OF_USE


@kernel
def rebuild(index: Any, keys: Any, rows: Any) -> None:
    """Enter the given rows into an empty index."""
    for row in rows:
        insert(index, keys[row, at.HASH], row)
