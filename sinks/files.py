"""Rotated Parquet files: flows go to the file of the time bin they began in."""

from __future__ import annotations

import fcntl
import itertools
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sinks.bins import SECOND, OpenBins, Rotation
from sinks.contents import Contents, Position, holds
from sinks.formats.destination import sync_directory, writing_to
from sinks.formats.parquet import ParquetWriter, read_facts
from topics.batch import END_OF_RUN, FlowBatch
from topics.errors import InputError, OutputError
from topics.record import FLOW_DTYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

PATTERN = "%Y-%m-%d/flows.%H.%M.%S"
ROTATE = 300
GRACE = 420  # a flow arrives when it is complete: its active timeout (300 s) and idle timeout (60 s) after it began
MOST_OPEN = 16
MOST_WAITING = 256 * 1024  # records in memory over all open files, 700 bytes each
LOCK = ".argosy.lock"


@dataclass(slots=True)
class _Part:
    """One file that is being written, and the facts of the finished files of its bin by path."""

    writer: ParquetWriter
    contents: Contents
    finished: dict[Path, dict[str, Any]]


class FileSink:
    """Keeps flows as Parquet files below `directory`, one file or more for each bin of `rotate` seconds.

    Files appear whole, under the names that `pattern` gives (strftime, UTC), when the watermark has passed their bin
    by `grace` seconds, or on close(). Later flows of that bin go to a further part, `NAME.1.parquet`. A file whose
    flows are those of one that is there already takes its place, so the same run twice keeps each flow once.

    With positions on the bus, records that a finished file holds are left out when they are read again, and
    `safe_offsets` tells from where on they would have to be. One sink writes to a directory at a time.

    Raises OutputError naming the file or directory, UsageError for a pattern that does not do.
    """

    def __init__(
        self, directory: str | Path, *, pattern: str = PATTERN, rotate: int = ROTATE, grace: int = GRACE
    ) -> None:
        self._rotation = Rotation(pattern, rotate)
        self._bins = OpenBins(self._rotation.length, grace * SECOND, MOST_OPEN)
        self._directory = Path(directory)
        self._parts: dict[int, _Part] = {}
        self._next_offsets: dict[str, int] = {}
        self._lock = _lock(self._directory)
        self.files: list[Path] = []
        self.records = 0

    def write(self, batch: FlowBatch, position: Position | None = None) -> None:
        """Take the records of a batch; those that were taken before from the same position are left out."""
        if position is not None:
            if position.offset < self._next_offsets.get(position.source, 0):
                return
            self._next_offsets[position.source] = position.offset + 1
        with self._all_or_nothing():
            for start, index in self._rotation.split(batch.records):
                self._write_bin(start, batch.select(index), position)
            if sum(part.writer.waiting for part in self._parts.values()) > MOST_WAITING:
                max(self._parts.values(), key=lambda part: part.writer.waiting).writer.spill()

    @property
    def held(self) -> int:
        """Bytes in memory of what is in no file yet."""
        return sum(part.writer.waiting for part in self._parts.values()) * FLOW_DTYPE.itemsize

    def advance(self, watermark: int) -> None:
        """Finish the files of all bins that the watermark (ns) has passed by the time of grace."""
        if watermark != END_OF_RUN:
            with self._all_or_nothing():
                for start in self._bins.advance(watermark):
                    self._finish(start)

    def flush(self) -> None:
        """Finish all open files."""
        with self._all_or_nothing():
            for start in self._bins.clear():
                self._finish(start)

    def close(self) -> None:
        """Finish all open files and leave the directory to others."""
        self.flush()
        self._lock.close()

    def abort(self) -> None:
        """Remove the open files without a trace; finished ones stay."""
        self._bins.clear()
        for part in self._parts.values():
            part.writer.abort()
        self._parts.clear()
        self._next_offsets.clear()  # nothing is safe any more
        self._lock.close()

    def safe_offsets(self) -> dict[str, int]:
        """Return, by source, the first offset that would be lost if reading began behind it after a crash."""
        safe = dict(self._next_offsets)
        for part in self._parts.values():
            for source, (first, _) in part.contents.offsets.items():
                safe[source] = min(safe[source], first)
        return safe

    def _write_bin(self, start: int, batch: FlowBatch, position: Position | None) -> None:
        leaving = self._bins.touch(start)
        if leaving is not None:
            self._finish(leaving)
        part = self._parts.get(start) or self._open(start)
        if position is not None and any(holds(facts, position) for facts in part.finished.values()):
            return
        part.writer.write(batch)
        part.contents.add(batch, position)

    def _open(self, start: int) -> _Part:
        end = start + self._rotation.length
        path = self._path(start, 0)
        with writing_to(str(path)):
            _make_directory(path.parent)
        finished = {}
        for number in itertools.count():
            part = self._path(start, number)
            if not part.exists():
                break
            facts = _facts(part)
            if facts.get("bin") == [start, end]:
                finished[part] = facts
        self._parts[start] = _Part(ParquetWriter(str(part)), Contents(start, end), finished)
        return self._parts[start]

    def _path(self, start: int, part: int) -> Path:
        return self._directory / self._rotation.name(start, part)

    def _finish(self, start: int) -> None:
        part = self._parts.pop(start)
        contents = part.contents
        if not contents.records:
            part.writer.abort()
            return
        twin = next((path for path, facts in part.finished.items() if facts.get("identity") == contents.identity), None)
        with part.writer:
            part.writer.describe(contents.as_json())
            if twin is not None:
                part.writer.replace(twin)
        self.files.append(twin or Path(part.writer.path))
        self.records += contents.records

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Abort when writing fails: no file is left half-written."""
        try:
            yield
        except BaseException:
            self.abort()
            raise


def _facts(path: Path) -> dict[str, Any]:
    try:
        return read_facts(str(path))
    except InputError:
        return {}


def _make_directory(directory: Path) -> None:
    """Make a directory and its parents, and see to it that they outlast a power cut."""
    if not directory.is_dir():
        _make_directory(directory.parent)
        directory.mkdir(exist_ok=True)
        sync_directory(directory.parent)


def _lock(directory: Path) -> BinaryIO:
    with writing_to(str(directory)):
        _make_directory(directory)
        lock = (directory / LOCK).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise OutputError(f"{directory}: another sink writes to this directory") from error
    for partial in directory.rglob(".*.parquet.partial"):
        partial.unlink(missing_ok=True)
    return lock
