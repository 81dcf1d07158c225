"""What was put out before a restart: records that are in it already are passed over when the input is read again.

The flows of one conversation follow each other without overlap, so one number a conversation is enough: the position
of the last record that is in a flow that was put out. A position is an input offset and a row of its batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.merge.conversation import conversation_key, settle
from processors.merge.layout import KEY_WORDS
from processors.merge.records import borrowed_views, views
from processors.merge.table import NOT_FOUND, Int64, KeyTable, copy_key, find, insert
from topics.compiled import borrowed, inlined, kept, kernel

ROW_BITS = 20  # a message of 896 KiB holds far fewer records
FIRST_CAPACITY = 1 << 10
LAST_ROW = (1 << ROW_BITS) - 1


def position(offset: int) -> int:
    """Return the position of the first record of the batch at an input offset."""
    return offset << ROW_BITS


def offset_of(at: int) -> int:
    """Return the input offset of a position."""
    return at >> ROW_BITS


@inlined
def position_of(first: Any, row: Any) -> Any:
    """Return the position of a row, given that of the first one of its batch."""
    return first + min(row, LAST_ROW)


@kernel
def _remember(
    record: Any, positions: Any, seed: Any, index: Any, keys: Any, hashes: Any, occupied: Any, latest: Any, used: Any
) -> Any:
    """Note the highest position of each conversation; return how many are known now."""
    record = borrowed_views(record)
    own_key = np.empty(KEY_WORDS, np.int64)
    key, keys, index = borrowed(own_key), borrowed(keys), borrowed(index)
    for row in range(len(positions)):
        hashed = conversation_key(record, row, True, seed, key)
        settle(key)
        slot, _ = find(index, keys, key, hashed)
        if slot == NOT_FOUND:
            slot = used
            used += 1
            copy_key(keys, slot, key)
            hashes[slot], occupied[slot] = hashed, 1
            latest[slot, 0] = positions[row]
            insert(index, hashed, slot)
        else:
            latest[slot, 0] = max(latest[slot, 0], positions[row])
    kept(own_key)
    return used


@kernel
def _accounted(record: Any, first: Any, seed: Any, index: Any, keys: Any, latest: Any, skipped: Any) -> None:
    """Mark the records that are in a flow that was put out."""
    record = borrowed_views(record)
    own_key = np.empty(KEY_WORDS, np.int64)
    key, keys, index = borrowed(own_key), borrowed(keys), borrowed(index)
    for row in range(len(skipped)):
        hashed = conversation_key(record, row, True, seed, key)
        settle(key)
        slot, _ = find(index, keys, key, hashed)
        skipped[row] = slot != NOT_FOUND and position_of(first, row) <= latest[slot, 0]
    kept(own_key)


class Recovered:
    """The last position put out of every conversation of one source."""

    def __init__(self) -> None:
        self._table = KeyTable(FIRST_CAPACITY, KEY_WORDS, 1)
        self._used = 0
        self._newest = -1

    def add(self, records: Int64, positions: Int64) -> None:
        """Note flows that were put out: int64 rows of records, and the position of the last record in each."""
        table, needed = self._table, self._used + len(records)
        if needed > len(table):
            table.grow(1 << (needed - 1).bit_length())
        index, keys, latest = table.index, table.keys, table.marks
        self._used = _remember(
            views(records), positions, table.seed, index, keys, table.hashes, table.occupied, latest, self._used
        )
        self._newest = max(self._newest, int(positions.max(initial=-1)))

    def is_behind(self, at: int) -> bool:
        """Whether all that was noted lies before a position, so that nothing has to be passed over any more."""
        return self._newest < at

    def skipped(self, records: Int64, at: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return a mask, uint8[n], of the records (int64 rows, the first at position `at`) to pass over."""
        table = self._table
        mask = np.zeros(len(records), np.uint8)
        _accounted(views(records), at, table.seed, table.index, table.keys, table.marks, mask)
        return mask
