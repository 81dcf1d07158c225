"""Which partition a payload belongs to: that of the flow it is part of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from topics.partitions import WITH_PORTS

if TYPE_CHECKING:
    from topics.batch import Records
    from topics.control.batch import ControlBatch

Words = np.ndarray[Any, np.dtype[np.uint64]]


def _mix(word: Words) -> Words:
    """Spread the bits of words, as topics/partitions.py does (the finaliser of SplitMix64)."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def control_hash(records: Records) -> Words:
    """Return the hash that flow_hash gives the flow of each payload, shape (n,)."""
    ports = np.isin(records["protocol"], WITH_PORTS)
    hashed = np.zeros(len(records), np.uint64)
    for side in ("src", "dst"):
        words = np.ascontiguousarray(records[f"{side}_address"]).view("<u8")
        end = _mix(words[:, 0] + _mix(words[:, 1]))
        hashed += np.where(ports, _mix(end + records[f"{side}_port"].astype(np.uint64)), end)
    kind = (records["ethertype"].astype(np.uint64) << np.uint64(8)) + records["protocol"]
    return _mix(hashed + kind)


def split_control(batch: ControlBatch, count: int) -> list[ControlBatch]:
    """Return a batch for each of `count` partitions that has payloads in it, their order kept; the heap is shared."""
    numbers = (control_hash(batch.records) % np.uint64(count)).astype(np.int64)
    return [
        batch.replace(records=batch.records[numbers == number], partition=number)
        for number in np.unique(numbers).tolist()
    ]
