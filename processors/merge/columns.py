"""What Aggregation does, column by column: fields that say the same everywhere cost nothing, the others one pass each.

It gives what the kernels of aggregate.py give. Conversations whose two ends were both taken for the source, and fields
of variable length, are left to those.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from processors.merge import column_kernels as kernels
from processors.merge.aggregation import UNAGGREGATED
from processors.merge.conversation import KEY_WORDS
from processors.merge.key_fields import COMPUTED, KNOWN, KeyFields, parse_keys
from processors.merge.lanes import Lane, PrefixLane, Rows, WindowLane, lane, octets, whole
from processors.merge.records import views
from processors.merge.rules import SCALES, record_words
from processors.merge.selection import COMPUTED_WORDS, KIND, PROTOCOL_NUMBER, SPI
from processors.merge.table import KeyTable
from topics.record import empty_records
from topics.schema import flow_fields

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from topics.batch import Times
    from topics.columns import Column
    from topics.schema import Field

THREADS = min(len(os.sched_getaffinity(0)), 4)
WORTH_THREADS = 1 << 14  # records
FIRST_CAPACITY = 1 << 19  # memory is taken as it is touched
BLOCK = 512  # records whose keys are made at a time: they stay in the cache
CONVERSATION = (
    *("src_address", "dst_address", "src_port", "dst_port", "protocol", "ethertype", "discriminator"),
    *("tunnel_kind", "tunnel_id"),
)
FIELDS = {field.name: field for field in flow_fields() if field.store != "heap"}
ADDRESSES = {f"{side}_address": f"{side}_prefix_length" for side in ("src", "dst")}


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
        self._table = KeyTable(FIRST_CAPACITY, words + (words == KEY_WORDS and self._key is not None), kernels.MARKS)
        self._correct, self._aggregates = correct and not keys, aggregates
        self._flows = np.zeros(1, np.int64)
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

    def add(self, columns: dict[str, Column], bins: Times) -> None:
        """Merge records in order: their fields, of shape (rows,), (rows, octets) or one value for all.

        `bins` says in which bin each record is, int64 of shape (rows,).
        """
        slots, fresh = self.placed(columns, bins)
        rows = Rows(slots, np.flatnonzero(fresh), np.flatnonzero(fresh == 0), {}, {})
        for name, seen in self._seen.items():
            rows.counts[name] = whole(columns[name], len(slots))
            rows.had[name] = np.empty(len(slots), np.uint8)
            kernels.notice(seen, slots, rows.counts[name], rows.had[name])
        names = [*self._prefixes, *self._windows, *self._lanes]
        if self._records == len(slots) or len(slots) < WORTH_THREADS:  # the first ones load the kernels
            for name in names:
                self._add_one(name, columns, rows)
            return
        with ThreadPoolExecutor(THREADS, "fields") as pool:
            for _ in pool.map(lambda name: self._add_one(name, columns, rows), names):
                pass

    def _add_one(self, name: str, columns: dict[str, Column], rows: Rows) -> None:
        """Merge one field, or two that belong together, which share nothing with the others."""
        if name in self._prefixes:
            self._prefixes[name].add(columns[name], columns[ADDRESSES[name]], columns["ethertype"], rows)
        elif name in self._windows:
            self._windows[name].add(columns[name], columns[SCALES[name]], rows)
        else:
            self._lanes[name].add(lane(columns[name]), rows)

    def placed(self, columns: dict[str, Column], bins: Times) -> tuple[Times, Column]:
        """Find or make the flow of each record: its slot, int64, and whether the record is the first of it, uint8."""
        slots, fresh = np.empty(len(bins), np.int64), np.empty(len(bins), np.uint8)
        scratch = empty_records(BLOCK)
        for start in range(0, len(bins), BLOCK):
            stop = min(len(bins), start + BLOCK)
            for name in self._compared:
                column = columns[name]
                scratch[name][: stop - start] = column if len(column) == 1 else column[start:stop]
            self._place(scratch, bins[start:stop], slots[start:stop], fresh[start:stop])
        return slots, fresh

    def _place(self, scratch: Any, bins: Times, slots: Times, fresh: Column) -> None:  # noqa: ANN401 - records
        table, done, record = self._table, 0, views(record_words(scratch))
        while True:
            done = kernels.assign(
                record,
                done,
                bins,
                self._records,
                self._computed,
                self._octets,
                self._correct,
                table.seed,
                table.index,
                table.keys,
                table.hashes,
                table.occupied,
                table.marks,
                self._flows,
                slots,
                fresh,
            )
            if done == len(bins):
                self._records += done
                return
            self._grow(2 * len(table))

    def _grow(self, capacity: int) -> None:
        self._table.grow(capacity)
        for parts in (self._lanes, self._prefixes, self._windows):
            for part in parts.values():
                part.grow(capacity)
        for name, seen in self._seen.items():
            self._seen[name] = np.concatenate([seen, np.zeros(capacity - len(seen), np.uint8)])

    def met(self, columns: dict[str, Column], bins: Times) -> Column:
        """Tell which records, all of them taken before, are of conversations that were seen from both ends."""
        slots, _ = self.placed(columns, bins)
        met: Column = self._table.marks[slots, kernels.MET] != 0
        return met

    @property
    def has_met(self) -> bool:
        """Whether any conversation was seen from both ends."""
        return bool(self._table.marks[: int(self._flows[0]), kernels.MET].any())

    def finish(self) -> tuple[dict[str, Column], Times, Times]:
        """Return the flows, one value for all where that is so, and of each its bin and the number of its last record.

        They come by bin, then in the order in which their last records came; without those that have `met`.
        """
        marks = self._table.marks[: int(self._flows[0])]
        if not len(marks):
            return {}, np.zeros(0, np.int64), np.zeros(0, np.int64)
        order = np.lexsort((marks[:, kernels.TOUCHED], marks[:, kernels.BIN]))
        order = order[marks[order, kernels.MET] == 0]
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
        return columns, marks[order, kernels.BIN], marks[order, kernels.TOUCHED]


def _simple(name: str) -> Field:
    """Return a field with a rule of one column: an address of the key is that of the first record."""
    field = FIELDS[name]
    rules = {"prefix": "first", "prefix_length": "min"}
    return replace(field, merge=rules.get(field.merge, field.merge))
