"""What `argosy racluster` does: records of one key become one, whatever lies between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from processors.merge.aggregate import COUNTERS, FLOWS, HEAP_FULL, TABLE_FULL, TOUCHED, aggregate
from processors.merge.heap import own_heap
from processors.merge.key_fields import KeyFields, parse_keys
from processors.merge.labels import with_united_labels
from processors.merge.layout import COMPUTED_WORDS, KEY_WORDS, KIND, PROTOCOL_NUMBER, SPI, UNAGGREGATED
from processors.merge.records import views
from processors.merge.rules import RECORD_WORDS, record_words
from processors.merge.selection import both_ways, fit
from processors.merge.table import FlowTable, Int64, collect
from topics.batch import FlowBatch, concatenate
from topics.record import FLOW_DTYPE, empty_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from topics.batch import Heap, Observer

FIRST_CAPACITY = 1 << 19  # memory is taken as it is touched
FITTED_ROWS = 1 << 14  # records that are changed to fit a key at a time


class Aggregation:
    """Merges all records of a key into one flow record each.

    Without `keys` the key is the conversation (addresses, protocol, ports; see conversation.py), and with `correct`
    both directions of it are one. `keys` are the words after `-m` of racluster (see key_fields.py; UsageError for
    unknown ones); they turn the correction off, as there. `preserve` keeps fields outside the key that all records
    agree in, else they are cleared at once. `aggregates` False is `-M norep`: no count of records, no statistics of
    durations. `rmon` takes each record twice, as it is and turned round. As racluster.conf has it, a flow ends, and
    another one of its key begins, before a record with which it would last `status` ns or longer, or that begins `idle`
    ns after its last packet (0: never). `capacity` is how many flows there is room for
    at first, a power of two. `last_records` holds, after `finish`, the number of the last record of each flow.
    """

    def __init__(
        self,
        keys: Sequence[str] = (),
        *,
        preserve: bool = True,
        correct: bool = True,
        aggregates: bool = True,
        rmon: bool = False,
        status: int = 0,
        idle: int = 0,
        capacity: int = FIRST_CAPACITY,
    ) -> None:
        self._capacity = capacity
        self._key: KeyFields | None = parse_keys(keys) if keys else None
        self._correct = correct and not keys and not rmon
        self._preserve, self._aggregates, self._rmon = preserve, aggregates, rmon
        self._status, self._idle = status, idle
        self.last_records: Int64 = np.zeros(0, np.int64)
        self._begin()

    def _begin(self) -> None:
        key = self._key or KeyFields()
        self._octets = key.octets()
        self._computed = (
            KIND * key.compares("kind") | PROTOCOL_NUMBER * key.compares("protocol") | SPI * key.compares("spi")
        )
        words = KEY_WORDS if self._key is None else COMPUTED_WORDS + -(-len(self._octets) // 8)
        self._table = FlowTable(self._capacity, words + (words == KEY_WORDS and self._key is not None), 1)
        self._spare = views(np.empty((1, RECORD_WORDS), np.int64))
        self._counters = np.zeros(len(COUNTERS), np.int64)
        self._alone: list[FlowBatch] = []
        self._header: FlowBatch | None = None
        self._observers: dict[int, Observer] = {}

    @property
    def counters(self) -> dict[str, int]:
        """Return the records taken, the flows they made and the records merged against their direction."""
        return dict(zip(COUNTERS, self._counters.tolist(), strict=True))

    def add(self, batch: FlowBatch) -> None:
        """Merge the records of a batch, in order."""
        if self._header is None:
            self._header = batch.replace(records=empty_records(0), heap=np.zeros(0, np.uint8), watermark=0)
        self._observers.update(batch.observers)
        if self._key is not None and self._key.alone:
            self._counters[: FLOWS + 1] += len(batch)
            self._alone.append(batch)
            return
        rows = record_words(batch.records)
        if self._key is None and not self._rmon:
            self._merge(rows, batch.heap)
            return
        for start in range(0, len(rows), FITTED_ROWS):
            self._merge(self._fitted(rows[start : start + FITTED_ROWS]), batch.heap)

    def _fitted(self, rows: Int64) -> Int64:
        """Return copies of records that were made to fit the key."""
        if self._rmon:
            fitted = np.empty((2 * len(rows), RECORD_WORDS), np.int64)
            both_ways(rows, views(fitted))
        else:
            fitted = rows.copy()
        if self._key is not None:
            nothing = np.zeros((0, 2), np.int64)
            fit(views(fitted), self._key.masks(), nothing if self._preserve else self._key.zeroed(), self._key.matrix)
        return fitted

    def _merge(self, rows: Int64, source: Heap) -> None:
        table, keep_heap, taken, record = self._table, True, 0, views(rows)
        while taken < len(rows):
            taken, why, needed = aggregate(
                record,
                taken,
                source,
                self._computed,
                self._octets,
                self._correct,
                self._status,
                self._idle,
                table.seed,
                table.index,
                table.flows,
                table.keys,
                table.hashes,
                table.occupied,
                table.marks,
                table.heap,
                table.heap_used,
                self._counters,
                keep_heap,
                self._spare,
            )
            if why == TABLE_FULL:
                table.grow(2 * len(table))
            elif why == HEAP_FULL:
                stay = np.ones(self._counters[FLOWS], np.uint8)  # those that ended are out of the index, but stay
                keep_heap = table.grow_heap(needed, stay)

    def finish(self) -> FlowBatch:
        """Return one record a key and begin anew.

        They come in the order in which their last record came, as racluster 3.0.8.2 puts them out.
        """
        batch = concatenate(self._alone) if self._alone else self._flows()
        if not self._aggregates:
            batch = batch.replace(records=batch.records.copy()) if self._alone else batch
            for name in UNAGGREGATED:
                batch.records[name] = 0
        merged = with_united_labels(batch).replace(observers=self._observers)
        self._begin()
        return merged

    def _flows(self) -> FlowBatch:
        table, count = self._table, int(self._counters[FLOWS])
        rows = np.empty((count, RECORD_WORDS), np.int64)
        order = np.argsort(table.marks[:count, TOUCHED])
        self.last_records = table.marks[order, TOUCHED]
        collect(table.flows.words, order, rows)
        heap = own_heap(rows, table.heap)
        records = rows.reshape(-1).view(FLOW_DTYPE)
        header = FlowBatch() if self._header is None else self._header
        return header.replace(records=records, heap=heap)
