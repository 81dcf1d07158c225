"""What Aggregation does, column by column: fields that say the same everywhere cost nothing, the others one pass each.

It gives what the kernels of aggregate.py give. Conversations whose two ends were both taken for the source, and fields
of variable length, are left to those.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from processors.merge import column_layout as at
from processors.merge.column_table import ColumnTable
from processors.merge.key_fields import COMPUTED, KNOWN, KeyFields, parse_keys
from processors.merge.lanes import (
    NO_SOURCES,
    WORD,
    Lane,
    PrefixLane,
    Rows,
    WindowLane,
    lane,
    longer,
    notice,
    octets,
    whole,
)
from processors.merge.layout import COMPUTED_WORDS, KEY_WORDS, KIND, PROTOCOL_NUMBER, SPI, UNAGGREGATED
from processors.merge.rules import SCALES, record_words
from topics.native import Native, address_of
from topics.record import empty_records
from topics.schema import flow_fields

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from topics.batch import Times
    from topics.columns import Column
    from topics.schema import Field

THREADS = min(len(os.sched_getaffinity(0)), 4)
WORTH_THREADS = 1 << 14  # records
FIRST_CAPACITY = 1 << 19  # memory is taken as it is touched
_assign = Native("processors.merge.assigning_kernels", "assign", 22)
BLOCK = 512  # records whose keys are made at a time: they stay in the cache
CONVERSATION = (
    *("src_address", "dst_address", "src_port", "dst_port", "protocol", "ethertype", "discriminator"),
    *("tunnel_kind", "tunnel_id"),
)
FIELDS = {field.name: field for field in flow_fields() if field.store != "heap"}
ADDRESSES = {f"{side}_address": f"{side}_prefix_length" for side in ("src", "dst")}


class Pieces(NamedTuple):
    """Records, or pieces that they were cut into: fields of shape (rows,), (rows, octets) or one value for all.

    `bins` says in which bin each piece is, int64 of shape (pieces,). `rows` (int64) is the record of each piece, None
    where records are whole. The pieces at `places` (int64) have the values of `changed` instead of those of their
    records, in fields that are there.
    """

    columns: dict[str, Column]
    bins: Times
    rows: Times | None = None
    places: Times | None = None
    changed: Mapping[str, Column] = MappingProxyType({})

    def whole(self, name: str) -> Column:
        """Return a field with a value for each piece."""
        full = whole(self.columns[name], len(self.bins), self.rows)
        if name in self.changed:
            full[self.places] = self.changed[name]
        return full

    def part(self, name: str, places: slice) -> Column:
        """Return a field of some pieces, or its one value."""
        column = self.whole(name) if name in self.changed else self.columns[name]
        if len(column) == 1:
            return column
        return column[places] if self.rows is None or name in self.changed else column[self.rows[places]]


def _sources(pieces: Pieces) -> tuple[Times, Times]:
    """Return the record of each piece, and the same with the complements of places in what was changed."""
    if pieces.rows is None or pieces.places is None:
        return NO_SOURCES, NO_SOURCES
    changed = pieces.rows.copy()
    changed[pieces.places] = ~np.arange(len(pieces.places))
    return pieces.rows, changed


def can_merge(keys: Sequence[str]) -> bool:
    """Tell whether these keys, those of Aggregation, can be merged by columns."""
    if any(key not in KNOWN for key in keys):
        return False
    parsed = parse_keys(keys)
    return not (parsed.alone or parsed.matrix or parsed.lengths)


def needed(keys: Sequence[str], columns: Collection[str]) -> set[str]:
    """Return the fields that it takes to merge by these keys and to know these fields of what comes out."""
    wanted = {*columns, *_compared(parse_keys(keys) if keys else None)} & FIELDS.keys()
    for address, length in ADDRESSES.items():
        if {address, length} & wanted:
            wanted |= {address, length, "ethertype"}
    wanted |= {scale for window, scale in SCALES.items() if window in wanted}
    return wanted | {name for name in (_counted(name) for name in wanted) if name}


def _counted(name: str) -> str:
    """Return the counter by which a field is merged, empty for none."""
    rule, _, count = FIELDS[name].merge.partition(":")
    if name in SCALES:
        return ""
    return f"{name[:4]}{count or 'packets'}" if rule.endswith(("_side", "_counted")) else ""


def _compared(key: KeyFields | None) -> tuple[str, ...]:
    """Return the fields that a key is made of."""
    if key is None:
        return CONVERSATION
    plain = tuple(name for name in key.columns if name not in COMPUTED)
    return (*plain, "ethertype", "protocol", "discriminator")


class ColumnAggregation:
    """Merges all records of a key into one flow record each, within bins of time if those are given.

    `keys`, those that `can_merge`, `correct` and `aggregates` are Aggregation's. `columns` are the fields wanted.
    """

    def __init__(
        self, keys: Sequence[str], columns: Collection[str], *, correct: bool = True, aggregates: bool = True
    ) -> None:
        self._key = parse_keys(keys) if keys else None
        key = self._key or KeyFields()
        self._compared = _compared(self._key)
        self._octets = key.octets()
        self._computed = (
            KIND * key.compares("kind") | PROTOCOL_NUMBER * key.compares("protocol") | SPI * key.compares("spi")
        )
        words = KEY_WORDS if self._key is None else COMPUTED_WORDS + -(-len(self._octets) // 8) + 1
        self._table = ColumnTable(FIRST_CAPACITY, words + (words == KEY_WORDS and self._key is not None))
        self._ahead = np.empty((at.AHEAD, self._table.keys.shape[1]), np.int64), np.empty(at.AHEAD, np.uint64)
        self._done = np.zeros(1, np.int64)
        # An address takes longer to ask for than a block of records needs.
        self._fixed = tuple(address_of(each) for each in (self._octets, *self._ahead, self._done))
        self._correct, self._aggregates = correct and not keys, aggregates
        self._records = 0
        self._prepare(needed(keys, columns))

    def _prepare(self, names: set[str]) -> None:
        """Make what merges each field; an address of the key is the same in all records of a flow."""
        same = CONVERSATION[:2] if self._key is None else self._compared
        capacity = len(self._table)
        self._prefixes = {name: PrefixLane(capacity) for name in ADDRESSES if name in names and name not in same}
        self._windows = {name: WindowLane(capacity) for name in SCALES if name in names}
        theirs = {*self._prefixes, *(ADDRESSES[name] for name in self._prefixes)}
        theirs |= {*self._windows, *(SCALES[name] for name in self._windows)}
        self._lanes = {name: Lane(_simple(name), capacity) for name in sorted(names - theirs)}
        self._seen = {name: np.zeros(capacity, np.uint8) for name in sorted({_counted(n) for n in names} - {""})}

    @property
    def needed(self) -> set[str]:
        """The fields that `add` needs."""
        lengths = {ADDRESSES[name] for name in self._prefixes}
        windows = {*self._windows, *(SCALES[name] for name in self._windows)}
        return {*self._lanes, *self._prefixes, *lengths, *windows, *self._compared, *self._seen}

    def add(self, pieces: Pieces) -> None:
        """Merge records, or pieces of them, in order."""
        slots, fresh = self.placed(pieces)
        rows = Rows(slots, fresh, {}, {}, *_sources(pieces))
        for name, seen in self._seen.items():
            notice(seen, rows, name, pieces.whole(name))
        names = [*self._prefixes, *self._windows, *self._lanes]
        if len(slots) < WORTH_THREADS:
            for name in names:
                self._add_one(name, pieces, rows)
            return
        with ThreadPoolExecutor(THREADS, "fields") as pool:
            for _ in pool.map(lambda name: self._add_one(name, pieces, rows), names):
                pass

    def _add_one(self, name: str, pieces: Pieces, rows: Rows) -> None:
        """Merge one field, or two that belong together, which share nothing with the others."""
        if name in self._prefixes:
            lengths, ethertypes = pieces.whole(ADDRESSES[name]), pieces.whole("ethertype")
            self._prefixes[name].add(pieces.whole(name), lengths, ethertypes, rows)
        elif name in self._windows:
            self._windows[name].add(pieces.whole(name), pieces.whole(SCALES[name]), rows)
        else:
            self._lanes[name].add(lane(pieces.columns[name]), rows, pieces.changed.get(name))

    def placed(self, pieces: Pieces) -> tuple[Times, Column]:
        """Find or make the flow of each record: its slot, int64, and whether the record is the first of it, uint8."""
        bins = np.ascontiguousarray(pieces.bins)
        slots, fresh = np.empty(len(bins), np.int64), np.empty(len(bins), np.uint8)
        scratch = empty_records(BLOCK)
        places = [address_of(each) for each in (record_words(scratch), bins, slots, fresh)]
        for start in range(0, len(bins), BLOCK):
            stop = min(len(bins), start + BLOCK)
            for name in self._compared:
                scratch[name][: stop - start] = pieces.part(name, slice(start, stop))
            self._place(places, start, stop - start)
        return slots, fresh

    def _place(self, places: Sequence[int], start: int, count: int) -> None:
        """Place some records; `places` are the addresses of those, and of all bins, slots and what tells first ones."""
        records, bins, slots, fresh = places
        octets, keys, hashes, done = self._fixed
        self._done[0] = 0
        while True:
            _assign(
                records,
                count,
                bins + WORD * start,
                self._records,
                self._computed,
                octets,
                len(self._octets),
                self._correct,
                *self._table.told,
                slots + WORD * start,
                fresh + start,
                keys,
                hashes,
                done,
            )
            if self._done[0] == count:
                self._records += count
                return
            self._grow(2 * len(self._table))

    def _grow(self, capacity: int) -> None:
        self._table.grow(capacity)
        for parts in (self._lanes, self._prefixes, self._windows):
            for part in parts.values():
                part.grow(capacity)
        for name, seen in self._seen.items():
            self._seen[name] = longer(seen, capacity)
            self._seen[name][len(seen) :] = 0

    def met(self, pieces: Pieces) -> Column:
        """Tell which records, all of them taken before, are of conversations that were seen from both ends."""
        slots, _ = self.placed(pieces)
        met: Column = self._table.marks[slots, at.MET] != 0
        return met

    @property
    def has_met(self) -> bool:
        """Whether any conversation was seen from both ends."""
        return bool(self._table.marks[: int(self._table.flows[0]), at.MET].any())

    def finish(self) -> tuple[dict[str, Column], Times, Times]:
        """Return the flows, one value for all where that is so, and of each its bin and the number of its last record.

        They come by bin, then in the order in which their last records came; without those that have `met`.
        """
        marks = self._table.marks[: int(self._table.flows[0])]
        if not len(marks):
            return {}, np.zeros(0, np.int64), np.zeros(0, np.int64)
        order = np.lexsort((marks[:, at.TOUCHED], marks[:, at.BIN]))
        order = order[marks[order, at.MET] == 0]
        columns: dict[str, Column] = {}
        for name, merged in self._lanes.items():
            values = merged.values(order)
            columns[name] = octets(values, int(FIELDS[name].store[1:])) if FIELDS[name].kind == "fixed" else values
        for name, prefix in self._prefixes.items():
            columns[name], columns[ADDRESSES[name]] = prefix.values(order)
        for name, window in self._windows.items():
            columns[name], columns[SCALES[name]] = window.values(order)
        if not self._aggregates:
            columns |= {name: np.zeros(1, columns[name].dtype) for name in UNAGGREGATED if name in columns}
        return columns, marks[order, at.BIN], marks[order, at.TOUCHED]


def _simple(name: str) -> Field:
    """Return a field with a rule of one column: an address of the key is that of the first record."""
    field = FIELDS[name]
    rules = {"prefix": "first", "prefix_length": "min"}
    return replace(field, merge=rules.get(field.merge, field.merge))
