"""A batch: the unit that travels on the bus and between processors."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.record import FLOW_DTYPE, HEAP_FIELDS, empty_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Records = np.ndarray[Any, np.dtype[np.void]]
Heap = np.ndarray[Any, np.dtype[np.uint8]]
Times = np.ndarray[Any, np.dtype[np.int64]]

END_OF_RUN = 2**63 - 1
PACKET_COUNTS = ("src_packets", "dst_packets", "src_duplicate_packets", "dst_duplicate_packets")


@dataclass(frozen=True, slots=True)
class Observer:
    """An observation point: one interface of one probe at one site."""

    site: str
    probe: str
    interface: str

    @property
    def id(self) -> int:
        """48-bit hash that names the point in records; the same on every host and in every run."""
        text = f"{self.site}\x00{self.probe}\x00{self.interface}"
        return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "little")


@dataclass(frozen=True, slots=True)
class FlowBatch:
    """Flow records of one probe run and partition, in the order of reporting.

    `records` has shape (n,) and dtype FLOW_DTYPE; `heap` holds the bytes that their `*_offset` and `*_length` name.
    `watermark` is read only when there are no records: no record with a packet before it follows (ns);
    END_OF_RUN says that the run is over. `observers` maps observer ids of the records to their names.
    """

    records: Records = field(default_factory=lambda: empty_records(0))
    heap: Heap = field(default_factory=lambda: np.zeros(0, np.uint8))
    site: str = ""
    probe: str = ""
    boot_id: int = 0
    partition: int = 0
    sequence: int = 0
    status_interval: int = 5_000_000_000
    watermark: int = 0
    observers: dict[int, Observer] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.records)

    def replace(self, **changes: Any) -> FlowBatch:  # noqa: ANN401 - any attribute
        """Return a copy with some attributes changed."""
        return dataclasses.replace(self, **changes)

    def select(self, index: Any) -> FlowBatch:  # noqa: ANN401 - whatever NumPy takes
        """Return the records that a mask, slice or index array picks; the heap is shared."""
        if isinstance(index, slice):
            return self.replace(records=self.records[index])
        rows = np.ascontiguousarray(self.records)
        words = rows.view(np.uint64).reshape(len(rows), FLOW_DTYPE.itemsize // 8)  # NumPy copies records field by field
        return self.replace(records=words[index].view(FLOW_DTYPE).reshape(-1))

    def heap_value(self, row: int, name: str) -> bytes:
        """Return the bytes of heap field `name` of one record."""
        start = int(self.records[f"{name}_offset"][row])
        return self.heap[start : start + int(self.records[f"{name}_length"][row])].tobytes()


def concatenate(batches: Iterable[FlowBatch]) -> FlowBatch:
    """Join batches in order: records one after the other, heaps joined, observers united; the first header stays."""
    parts = list(batches)
    if not parts:
        return FlowBatch()
    if len(parts) == 1:
        return parts[0]
    words = [np.ascontiguousarray(part.records).view(np.uint64) for part in parts]  # NumPy would join field by field
    records = np.concatenate(words).view(FLOW_DTYPE)
    _shift_heap(records, parts)
    observers: dict[int, Observer] = {}
    for part in parts:
        observers.update(part.observers)
    return parts[0].replace(records=records, heap=np.concatenate([p.heap for p in parts]), observers=observers)


def _shift_heap(records: Records, parts: Sequence[FlowBatch]) -> None:
    row = base = 0
    for part in parts:
        if base and len(part.heap):
            for name in HEAP_FIELDS:
                records[f"{name}_offset"][row : row + len(part)] += np.uint32(base)
        row += len(part)
        base += len(part.heap)


def packets_of(records: Records) -> int:
    """Return how many packets of the wire records account for: those counted as packets, and copies beside them."""
    return sum(int(records[name].sum(dtype=np.int64)) for name in PACKET_COUNTS)


def start_times(records: Records) -> Times:
    """Return when each record began: its first packet of either direction, ns, shape (n,)."""
    src, dst = records["src_first"], records["dst_first"]
    both = (src > 0) & (dst > 0)
    start: Times = np.where(both, np.minimum(src, dst), np.maximum(src, dst))
    return start


def last_times(records: Records) -> Times:
    """Return the time of each record's last packet, ns, shape (n,)."""
    last: Times = np.maximum(records["src_last"], records["dst_last"])
    return last


def records_like(count: int) -> Records:
    """Return `count` zeroed records with the values an absent field has: prefix lengths 128, one record merged."""
    records = np.zeros(count, dtype=FLOW_DTYPE)
    records["src_prefix_length"] = 128
    records["dst_prefix_length"] = 128
    records["records"] = 1
    return records
