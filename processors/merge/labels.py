"""Labels of one flow become one: the union of what each key was said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from processors.merge.heap import SEPARATOR

if TYPE_CHECKING:
    from topics.batch import FlowBatch

SEPARATOR_BYTE = bytes((SEPARATOR,))


def united(texts: bytes) -> bytes:
    """Unite label texts parted by zero bytes: `a=1:b=2` and `a=3` give `a=1,3:b=2`, in order of appearance."""
    values: dict[bytes, dict[bytes, None]] = {}
    for text in texts.split(SEPARATOR_BYTE):
        for pair in filter(None, text.split(b":")):
            key, equals, value = pair.partition(b"=")
            values.setdefault(key + equals, {}).update(dict.fromkeys(filter(None, value.split(b","))))
    return b":".join(key + b",".join(found) for key, found in values.items())


def with_united_labels(batch: FlowBatch) -> FlowBatch:
    """Return the batch with the labels of each record united; as it is where there is nothing to unite."""
    lengths = batch.records["labels_length"]
    if not lengths.any():
        return batch
    changed = {}
    for row in np.flatnonzero(lengths).tolist():
        text = batch.heap_value(row, "labels")
        if SEPARATOR_BYTE in text:
            changed[row] = united(text)
    return _replaced(batch, changed) if changed else batch


def _replaced(batch: FlowBatch, changed: dict[int, bytes]) -> FlowBatch:
    """Put new labels behind the heap and let their rows name them."""
    start = len(batch.heap)
    for row, text in changed.items():
        batch.records["labels_offset"][row] = start
        batch.records["labels_length"][row] = len(text)
        start += len(text)
    added: Any = np.frombuffer(b"".join(changed.values()), np.uint8)
    return batch.replace(heap=np.concatenate([batch.heap, added]))
