"""One output of files: flows go to the file of the bin they began in, a bin is cut where it gets too large."""

from __future__ import annotations

import itertools
import os
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinks.files.bins import OpenBins, split
from sinks.files.contents import Contents, held
from sinks.files.cutting import SECOND, Cutting, Knife, selecting
from sinks.files.directory import Held, Place, make_directory
from sinks.files.facts import checksum, has_footer, put_beside
from sinks.files.names import NamePattern
from sinks.formats import open_writer
from sinks.formats.destination import writing_to
from sinks.formats.names import Format
from sinks.formats.parquet import WHOLE, ParquetWriter
from topics.batch import END_OF_RUN, FlowBatch
from topics.errors import DiskFullError, UsageError
from topics.frame import from_arrow, to_arrow
from topics.record import FLOW_DTYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinks.files.bins import Bin
    from sinks.files.names import Rows
    from sinks.files.programs import Program
    from sinks.formats.writer import Writer
    from sinks.position import Position

PATTERN = "%Y-%m-%d/flows.%H.%M.%S"
GRACE = 420  # a flow arrives when it is complete: its active timeout (300 s) and idle timeout (60 s) after it began
MOST_OPEN = 64
MOST_WAITING = 256 * 1024  # records in memory over all open files, 700 bytes each
MOST_REMEMBERED = 4096  # bins whose finished files are known without looking
FORMATS = (Format.PARQUET, Format.AVRO, Format.JSONL, Format.CSV)


@dataclass(slots=True)
class _Part:
    """One file that is being written."""

    writer: Writer
    contents: Contents


@dataclass(slots=True)
class _Finished:
    """The files of a bin that are there, by path, and the number of the next one."""

    facts: dict[Path, dict[str, Any]] = field(default_factory=dict)
    gone: list[dict[str, Any]] = field(default_factory=list)
    number: int = 0


class FileSink:
    """Keeps flows as files below `directory`, one or more for each bin of `cutting.seconds`.

    Files are Parquet, of a `layout` of ParquetWriter, unless `pattern` ends in `.avro`, `.jsonl` or `.csv`; `wanted` is
    a filter, `program` runs on each closed file; `letters` end the names of a bin's files, in place of numbers. They
    appear whole, under the names that `pattern` gives (strftime in UTC, `$field`), when the watermark has passed their
    bin by `grace` seconds, when `cutting` says so, or on close(). Later flows of that bin go to a further part,
    `NAME.1.parquet`. A file whose flows are those of one that is there already takes its place, so the same run twice
    keeps each flow once.

    With positions on the bus, records that a finished file holds are left out when they are read again, and
    `safe_offsets` tells from where on they would have to be. One process writes to a directory at a time; outputs that
    share one pass it as `place`.

    Raises OutputError naming the file or directory, UsageError for a pattern that does not do.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        pattern: str = PATTERN,
        cutting: Cutting | None = None,
        grace: int = GRACE,
        wanted: str = "",
        most_open: int = MOST_OPEN,
        program: Program | None = None,
        place: Place | None = None,
        letters: int = 0,
        layout: str = WHOLE,
    ) -> None:
        cutting = Cutting() if cutting is None else cutting
        self._names, self._length = name_pattern(pattern, cutting, letters), cutting.length
        self._knife, self._wanted, self._program = Knife(cutting), selecting(wanted), program
        self._layout = layout
        self._bins = OpenBins(self._length, grace * SECOND, most_open)
        self._directory = Path(directory)
        self._parts: dict[Bin, _Part] = {}
        self._finished: OrderedDict[Bin, _Finished] = OrderedDict()
        self._next_offsets: dict[str, int] = {}
        self._record_bytes = 0.0
        self._run, self._closed = os.urandom(6).hex(), 0
        self._own = place is None
        self._place: Place = Held(self._directory) if place is None else place
        self.files: list[Path] = []
        self.records = 0

    def write(self, batch: FlowBatch, position: Position | None = None) -> None:
        """Take the records of a batch; those that were taken before from the same position are left out."""
        if position is not None:
            if position.offset < self._next_offsets.get(position.source, 0):
                return
            self._next_offsets[position.source] = position.offset + 1
        with self._all_or_nothing():
            rows = np.arange(len(batch)) if self._wanted is None else np.flatnonzero(self._wanted(batch))
            if len(rows):
                self._write(batch, rows, position)
            while self._waiting > MOST_WAITING:
                largest = max(self._parquets(), key=lambda writer: writer.waiting)
                with writing_to(largest.path):
                    largest.spill()

    @property
    def held(self) -> int:
        """Bytes in memory of what is in no file yet."""
        return self._waiting * FLOW_DTYPE.itemsize

    def advance(self, watermark: int) -> None:
        """Finish the files of all bins that the watermark (ns) has passed by the time of grace."""
        if watermark != END_OF_RUN:
            with self._all_or_nothing():
                for bin_ in self._bins.advance(watermark):
                    self._finish(bin_)

    def flush(self) -> None:
        """Finish all open files."""
        with self._all_or_nothing():
            for bin_ in self._bins.clear():
                self._finish(bin_)

    def close(self) -> None:
        """Finish all open files, let the program run on them, and leave the directory to others."""
        self.flush()
        if self._program is not None:
            self._program.close()
        self._leave()

    def begin_again(self) -> int:
        """Remove the open files without a trace: what is in no finished one has to come again. Return their bytes."""
        self._bins.clear()
        self._bins.watermark = 0
        for part in self._parts.values():
            part.writer.abort()
        size = sum(part.writer.written for part in self._parts.values())
        self._parts.clear()
        self._next_offsets.clear()  # nothing is safe any more
        return size

    def abort(self) -> None:
        """Remove the open files without a trace, and leave the directory; finished ones stay."""
        self.begin_again()
        self._leave()

    def safe_offsets(self) -> dict[str, int]:
        """Return, by source, the first offset that would be lost if reading began behind it after a crash."""
        safe = dict(self._next_offsets)
        for part in self._parts.values():
            for source, (first, _) in part.contents.offsets.items():
                safe[source] = min(safe[source], first)
        return safe

    def _leave(self) -> None:
        if self._own:
            self._place.close()

    @property
    def _waiting(self) -> int:
        return sum(writer.waiting for writer in self._parquets())

    def _parquets(self) -> Iterator[ParquetWriter]:
        return (part.writer for part in self._parts.values() if isinstance(part.writer, ParquetWriter))

    def _write(self, batch: FlowBatch, rows: Rows, position: Position | None) -> None:
        """Share the records of these rows of a batch out among bins."""
        ends = self._knife.ends(batch)
        chosen = batch if len(rows) == len(batch) else _lean(batch, rows)
        for values, index in self._names.groups(chosen):
            one = chosen if len(index) == len(chosen) else _lean(chosen, index)
            for start, within in split(one.records, self._length):
                flows = one if len(within) == len(one) else _lean(one, within)
                places = rows[index[within]]
                self._write_bin((start, values), flows, places, position, None if ends is None else ends[places])

    def _write_bin(self, bin_: Bin, batch: FlowBatch, rows: Rows, position: Position | None, ends: Any) -> None:  # noqa: ANN401 - marks or none
        leaving = self._bins.touch(bin_)
        if leaving is not None:
            self._finish(leaving)
        fresh = self._not_held(bin_, rows, position)
        if not fresh.all():
            batch, rows, ends = batch.select(fresh), rows[fresh], None if ends is None else ends[fresh]
        while len(batch):
            part = self._parts.get(bin_) or self._open(bin_)
            taken, ended = self._knife.take(part.contents.records, ends, len(batch))
            piece = batch if taken == len(batch) else batch.select(slice(taken))
            part.writer.write(piece)
            part.contents.add(piece, position, rows[:taken])
            batch, rows, ends = batch.select(slice(taken, None)), rows[taken:], None if ends is None else ends[taken:]
            if ended or self._is_large(part):
                self._finish(bin_)

    def _not_held(self, bin_: Bin, rows: Rows, position: Position | None) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Tell which rows of a message no finished file of the bin holds."""
        finished, fresh = self._finished_of(bin_), np.ones(len(rows), np.bool_)
        if position is not None:
            for facts in (*finished.facts.values(), *finished.gone):
                fresh &= ~held(facts, position, rows)
        return fresh

    def _is_large(self, part: _Part) -> bool:
        if not self._knife.size:
            return False
        waiting = part.writer.waiting if isinstance(part.writer, ParquetWriter) else 0
        return part.writer.written + waiting * (self._record_bytes or 100.0) >= self._knife.size

    def _finished_of(self, bin_: Bin) -> _Finished:
        finished = self._finished.get(bin_)
        if finished is None:
            finished = self._finished[bin_] = self._look(bin_)
            if len(self._finished) > MOST_REMEMBERED:
                self._finished.popitem(last=False)
        self._finished.move_to_end(bin_)
        return finished

    def _look(self, bin_: Bin) -> _Finished:
        """Look which files of a bin are there, or were merged into others."""
        start, values = bin_
        ours = {"bin": [start, start + self._length], "values": list(values)}
        finished = _Finished()
        for number in itertools.count():
            path = self._path(bin_, number)
            facts = self._place.known(path)
            if facts is None:
                facts = self._place.merged(path)  # asked last: it is noted before the file goes
                if facts is None:
                    finished.number = number
                    return finished
                finished.gone.append(facts)
            elif ours["bin"] == facts.get("bin") and ours["values"] == facts.get("values", []):
                finished.facts[path] = facts
        raise AssertionError

    def _open(self, bin_: Bin) -> _Part:
        start, values = bin_
        path = self._path(bin_, self._finished_of(bin_).number)
        with writing_to(str(path)):
            make_directory(path.parent)
        contents = Contents(start, start + self._length, self._names.text, values)
        writer = open_writer(str(path)) if self._layout == WHOLE else ParquetWriter(str(path), self._layout)
        self._parts[bin_] = _Part(writer, contents)
        return self._parts[bin_]

    def _path(self, bin_: Bin, part: int) -> Path:
        return self._directory / self._names.path(bin_[1], bin_[0], part)

    def _finish(self, bin_: Bin) -> None:
        part = self._parts.get(bin_)
        if part is None:
            return
        self._close_part(bin_, part)
        del self._parts[bin_]

    def _close_part(self, bin_: Bin, part: _Part) -> None:
        finished, facts = self._finished_of(bin_), part.contents.as_json()
        twin = next(
            (path for path, known in finished.facts.items() if known.get("identity") == facts["identity"]), None
        )
        path = Path(part.writer.path)
        merged = any(known.get("identity") == facts["identity"] for known in finished.gone)
        if merged or (twin is not None and not has_footer(path)):
            part.writer.abort()
            return
        if part.contents.offsets:
            known = {} if twin is None else finished.facts[twin].get("runs", {})
            facts["runs"] = known | {self._run: [[self._closed, self._closed]]}
            self._closed += 1
        _close(part.writer, facts, twin)
        self._place.publish(twin or path)
        finished.facts[twin or path] = facts
        finished.number += twin is None
        self.files.append(twin or path)
        self.records += part.contents.records
        self._record_bytes = part.writer.written / part.contents.records
        if self._program is not None:
            self._program.run(twin or path)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Abort when writing fails: no file is left half-written. On a full disk, be ready to begin again."""
        try:
            yield
        except DiskFullError as error:
            error.directory, error.size = str(self._place.path), self.begin_again()
            raise
        except BaseException:
            self.abort()
            raise


def name_pattern(pattern: str, cutting: Cutting, letters: int = 0) -> NamePattern:
    """Return the names that a pattern gives to bins of this length; raises UsageError for one that does not do."""
    suffix = next((kind for kind in FORMATS if pattern.endswith(kind)), Format.PARQUET)
    names = NamePattern(pattern, suffix, letters)
    if cutting.seconds and not names.tells_apart(cutting.length):
        raise UsageError(f"pattern '{pattern}' names bins of {cutting.seconds} s alike, it needs more of %d %H %M %S")
    return names


def _lean(batch: FlowBatch, rows: Rows) -> FlowBatch:
    """Return the records of some rows with their own bytes of the heap only, since many files share a batch."""
    chosen = batch.select(rows)
    return from_arrow(to_arrow(chosen)) if len(batch.heap) else chosen


def _close(writer: Writer, facts: dict[str, Any], twin: Path | None) -> None:
    """Let a file appear with its facts, which are beside it before, where they cannot be in it."""
    path = Path(writer.path)
    with writer:
        if isinstance(writer, ParquetWriter):
            writer.describe(facts)
            if twin is not None:
                writer.replace(twin)
        else:
            whole = writer.finish()
            put_beside(path, facts | {"size": whole.stat().st_size, "checksum": checksum(whole)})
