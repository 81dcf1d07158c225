"""Sets of records that wait to be decoded together: their bytes, and what the kernel has to know of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from probes.exporters import layout as at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probes.exporters.exporter import Stream
    from probes.exporters.templates import Template

ARENA_BYTES = 4 << 20
LARGEST = 65536  # bytes of a message
MOST_ITEMS = 1 << 15
ROWS = 4096

Int64 = np.ndarray[Any, np.dtype[np.int64]]


class Work:
    """An arena of bytes and the sets in it; `full` says when they should be decoded.

    `sampled` says whether some of the rows that were decoded last may have to be multiplied.
    """

    def __init__(self) -> None:
        self.arena = np.zeros(ARENA_BYTES, np.uint8)
        self.view = self.arena.data
        self.used = 0
        self.sampled = self._by_interface = False
        self._items: list[tuple[int, ...]] = []
        self._streams: list[Stream] = []
        self._places: dict[int, tuple[Template, int, int, int, bool]] = {}
        self._tables: list[Int64] = []
        self._table_rows = 0
        self._notes: list[tuple[Stream, int, int, int, int | None]] = []
        self._rows = np.zeros((ROWS, at.WIDTH), np.int64)
        self._ordinal = 0

    @property
    def items(self) -> int:
        """How many sets wait."""
        return len(self._items)

    @property
    def full(self) -> bool:
        """Whether there is no room for another message for certain, with all that may have waited for it."""
        return self.used + 32 * LARGEST > ARENA_BYTES or len(self._items) >= MOST_ITEMS

    def append(self, data: bytes | memoryview) -> tuple[int, int]:
        """Copy a message into the arena; return where it begins and ends."""
        begin = self.used
        self.used = end = begin + len(data)
        self.view[begin:end] = data
        return begin, end

    def add_bytes(self, stream: Stream, template: Template, data: bytes, time: int, boot: int, arrived: int) -> None:
        """Take a set whose bytes are not in the arena; without room for it, it is given up."""
        if self.used + len(data) + 2 * LARGEST > ARENA_BYTES:
            stream.exporter.counts["sets_without_template"] += 1
            stream.exporter.counts["bytes_without_template"] += len(data)
            return
        begin, end = self.append(data)
        self.add(stream, template, begin, end, time, boot, 0, arrived)

    def add(
        self,
        stream: Stream,
        template: Template,
        begin: int,
        end: int,
        time: int,
        boot: int,
        sampling: int,
        arrived: int,
    ) -> None:
        """Take a set of records."""
        if not template.of_flows:
            stream.exporter.counts["other_records"] += (end - begin) // template.shortest
            return
        shape = self._places.get(id(template)) or self._place(template)
        rate = sampling or stream.sampling
        self._by_interface |= bool(stream.interface_rates)
        self._items.append((begin, end, *shape[1:4], stream.number, time, boot, rate, arrived, shape[4]))
        self._streams.append(stream)

    def note(self, stream: Stream, sequence: int, first: int, others: int | None) -> None:
        """Remember a message whose sequence number counts records: those of the sets from `first` on, and others."""
        self._notes.append((stream, sequence, first, len(self._items), others))

    def decoded(self) -> Iterator[Int64]:
        """Decode everything that waits; yield rows, which are valid until the next ones."""
        from probes.exporters.decode_kernel import decode

        items = np.array(self._items, np.int64).reshape(-1, at.ITEM_COLUMNS)
        fields = np.concatenate(self._tables) if self._tables else np.zeros((0, at.FIELD_COLUMNS), np.int64)
        told = np.zeros((len(items), 2), np.int64)
        state = np.array([0, 0, self._ordinal, 0], np.int64)
        while state[0] < len(items):
            written = decode(self.arena, items, fields, state, self._rows, told)
            if written:
                self.sampled, state[3] = bool(state[3]) or self._by_interface, 0
                yield self._rows[:written]
        self._ordinal = int(state[2])
        self._count(told)
        self._clear()

    def _count(self, told: Int64) -> None:
        records, damaged = told[:, 0].tolist(), told[:, 1].tolist()
        for stream, count, bad in zip(self._streams, records, damaged, strict=True):
            stream.exporter.counts["records"] += count
            if bad:
                stream.exporter.counts["malformed"] += 1
        sums = np.concatenate([[0], np.cumsum(told[:, 0])]).tolist()
        for stream, sequence, first, last, others in self._notes:
            units = None if others is None else sums[last] - sums[first] + others
            stream.sequence.take(sequence, units, others or 0)

    def _clear(self) -> None:
        self.used = 0
        self._by_interface = False
        self._items, self._streams, self._notes = [], [], []
        self._places, self._tables, self._table_rows = {}, [], 0

    def _place(self, template: Template) -> tuple[Template, int, int, int, bool]:
        """Put the fields of a template into the table; return where they are, its shortest record and its kind."""
        first, self._table_rows = self._table_rows, self._table_rows + len(template.table)
        self._tables.append(template.table)
        found = template, first, self._table_rows, template.shortest, template.is_biflow
        self._places[id(template)] = found
        return found
