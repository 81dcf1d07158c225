"""The table of flows that are merged column by column: keys and where to find them, for kernels that need no Numba."""

from __future__ import annotations

import secrets

import numpy as np

from processors.merge import column_layout as at
from processors.merge.lanes import longer
from topics.native import Native, address_of

_enter_all = Native("processors.merge.assigning_kernels", "enter_all", 4)


class ColumnTable:
    """Keys by their hashes, as KeyTable has them; slots are given out one after the other, and none is given up.

    `keys` int64[capacity, key_words]; `hashes` uint64[capacity]; `marks` int64[capacity, MARKS]; `index` uint64;
    `flows` int64[1], how many slots are given out; `told` what kernels are told of all these. `seed` keeps collisions
    from being made on purpose.
    """

    def __init__(self, capacity: int, key_words: int) -> None:
        self.seed = secrets.randbits(63)  # kernels take signed words
        self.keys = np.empty((capacity, key_words), np.int64)
        self.hashes = np.empty(capacity, np.uint64)
        self.marks = np.empty((capacity, at.MARKS), np.int64)
        self.flows = np.zeros(1, np.int64)
        self.index = np.zeros(_index_size(capacity), np.uint64)
        self.told = self._told()

    def __len__(self) -> int:
        """Return the capacity."""
        return len(self.keys)

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` flows."""
        self.keys, self.hashes, self.marks = (longer(each, capacity) for each in (self.keys, self.hashes, self.marks))
        self.index = np.zeros(_index_size(capacity), np.uint64)
        _enter_all(address_of(self.index), len(self.index), address_of(self.hashes), int(self.flows[0]))
        self.told = self._told()

    def _told(self) -> tuple[int, ...]:
        """Return what `assign` is told of the table; asking for each address takes a while."""
        index, keys, hashes, marks, flows = (
            address_of(each) for each in (self.index, self.keys, self.hashes, self.marks, self.flows)
        )
        return self.seed, index, len(self.index), keys, self.keys.shape[1], len(self), hashes, marks, flows


def _index_size(capacity: int) -> int:
    return 1 << max(4, (2 * capacity - 1).bit_length())
