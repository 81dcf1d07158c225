"""Records of one observer as a message of an Arrow IPC stream: columns are made and packed by a kernel.

Where pyarrow and lz4 take 1.3 us a record this takes a fraction. The content is the same, not the bytes: lz4 would
choose other matches.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pyarrow as pa

from sinks.formats import arrow_packing_layout as at
from sinks.formats.arrow_message import Described, message
from topics.batch import FlowBatch, records_like
from topics.frame import ARROW_SCHEMA, FIELDS, OBSERVER_COLUMNS, TIME_UNIT, to_arrow, variable_bytes
from topics.native import Native, address_of
from topics.record import FLOW_DTYPE

LEAST, MOST = 1024, 1 << 16  # records: a few are not worth it, a block of more would have to be divided
SPARE = 4096  # bytes: what a column of nothing takes beside its values, rounding, and words written over its end
_pack = Native("sinks.formats.arrow_packing_kernel", "pack", 13)


@functools.cache
def _columns() -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the rows of all columns, those of variable length without any bytes."""
    rows = np.zeros((len(ARROW_SCHEMA), at.COLUMN_WORDS), np.int64)
    for row, name in zip(rows, ARROW_SCHEMA.names, strict=True):
        if name in OBSERVER_COLUMNS:
            row[[at.WIDTH, at.KIND]] = 4, at.ZEROS
        elif FIELDS[name].store == "heap":
            row[[at.OFFSET, at.WIDTH, at.KIND]] = _place(f"{name}_length"), 4, at.EMPTY
        else:
            kind = at.TIME if FIELDS[name].unit == TIME_UNIT else at.PLAIN
            row[[at.OFFSET, at.WIDTH, at.KIND]] = _place(name), FLOW_DTYPE[name].itemsize, kind
    return rows


def _place(name: str) -> int:
    fields: Any = FLOW_DTYPE.fields
    return int(fields[name][1])


class ArrowPacker:
    """Makes messages of batches with LEAST to MOST records; its memory is used again."""

    def __init__(self, options: pa.ipc.IpcWriteOptions, codec: pa.Codec) -> None:
        self._codec = codec
        self._template = _template(options)
        self._columns = _columns().copy()
        self._scratch = self._out = np.zeros(0, np.uint8)
        buffers = sum(2 + (name in FIELDS and FIELDS[name].store == "heap") for name in ARROW_SCHEMA.names)
        self._nodes = np.zeros((len(ARROW_SCHEMA), at.NODE_WORDS), np.int64)
        self._buffers = np.zeros((buffers, at.BUFFER_WORDS), np.int64)

    def packed(self, batch: FlowBatch) -> tuple[bytes, memoryview]:
        """Return the message of a batch whose observers are the first word of their dictionaries, and its body.

        The body is good until the next one. Raises OutputError as to_arrow does.
        """
        records, columns, kept = np.ascontiguousarray(batch.records), self._columns.copy(), []
        if len(batch.heap):
            for row, name in zip(columns, ARROW_SCHEMA.names, strict=True):
                if row[at.KIND] == at.EMPTY and len(data := variable_bytes(name, batch)):
                    kept.append(self._describe(row, data))
        self._make_room(len(records), sum(len(each) for each in kept))
        end = np.zeros(1, np.int64)
        _pack(
            address_of(columns),
            len(columns),
            address_of(records),
            records.itemsize,
            len(records),
            address_of(self._scratch),
            len(self._scratch),
            address_of(self._nodes),
            address_of(self._buffers),
            len(self._buffers),
            address_of(self._out),
            len(self._out),
            address_of(end),
        )
        plain = self._columns[:, at.KIND] <= at.SAME
        self._columns[plain, at.KIND] = columns[plain, at.KIND]  # what the next batch is likely to be
        size = int(end[0])
        head = message(self._template, len(records), Described(self._nodes, self._buffers), size)
        return head, memoryview(self._out.data)[:size]

    def _describe(self, row: Any, data: Any) -> Any:  # noqa: ANN401 - arrays
        """Say of a column where its bytes lie; return them as they are written."""
        packed = np.frombuffer(self._codec.compress(data), np.uint8)
        shorter = len(packed) < len(data)
        written = np.concatenate([packed if shorter else data, np.zeros(at.WORD, np.uint8)])
        row[[at.KIND, at.DATA, at.DATA_BYTES]] = at.HEAP, address_of(written), len(written) - at.WORD
        row[at.DATA_LENGTH] = len(data) if shorter else -1
        return written

    def _make_room(self, count: int, more: int) -> None:
        size = (count + 2) * (FLOW_DTYPE.itemsize + 16 + 4 * len(OBSERVER_COLUMNS)) + SPARE * len(ARROW_SCHEMA)
        if len(self._scratch) < size:
            self._scratch = np.zeros(size, np.uint8)
        if len(self._out) < size + more:
            self._out = np.zeros(size + more, np.uint8)


def _template(options: pa.ipc.IpcWriteOptions) -> bytes:
    """Return the metadata of some batch."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, ARROW_SCHEMA, options=options) as stream:
        stream.write_batch(to_arrow(FlowBatch(records_like(1))))
    *_, batch = pa.ipc.MessageReader.open_stream(sink.getvalue())
    metadata: bytes = batch.metadata.to_pybytes()
    return metadata
