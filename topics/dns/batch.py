"""DNS transactions in memory: two structured arrays, transactions and their resource records, and a heap for each."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from topics.batch import Heap, Records

DNS_DTYPE = np.dtype(
    [
        *(("time", "<i8"), ("answered", "<i8")),
        *(("client", "u1", (16,)), ("server", "u1", (16,)), ("flow_id", "u1", (16,))),
        *(("query_bytes", "<u4"), ("answer_bytes", "<u4")),
        *((f"{name}_{part}", "<u4") for name in ("name", "client_subnet", "cookie") for part in ("offset", "length")),
        *((name, "<u2") for name in ("client_port", "server_port", "vlan", "state", "id", "query_flags", "flags")),
        *(
            (name, "<u2")
            for name in ("rcode", "record_type", "record_class", "retries", "answers", "query_udp_size", "udp_size")
        ),
        ("extended_error", "<u2"),
        *((name, "u1") for name in ("protocol", "kind", "query_edns", "edns", "dnssec", "query_error", "error")),
        ("pad", "u1", (3,)),
    ]
)
RESOURCE_DTYPE = np.dtype(
    [
        *(("transaction", "<u4"), ("ttl", "<u4")),
        *((f"{name}_{part}", "<u4") for name in ("name", "data") for part in ("offset", "length")),
        *(("record_type", "<u2"), ("record_class", "<u2"), ("section", "u1"), ("pad", "u1", (3,))),
    ]
)
KINDS = ("dns", "mdns", "llmnr", "netbios")


class State(IntFlag):
    """What was seen of a transaction."""

    QUERY = 1
    ANSWER = 2
    TRUNCATED = 4
    AFTER_TRUNCATION = 8
    SEVERAL = 16
    ANSWER_CUT = 32
    QUERY_CUT = 64


class Malformed(IntEnum):
    """What is wrong with a message."""

    SHORT_HEADER = 1
    NAME_OUTSIDE = 2
    POINTER = 3
    NAME_LOOP = 4
    NAME_LONG = 5
    LABEL_TYPE = 6
    SHORT_QUESTION = 7
    SHORT_RECORD = 8
    RECORD_DATA = 9
    TOO_MUCH = 10
    TRAILING_BYTES = 11


@dataclass(frozen=True, slots=True)
class DnsBatch:
    """Transactions of one interface in the order in which they ended.

    `transactions` has shape (n,) and dtype DNS_DTYPE, `resources` RESOURCE_DTYPE in the order of their `transaction`;
    the fields F of variable length are `F_offset` and `F_length` into `heap` and `resource_heap` (uint8).
    """

    transactions: Records = field(default_factory=lambda: np.zeros(0, DNS_DTYPE))
    resources: Records = field(default_factory=lambda: np.zeros(0, RESOURCE_DTYPE))
    heap: Heap = field(default_factory=lambda: np.zeros(0, np.uint8))
    resource_heap: Heap = field(default_factory=lambda: np.zeros(0, np.uint8))
    site: str = ""
    probe: str = ""
    interface: str = ""
    boot_id: int = 0
    partition: int = 0

    def __len__(self) -> int:
        return len(self.transactions)

    def replace(self, **changes: Any) -> DnsBatch:  # noqa: ANN401 - any attribute
        """Return a copy with some attributes changed."""
        return dataclasses.replace(self, **changes)


def heap_values(records: Records, heap: Heap, name: str) -> list[bytes]:
    """Return the bytes of a field of variable length of each record."""
    data = heap.tobytes()
    starts, lengths = records[f"{name}_offset"].tolist(), records[f"{name}_length"].tolist()
    return [data[start : start + length] for start, length in zip(starts, lengths, strict=True)]
