"""Several outputs of files as one sink."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from topics.errors import DiskFullError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sinks.files.directory import Place
    from sinks.files.sink import FileSink
    from sinks.position import Position
    from topics.batch import FlowBatch


class FileSinks:
    """Hands flows to every output; an offset is safe when it is for all of them. `places` are left at the end."""

    def __init__(self, sinks: Sequence[FileSink], places: Sequence[Place] = ()) -> None:
        self._sinks, self._places = tuple(sinks), tuple(places)

    @property
    def records(self) -> int:
        """Records in finished files of all outputs."""
        return sum(sink.records for sink in self._sinks)

    @property
    def files(self) -> list[Path]:
        """Files that were finished."""
        return [path for sink in self._sinks for path in sink.files]

    @property
    def held(self) -> int:
        """Bytes in memory of what is in no file yet."""
        return sum(sink.held for sink in self._sinks)

    def write(self, batch: FlowBatch, position: Position | None = None) -> None:
        """Take the records of a batch."""
        with self._together():
            for sink in self._sinks:
                sink.write(batch, position)

    def advance(self, watermark: int) -> None:
        """Finish what is complete."""
        with self._together():
            for sink in self._sinks:
                sink.advance(watermark)

    def flush(self) -> None:
        """Finish all open files."""
        with self._together():
            for sink in self._sinks:
                sink.flush()

    def close(self) -> None:
        """Finish all open files and leave the directories to others."""
        for sink in self._sinks:
            sink.close()
        self._leave()

    def abort(self) -> None:
        """Remove the open files without a trace; finished ones stay."""
        for sink in self._sinks:
            sink.abort()
        self._leave()

    def safe_offsets(self) -> dict[str, int]:
        """Return, by source, the first offset whose records are not in finished files of all outputs."""
        found = [sink.safe_offsets() for sink in self._sinks]
        sources = found[0].keys() & set().union(*found) if found else set()
        return {source: min(each[source] for each in found if source in each) for source in sources}

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Let all begin again when the disk of one is full: what comes again comes to each."""
        try:
            yield
        except DiskFullError:
            for sink in self._sinks:
                sink.begin_again()
            raise

    def _leave(self) -> None:
        for place in self._places:
            place.close()
