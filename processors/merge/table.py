"""The table of flows: records in slots, found by key through an open-addressing hash index.

The index holds (upper half of the hash << 32 | slot + 1) as uint64, 0 where empty. It is probed linearly, at most half
full, and a flow is taken out by moving its followers back, so that no tombstones gather. The hash is seeded anew in
every process: nobody can send traffic whose keys collide, and what comes out never depends on it.
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from processors.merge import conversation
from processors.merge.conversation import has_other_way, is_turned, mix
from processors.merge.heap import HEAP_LIMIT, Octets, compact, heap_size
from processors.merge.layout import KEY_WORDS as CONVERSATION_WORDS
from processors.merge.records import copy_record, views
from processors.merge.rules import RECORD_WORDS
from topics.compiled import borrowed, inlined, kernel, prefetch

NOT_FOUND = -1
SLOT_MASK = np.uint64(0xFFFFFFFF)
TAG_SHIFT = np.uint64(32)
FIRST_HEAP = 1 << 12
AHEAD = 8  # flows asked for before they are copied
WORDS_A_LINE = 8  # int64 in a cache line
COMPARED = conversation.COMPARED

Int64 = np.ndarray[Any, np.dtype[np.int64]]
Array = np.ndarray[Any, Any]


@inlined
def _equal(stored: Any, key: Any, words: Any) -> Any:
    word = 0
    while word < words and stored[word] == key[word]:
        word += 1
    return word == words


@inlined
def find(index: Any, keys: Any, key: Any, hashed: Any) -> Any:
    """Return (slot, 0) of the flow with this key, (slot, 1) of one with the other direction's, or (NOT_FOUND, 0).

    Conversation keys are CONVERSATION_WORDS wide, all others have another width and one direction.
    """
    is_conversation = len(key) == CONVERSATION_WORDS
    both_ways = is_conversation and has_other_way(key)
    words = COMPARED if is_conversation else len(key)
    mask = np.uint64(len(index) - 1)
    tag = hashed >> TAG_SHIFT
    place = hashed & mask
    turned: Any = NOT_FOUND
    while index[place] != 0:
        entry = index[place]
        if entry >> TAG_SHIFT == tag:
            slot = np.int64(entry & SLOT_MASK) - 1
            if _equal(keys[slot], key, words):
                return slot, 0
            if both_ways and is_turned(keys[slot], key):
                turned = slot
        place = (place + np.uint64(1)) & mask
    return turned, np.int64(turned != NOT_FOUND)


@inlined
def copy_key(keys: Any, slot: Any, key: Any) -> None:
    """Store a key: word by word, since assigning the row would compile NumPy's messages about shapes."""
    for word in range(len(key)):
        keys[slot, word] = key[word]


@inlined
def insert(index: Any, hashed: Any, slot: Any) -> None:
    """Enter a slot under its hash; the caller knows that its key is new."""
    mask = np.uint64(len(index) - 1)
    place = hashed & mask
    while index[place] != 0:
        place = (place + np.uint64(1)) & mask
    index[place] = (hashed >> TAG_SHIFT << TAG_SHIFT) | np.uint64(slot + 1)


@inlined
def remove(index: Any, hashes: Any, slot: Any) -> None:
    """Take a slot out of the index."""
    mask = np.uint64(len(index) - 1)
    place = hashes[slot] & mask
    while np.int64(index[place] & SLOT_MASK) != slot + 1:
        place = (place + np.uint64(1)) & mask
    hole = place
    while True:
        place = (place + np.uint64(1)) & mask
        entry = index[place]
        if entry == 0:
            break
        home = hashes[np.int64(entry & SLOT_MASK) - 1] & mask
        if (place - home) & mask >= (place - hole) & mask:
            index[hole] = entry
            hole = place
    index[hole] = 0


@inlined
def prefetch_index(index: Any, hashed: Any) -> None:
    """Ask for the memory in which a key of this hash is looked up first."""
    prefetch(index, np.int64(hashed & np.uint64(len(index) - 1)))


@inlined
def likely(index: Any, hashed: Any) -> Any:
    """Return the slot whose hash has the same tag, without a look at its key: good enough to prefetch."""
    mask = np.uint64(len(index) - 1)
    place = hashed & mask
    while index[place] != 0:
        if index[place] >> TAG_SHIFT == hashed >> TAG_SHIFT:
            return np.int64(index[place] & SLOT_MASK) - 1
        place = (place + np.uint64(1)) & mask
    return NOT_FOUND


@inlined
def prefetch_flow(flows: Any, slot: Any) -> None:
    """Ask for the memory of a flow."""
    for word in range(0, RECORD_WORDS, WORDS_A_LINE):
        prefetch(flows[slot], word)


@kernel
def _enter_all(index: Any, hashes: Any, occupied: Any) -> None:
    for slot in range(len(occupied)):
        if occupied[slot]:
            insert(index, hashes[slot], slot)


@kernel
def collect(flows: Any, order: Any, rows: Any) -> None:
    """Copy the flows in the slots that `order` names to `rows`."""
    flows, rows = borrowed(flows), borrowed(rows)
    for row in range(len(order)):
        if row + AHEAD < len(order):
            prefetch_flow(flows, order[row + AHEAD])
        copy_record(rows, row, flows, order[row])


@inlined
def hash_words(key: Any, seed: Any) -> Any:
    """Return the hash of a key of any width."""
    hashed = seed
    for word in key:
        hashed = mix(hashed ^ np.uint64(word))
    return hashed


class KeyTable:
    """Keys and where to find them. The arrays grow together; a slot keeps its number.

    `keys` int64[capacity, key_words]; `hashes` uint64[capacity]; `occupied` uint8[capacity]; `marks` int64[capacity,
    mark_words] for what the user of the table notes about each key; `index` uint64.
    """

    def __init__(self, capacity: int, key_words: int, mark_words: int) -> None:
        self.seed = np.uint64(secrets.randbits(64))
        self.keys = np.empty((capacity, key_words), np.int64)
        self.hashes = np.empty(capacity, np.uint64)
        self.occupied = np.zeros(capacity, np.uint8)
        self.marks = np.empty((capacity, mark_words), np.int64)
        self.index = np.zeros(_index_size(capacity), np.uint64)

    def __len__(self) -> int:
        """Return the capacity."""
        return len(self.keys)

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` keys."""
        used = len(self)
        for name in ("keys", "hashes", "occupied", "marks"):
            setattr(self, name, _longer(getattr(self, name), capacity))
        self.occupied[used:] = 0
        self.index = np.zeros(_index_size(capacity), np.uint64)
        _enter_all(self.index, self.hashes, self.occupied)


class FlowTable(KeyTable):
    """Flows that are being merged, by key.

    `flows` views of the records, shape (capacity, RECORD_WORDS) as words; `heap` uint8 with `heap_used` int64[1]: bytes
    that their heap fields name. Memory is taken as slots are first used.
    """

    def __init__(self, capacity: int, key_words: int, mark_words: int) -> None:
        super().__init__(capacity, key_words, mark_words)
        self.flows = views(np.empty((capacity, RECORD_WORDS), np.int64))
        self.heap = np.zeros(0, np.uint8)
        self.heap_used = np.zeros(1, np.int64)

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` flows."""
        super().grow(capacity)
        self.flows = views(_longer(self.flows.words, capacity))

    def grow_heap(self, needed: int, wanted: Octets | None = None) -> bool:
        """Drop heap bytes that no flow names any more and make room for `needed` more; False at HEAP_LIMIT.

        `wanted` (uint8, a row of the table each) tells whose bytes stay: by default those of flows in the index.
        """
        wanted = self.occupied if wanted is None else wanted
        live = heap_size(self.flows, wanted, self.heap)
        heap = np.empty(min(HEAP_LIMIT, max(FIRST_HEAP, 2 * (live + needed))), np.uint8)
        self.heap_used[0] = compact(self.flows, wanted, self.heap, heap)
        self.heap = heap
        return bool(live + needed <= len(heap))


def _longer(array: Array, length: int) -> Array:
    """Return a longer array with the same rows in front."""
    longer = np.empty((length, *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer


def _index_size(capacity: int) -> int:
    return 1 << max(4, (2 * capacity - 1).bit_length())
