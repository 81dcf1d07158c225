"""Sorting a column at a time: the order is made once, of what records are sorted by, and each column put into it.

What is in memory then are a few columns rather than all, however many a record has.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from processors.sorting.narrow import WORD, NarrowValues
from processors.sorting.sorter import GIVEN, ordered, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from processors.sorting.keys import SortKey

COLUMNS_AT_ONCE = 1 << 24  # records: their order and the two columns in work take up to a GB
MOST_KEYS = 1 << 29  # bytes of what records are sorted by: two times of each of so many records, and as much again
BLOCK = 1 << 16  # octets that are compared at a time
Octets = NDArray[np.uint8]


def order_of(frames: Iterable[pl.DataFrame], keys: Sequence[SortKey]) -> pa.Array | None:
    """Return the rows of all frames, which have what records are sorted by, in order; rows alike as they came.

    None where what they are sorted by, texts perhaps, is too much to be held.
    """
    values, held = list[pl.DataFrame](), 0
    for frame in frames:
        values.append(values_of(frame, list(keys)))
        held += int(values[-1].estimated_size())
        if held > MOST_KEYS:
            return None
    if not values:
        return pa.array([], pa.uint32())
    return ordered(pl.concat(values), list(keys)).to_arrow()


class Reordering:
    """Puts columns into one order of their rows, each in the memory of the one before; for one thread."""

    def __init__(self, order: pa.Array, at_once: int = GIVEN) -> None:
        self._order, self._at_once = order, at_once
        self._rows: NDArray[np.uint32] = order.to_numpy()
        self._values, self._known = NarrowValues(len(order)), NarrowValues(len(order))

    def parts(self, chunks: Iterable[pa.Array]) -> Iterator[pa.Array]:
        """Yield the values of a column, of which the chunks have one type, so many at a time.

        Where all values are the same, as in many columns they are, parts of one length are one object.
        """
        coming = iter(chunks)
        first = next(coming)
        if pa.types.is_dictionary(first.type):
            yield from self._words([first, *coming])
            return
        alike, differing = _leading(first, coming)
        if differing is None:
            yield from self._repeated(first)
        elif _has_lengths(first.type):
            empty = _repetition(first, alike)
            yield from self._taken(pa.chunked_array([empty, differing, *coming]).combine_chunks())
        else:
            yield from self._gathered(first, alike, itertools.chain([differing], coming))

    def _starts(self) -> range:
        return range(0, len(self._order), self._at_once)

    def _words(self, chunks: Sequence[pa.DictionaryArray]) -> Iterator[pa.DictionaryArray]:
        """Yield parts of a column of words of one dictionary: who observed records is mostly one word."""
        first = chunks[0]
        one = all(_says_the_same(chunk.indices, first.indices) for chunk in chunks)
        if one and not first.null_count and all(chunk.dictionary.equals(first.dictionary) for chunk in chunks):
            before = part = None
            for indices in self._repeated(first.indices):
                part = part if indices is before else pa.DictionaryArray.from_arrays(indices, first.dictionary)
                before = indices
                yield part
            return
        yield from self._taken(pa.chunked_array(chunks).unify_dictionaries().combine_chunks())

    def _taken(self, column: pa.Array) -> Iterator[pa.Array]:
        for start in self._starts():
            yield pc.take(column, self._order.slice(start, self._at_once), boundscheck=False)

    def _repeated(self, one: pa.Array) -> Iterator[pa.Array]:
        """Yield parts that have the value of all of an array everywhere."""
        full = _repetition(one, min(self._at_once, len(self._order)))
        for start in self._starts():
            rest = len(self._order) - start
            yield full if rest >= len(full) else full.slice(0, rest)

    def _gathered(self, first: pa.Array, alike: int, chunks: Iterable[pa.Array]) -> Iterator[pa.Array]:
        """Yield parts of a column of numbers, times or octets that begins with so many of the same value."""
        kind, nulls, place = first.type, False, 0
        self._values.begin(kind.bit_width // 8)
        self._known.begin(1)
        for chunk in itertools.chain([_repetition(first, alike)], chunks):
            octets = _octets(chunk)
            if chunk.null_count:
                if not nulls:
                    self._known.add(np.ones(place, np.uint8))
                nulls, known = True, chunk.is_valid().to_numpy(zero_copy_only=False)
                octets = _blanked(octets, known)
                self._known.add(known.view(np.uint8))
            elif nulls:
                self._known.add(np.ones(len(chunk), np.uint8))
            self._values.add(octets)
            place += len(chunk)
        for start in self._starts():
            rows = self._rows[start : start + self._at_once]
            valid = None
            if nulls:
                known = np.frombuffer(self._known.taken(rows), np.uint8, len(rows))
                valid = pa.py_buffer(np.packbits(known, bitorder="little"))
            yield pa.Array.from_buffers(kind, len(rows), [valid, self._values.taken(rows)])


def _blanked(octets: Octets, known: NDArray[np.bool_]) -> Octets:
    """Return values with zeros in place of those that are not known; times, which are words, are taken as such."""
    if len(octets) == WORD * len(known):
        return (octets.view(np.int64) * known).view(np.uint8)
    return (octets.reshape(len(known), -1) * known[:, None]).reshape(-1)


def _has_lengths(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_string(kind))


def _leading(first: pa.Array, coming: Iterator[pa.Array]) -> tuple[int, pa.Array | None]:
    """Return how many values of the first chunks are the same one, and the first chunk with another, None for none."""
    if not _says_the_same(first, first):
        return 0, first
    count, before = len(first), first
    for chunk in coming:
        if chunk is not before and not _says_the_same(chunk, first):
            return count, chunk
        count, before = count + len(chunk), chunk
    return count, None


def _says_the_same(chunk: pa.Array, one: pa.Array) -> bool:
    """Tell whether all values of a chunk are the first one of another; of texts and the like, whether all are empty."""
    if chunk.null_count or one.null_count:
        return bool(chunk.null_count == len(chunk) and one.null_count == len(one))
    if _has_lengths(chunk.type):
        return not _length(chunk) and not _length(one)
    octets, width = _octets(chunk), chunk.type.bit_width // 8
    if octets[:width].tobytes() != _octets(one)[:width].tobytes():
        return False
    # What follows a value is that value again, all the way.
    return all(
        np.array_equal(
            octets[start + width : start + width + BLOCK], octets[start : start + BLOCK][: len(octets) - start - width]
        )
        for start in range(0, len(octets) - width, BLOCK)
    )


def _repetition(one: pa.Array, count: int) -> pa.Array:
    """Return the first value of an array so many times."""
    if one.null_count:
        return pa.nulls(count, one.type)
    if _has_lengths(one.type):
        return pa.Array.from_buffers(one.type, count, [None, pa.py_buffer(bytes(4 * count + 4)), pa.py_buffer(b"")])
    octets = np.tile(_octets(one)[: one.type.bit_width // 8], count)
    return pa.Array.from_buffers(one.type, count, [None, pa.py_buffer(octets)])


def _length(array: pa.Array) -> int:
    """Return the bytes of all texts together."""
    offsets = np.frombuffer(array.buffers()[1], np.int32, len(array) + 1, 4 * array.offset)
    return int(offsets[-1] - offsets[0])


def _octets(array: pa.Array) -> Octets:
    """Return the bytes of an array whose values are all of one length."""
    width = array.type.bit_width // 8
    return np.frombuffer(array.buffers()[1], np.uint8, len(array) * width, width * array.offset)
