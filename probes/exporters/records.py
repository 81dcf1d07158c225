"""Rows to flow records: what an exporter told, in the fields of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from probes.exporters import layout as at
from topics.record import empty_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from probes.exporters.exporter import Stream
    from probes.exporters.labels import Labels
    from topics.batch import Heap, Records

Int64 = np.ndarray[Any, np.dtype[np.int64]]


def records_of(rows: Int64, streams: Sequence[Stream], labels: Labels) -> tuple[Records, Heap]:
    """Return rows, shape (n, layout.WIDTH), as records in the same order, and the heap that their labels lie in."""
    records = empty_records(len(rows))
    _fill(rows, np.array([stream.observer.id for stream in streams], np.int64), records)
    return records, labels.put(rows, streams, records)


def _fill(rows: Int64, observers: Int64, records: Records) -> None:
    from probes.exporters.records_kernel import fill

    fill(rows, observers, records, records.view(np.uint8), records.view(np.uint64))


def warm_up() -> None:
    """Compile the kernel."""
    _fill(np.zeros((0, at.WIDTH), np.int64), np.zeros(1, np.int64), empty_records(0))
