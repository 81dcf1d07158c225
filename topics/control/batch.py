"""A batch of control-plane payloads in memory: a structured array, and one heap of bytes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import IntFlag
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from topics.batch import Heap, Records

CONTROL_DTYPE = np.dtype(
    [
        *(("time", "<i8"), ("stream", "<i8"), ("stream_offset", "<i8")),
        *(("src_address", "u1", (16,)), ("dst_address", "u1", (16,)), ("flow_id", "u1", (16,))),
        *(("missing", "<u4"), ("wire_length", "<u4"), ("payload_offset", "<u4"), ("payload_length", "<u4")),
        *(("ethertype", "<u2"), ("src_port", "<u2"), ("dst_port", "<u2"), ("vlan", "<u2")),
        *(("protocol", "u1"), ("kind", "u1"), ("flags", "u1"), ("pad", "u1", (5,))),
    ]
)


class ControlFlags(IntFlag):
    """What else is to be said of a payload."""

    STREAM = 1
    TRUNCATED = 2
    FRAGMENT = 4
    LAST = 8


@dataclass(frozen=True, slots=True)
class ControlBatch:
    """Payloads of one interface and partition, in the order of capture.

    `records` has shape (n,) and dtype CONTROL_DTYPE; `heap` (uint8) holds the bytes that their `payload_offset` and
    `payload_length` name; `kinds` are the protocols that their `kind` is an index of.
    """

    records: Records = field(default_factory=lambda: np.zeros(0, CONTROL_DTYPE))
    heap: Heap = field(default_factory=lambda: np.zeros(0, np.uint8))
    site: str = ""
    probe: str = ""
    interface: str = ""
    boot_id: int = 0
    partition: int = 0
    sequence: int = 0
    kinds: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.records)

    def replace(self, **changes: Any) -> ControlBatch:  # noqa: ANN401 - any attribute
        """Return a copy with some attributes changed."""
        return dataclasses.replace(self, **changes)

    def payload(self, row: int) -> bytes:
        """Return the bytes of one record."""
        start = int(self.records["payload_offset"][row])
        return self.heap[start : start + int(self.records["payload_length"][row])].tobytes()

    def kind(self, row: int) -> str:
        """Return the name of the protocol of one record, empty when the batch does not know it."""
        number = int(self.records["kind"][row])
        return self.kinds[number] if number < len(self.kinds) else ""
