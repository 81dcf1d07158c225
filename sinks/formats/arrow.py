"""Arrow IPC streams: records as they come, on a pipe or in a file."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from sinks.formats.arrow_columns import ArrowColumns
from sinks.formats.arrow_packing import LEAST, MOST, ArrowPacker
from sinks.formats.names import DASH, reason
from sinks.formats.writer import Writer
from topics.errors import InputError
from topics.frame import ARROW_SCHEMA, from_arrow, only_observer, to_arrow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.batch import FlowBatch, Observer

HURRY = -20  # level of lz4: the lower, the faster
END_MARK = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class ArrowWriter(Writer):
    """Writes each batch at once.

    Files are compressed with lz4, told to hurry: a fifth less time for a fifth more bytes; a pipe is not, its reader is
    waiting. Batches of the observer of the one before are packed by a kernel, in a third of the time.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        compression = None if path == DASH else pa.Codec("lz4", HURRY)
        self._options = pa.ipc.IpcWriteOptions(compression=compression, use_threads=False)
        self._stream = pa.ipc.new_stream(_Unclosed(self._destination.stream), ARROW_SCHEMA, options=self._options)
        self._columns: ArrowColumns | None = None
        self._codec = compression
        self._packer = None if path == DASH else ArrowPacker(self._options, compression)
        self._observer: Observer | None = None  # who is meant by the first word of each dictionary, if it is one

    def column_by_column(self) -> ArrowColumns | None:
        """Return what takes all records a column at a time.

        None for a pipe, whose reader is waiting, and where there is no place for temporary files.
        """
        if self._codec is not None:
            with suppress(OSError):
                self._columns = ArrowColumns(self._options, self._codec)
        return self._columns

    def _write(self, batch: FlowBatch) -> None:
        if not len(batch):
            return
        observer = only_observer(batch)
        if self._packer and observer and observer == self._observer and LEAST <= len(batch) <= MOST:
            self._destination.stream.writelines(self._packer.packed(batch))
        else:
            self._stream.write_batch(to_arrow(batch))
            self._observer = observer
        self._destination.stream.flush()

    def _write_columns(self, data: pa.RecordBatch) -> None:
        if len(data):
            self._observer = None
            self._stream.write_batch(data)
            self._destination.stream.flush()

    def _finish(self) -> None:
        if self._columns is None or not self._columns.any:
            self._stream.close()
        else:
            self._columns.write_to(self._destination.stream)
            self._destination.stream.write(END_MARK)
        self._forget()

    def abort(self) -> None:
        """Leave no trace of the file."""
        self._forget()
        super().abort()

    def _forget(self) -> None:
        if self._columns is not None:
            self._columns.forget()


class _Unclosed:
    """The destination as pyarrow sees it: closing it belongs to us, and pyarrow would write its end mark in passing."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self.write, self.flush = stream.write, stream.flush

    def close(self) -> None:
        """Leave the destination open."""


class _Watched:
    """A stream that remembers its last bytes, which tell a whole stream from one whose writer died between batches."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._tail = b""

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._tail = data[-len(END_MARK) :] if len(data) >= len(END_MARK) else (self._tail + data)[-len(END_MARK) :]
        return data

    @property
    def ended(self) -> bool:
        """Whether the last bytes read are the end mark."""
        return self._tail == END_MARK

    def close(self) -> None:
        """Leave the stream to who opened it."""


def read_arrow(path: str) -> Iterator[FlowBatch]:
    """Yield the batches of an Arrow IPC stream file, of standard input for `-`.

    Raises InputError naming the file when it is something else, damaged, or ends without its end mark.
    """
    if path == DASH:
        yield from _batches(path, sys.stdin.buffer)
        return
    with Path(path).open("rb") as file:
        yield from _batches(path, file)


def _batches(path: str, file: BinaryIO) -> Iterator[FlowBatch]:
    stream = _Watched(file)
    try:
        for data in pa.ipc.open_stream(stream):
            data.validate(full=True)
            yield from_arrow(data)
    except (pa.ArrowException, OSError, ValueError, LookupError, InputError) as error:
        raise InputError(f"{path}: {_what(error)}") from error
    if not stream.ended:
        raise InputError(f"{path}: ends before its end mark, its writer was cut off")


def _what(error: Exception) -> str:
    if isinstance(error, InputError):
        return str(error)
    return f"no Arrow stream of flow records, or a damaged one: {reason(error)}"
