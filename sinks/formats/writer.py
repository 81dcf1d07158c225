"""What all writers of flow record files have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol, Self

from sinks.formats.destination import Destination, writing_to
from topics.frame import conformed, from_arrow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    import polars as pl
    import pyarrow as pa

    from topics.batch import FlowBatch


class Columns(Protocol):
    """Takes each column of topics/frame.py once, in any order and from any thread, instead of records."""

    def put(self, name: str, pieces: Iterable[pa.Array]) -> None:
        """Take a column: its parts, cut alike in all columns, with their types and one dictionary in all.

        A part that is the same object as the one before has the same values.
        """

    def repeat(self, name: str, other: str) -> None:
        """Take a column that is the same as another of its type, without a dictionary, that was put."""

    def forget(self) -> None:
        """Forget what was put: records come after all."""


class Writer(ABC):
    """Takes batches in order; what it wrote appears under its name only after close(), unless that is a pipe.

    Leaving it as a context manager closes it, or aborts it after an exception. Raises OutputError naming the file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._destination = Destination(path)
        self._open, self._finished = True, False

    @property
    def written(self) -> int:
        """Bytes of the file so far, of all of it once it is closed."""
        return self._destination.written

    def write(self, batch: FlowBatch) -> None:
        """Add the records of a batch."""
        with writing_to(self.path):
            self._write(batch)

    def write_frame(self, frame: pl.DataFrame) -> None:
        """Add the records of a frame with the columns of topics/frame.py."""
        with writing_to(self.path):
            for data in frame.to_arrow().combine_chunks().to_batches():
                self._write_columns(conformed(data))

    def write_columns(self, data: pa.RecordBatch) -> None:
        """Add the records of a record batch with the columns of topics/frame.py, and their types."""
        with writing_to(self.path):
            self._write_columns(data)

    def _write_columns(self, data: pa.RecordBatch) -> None:
        self._write(from_arrow(data))

    def column_by_column(self) -> Columns | None:
        """Return what takes all records of the file a column at a time, None where it takes them as they come."""
        return None

    def close(self) -> None:
        """Write what is left and let the file appear under its name. Does nothing the second time."""
        if self._open:
            self.finish()
            self._destination.commit()
            self._open = False

    def finish(self) -> Path:
        """Write what is left; return where the file stands, whole, until close() gives it its name."""
        with writing_to(self.path):
            if not self._finished:
                self._finish()
            self._finished = True
            return self._destination.aside()

    def replace(self, target: Path) -> None:
        """Let the file appear in place of another one in its directory."""
        self._destination.replace(target)

    def abort(self) -> None:
        """Leave no trace of a file; a pipe ends without its end mark, so that its reader knows."""
        if self._open:
            self._open = False
            self._destination.abort()

    @abstractmethod
    def _write(self, batch: FlowBatch) -> None: ...

    @abstractmethod
    def _finish(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                self.close()
            finally:
                self.abort()
        else:
            self.abort()
