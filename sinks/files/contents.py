"""What a data file says about itself: how many records of whom, from when to when, and which offsets of the bus."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.batch import last_times, start_times

if TYPE_CHECKING:
    from sinks.files.names import Rows, Values
    from sinks.position import Position
    from topics.batch import FlowBatch, Records

VERSION = 2
ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
WORDS = 2**64
ALL = 2**62


@dataclass(slots=True)
class Contents:
    """Facts on the records of one file, gathered while they are written.

    `offsets` maps a source to the first and last offset the file holds records of, `rows` to the row of the first
    message it begins with and the row of the last one it ends before: it then holds all records of its bin that
    arrived between them. `keys` are two sums over (flow id, status sequence), the same for the same set of flows in
    any order. `pattern` and `values` are what its name was made of.
    """

    start: int
    end: int
    pattern: str = ""
    values: Values = ()
    records: int = 0
    packets: int = 0
    bytes: int = 0
    first: int = 0
    last: int = 0
    keys: tuple[int, int] = (0, 0)
    observers: Counter[tuple[str, str]] = field(default_factory=Counter)
    offsets: dict[str, tuple[int, int]] = field(default_factory=dict)
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, batch: FlowBatch, position: Position | None = None, rows: Rows | None = None) -> None:
        """Count the records of a batch, which stood in these rows of the message at `position`."""
        records = batch.records
        first, last = int(start_times(records).min()), int(last_times(records).max())
        self.first, self.last = min(self.first, first) if self.records else first, max(self.last, last)
        self.records += len(records)
        self.packets += _total(records, "packets")
        self.bytes += _total(records, "bytes")
        one, two = key_sums(records)
        self.keys = ((self.keys[0] + one) % WORDS, (self.keys[1] + two) % WORDS)
        self._add_observers(batch)
        if position is not None and rows is not None:
            source = position.source
            self.offsets[source] = self.offsets.get(source, (position.offset, 0))[0], position.offset
            self.rows[source] = self.rows.get(source, (int(rows[0]), 0))[0], int(rows[-1]) + 1

    def _add_observers(self, batch: FlowBatch) -> None:
        for number, count in zip(*np.unique(batch.records["observer"], return_counts=True), strict=True):
            observer = batch.observers.get(int(number))
            names = (observer.site, observer.probe) if observer else (batch.site, batch.probe)
            self.observers[names] += int(count)

    @property
    def identity(self) -> list[Any]:
        """What two files share when they hold the same flows of the same bin."""
        return [self.start, self.end, self.records, f"{self.keys[0]:016x}{self.keys[1]:016x}"]

    def as_json(self) -> dict[str, Any]:
        """Return the facts as they stand in the footer; times in ns since 1970-01-01 UTC."""
        return {
            "version": VERSION,
            "identity": self.identity,
            "bin": [self.start, self.end],
            "records": self.records,
            "packets": self.packets,
            "bytes": self.bytes,
            "first": self.first,
            "last": self.last,
            "observers": [{"site": s, "probe": p, "records": n} for (s, p), n in sorted(self.observers.items())],
            "offsets": {source: list(span) for source, span in self.offsets.items()},
            "rows": {source: list(span) for source, span in self.rows.items()},
            "pattern": self.pattern,
            "values": list(self.values),
        }


def held(facts: dict[str, Any], position: Position, rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which rows of the message at this position a file with these facts holds, where they are of its bin."""
    first, last = facts.get("offsets", {}).get(position.source, (1, 0))
    if not first <= position.offset <= last:
        return np.zeros(len(rows), np.bool_)
    begin, end = facts.get("rows", {}).get(position.source, (0, ALL))
    low, high = begin if position.offset == first else 0, end if position.offset == last else ALL
    return (rows >= low) & (rows < high)


def key_sums(records: Records) -> tuple[int, int]:
    """Return two 64-bit sums over the records' (flow id, status sequence) that tell sets of flows apart."""
    halves = np.ascontiguousarray(records["flow_id"]).view(np.uint64)
    key = halves[:, 0] * ODD[0] ^ halves[:, 1] * ODD[1] ^ records["status_sequence"].astype(np.uint64) * ODD[2]
    mixed = (key ^ key >> np.uint64(29)) * ODD[0]
    again = (mixed ^ mixed >> np.uint64(32)) * ODD[1]
    return int(mixed.sum()), int(again.sum())


def _total(records: Records, what: str) -> int:
    return int(records[f"src_{what}"].sum()) + int(records[f"dst_{what}"].sum())
