"""Which partition a flow belongs to: the same for both directions and for every probe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from topics.compiled import inlined, kernel
from topics.record import FLOW_DTYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from topics.batch import FlowBatch, Records

WITH_PORTS = (6, 17, 132)  # TCP, UDP, SCTP; others may put different things there in each direction
WORDS = FLOW_DTYPE.itemsize // 8
FIELDS: Mapping[str, Any] = FLOW_DTYPE.fields or {}
SOURCE = FIELDS["src_address"][1] // 8
TARGET = FIELDS["dst_address"][1] // 8


@inlined
def _mix(word: Any) -> Any:  # noqa: ANN401 - an unsigned integer that only Numba types
    """Spread the bits of a word (the finaliser of SplitMix64)."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@kernel
def _hash(records: Any, words: Any, out: Any) -> None:  # noqa: ANN401 - arrays that only Numba types
    for row in range(len(records)):
        record = records[row]
        source = _mix(words[row, SOURCE] + _mix(words[row, SOURCE + 1]))
        target = _mix(words[row, TARGET] + _mix(words[row, TARGET + 1]))
        if record.protocol in WITH_PORTS:
            source = _mix(source + np.uint64(record.src_port))
            target = _mix(target + np.uint64(record.dst_port))
        out[row] = _mix(source + target + (np.uint64(record.ethertype) << np.uint64(8)) + np.uint64(record.protocol))


def flow_hash(records: Records) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return a symmetric hash of the conversation of each record, shape (n,); the same in every release."""
    rows = np.ascontiguousarray(records)
    hashed = np.zeros(len(rows), np.uint64)
    _hash(rows, rows.view(np.uint64).reshape(-1, WORDS), hashed)
    return hashed


def split(batch: FlowBatch, count: int) -> list[FlowBatch]:
    """Return a batch for each partition that has records in it, their order kept."""
    numbers = (flow_hash(batch.records) % np.uint64(count)).astype(np.int64)
    order = np.argsort(numbers, kind="stable")
    edges = np.searchsorted(numbers[order], np.arange(count + 1))
    return [
        batch.select(order[edges[number] : edges[number + 1]]).replace(partition=number)
        for number in range(count)
        if edges[number] < edges[number + 1]
    ]


def warm_up() -> None:
    """Compile the kernel."""
    flow_hash(np.zeros(1, FLOW_DTYPE))
