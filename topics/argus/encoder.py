"""Batches of flow records to bytes of an Argus stream, version 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from topics.argus import layout as at
from topics.argus.encode import kernel
from topics.argus.management import Management, source_value, write_management
from topics.batch import FlowBatch, Observer, records_like, start_times
from topics.record import FLOW_DTYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = 1 << 20  # of one piece
Ends = np.ndarray[Any, np.dtype[np.int64]]


class ArgusEncoder:
    """Gives records of Argus their bytes; each is numbered, over all batches."""

    def __init__(self) -> None:
        self.records = 0
        self._out = np.zeros(WORDS, np.uint32)

    def encode(self, batch: FlowBatch) -> bytes:
        """Return the records of a batch, one after the other."""
        return b"".join(data for data, _ in self.pieces(batch))

    def pieces(self, batch: FlowBatch) -> Iterator[tuple[bytes, Ends]]:
        """Yield some records at a time: their bytes, and where each of them ends in those (int64)."""
        records = np.ascontiguousarray(batch.records)
        words = records.view(np.uint32).reshape(len(records), FLOW_DTYPE.itemsize // at.WORD)
        ends, start, sources = np.zeros(len(records), np.int64), 0, _sources(batch)
        while start < len(records):
            row, used = kernel.encode(
                records,
                words,
                batch.heap,
                start,
                *sources,
                self.records + 1,
                self._out,
                self._out.view(np.float32),
                ends,
            )
            yield self._out[:used].byteswap().tobytes(), ends[start:row] * at.WORD
            self.records += row - start
            start = row


def _sources(batch: FlowBatch) -> tuple[Any, Any, Any]:
    """Return the ids of the observers of a batch, and the kind and the value of their source ids."""
    observers = batch.observers or {0: Observer(batch.site, batch.probe, "")}
    known = [source_value(observer.probe) for observer in observers.values()]
    return (
        np.array(list(observers), np.int64),
        np.array([kind for kind, _ in known], np.uint8),
        np.array([int.from_bytes(value) for _, value in known], np.uint32),
    )


def first_record(batch: FlowBatch | None) -> bytes:
    """Return the management record that a file begins with: of the probe, and from the start of the first flow on."""
    if batch is None or not len(batch):
        return write_management(Management())
    observer = batch.observers.get(int(batch.records["observer"][0]))
    start = int(start_times(batch.records[:1])[0])
    name = observer.probe if observer else batch.probe
    interval = batch.status_interval // 1_000_000_000
    return write_management(
        Management(source=name, started=start, now=start, report_interval=min(max(interval, 1), 0xFFFF))
    )


def warm_up() -> None:
    """Compile the kernel."""
    ArgusEncoder().encode(FlowBatch(records=records_like(1)))
