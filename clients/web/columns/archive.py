"""Which files of flows there are, from when to when each is, and when that changes."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clients.web.columns.awaited import Awaited
from topics.errors import ArgosyError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clients.web.columns.imported import Hour

PARQUET = ".parquet"
PIECE = 1 << 20  # flows that are looked at in one go, so that a question can be given up in between


@dataclass(frozen=True, slots=True)
class Piece:
    """So many rows of a Parquet file, from row `offset` on; `key` is that of the file, and which piece it is."""

    path: str
    key: str
    offset: int
    rows: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A Parquet file of `rows` flows from `first` to `last` (ns, both 0 when it has none); `key` changes with it."""

    path: str
    key: str
    rows: int
    first: int
    last: int

    @property
    def pieces(self) -> list[Piece]:
        """The rows of the file in pieces of at most PIECE."""
        begins = range(0, self.rows, PIECE)
        return [
            Piece(self.path, f"{self.key}.{begin // PIECE}", begin, min(PIECE, self.rows - begin)) for begin in begins
        ]


class Archive:
    """The files of some directories and files; `generation` counts how often they were seen to have changed.

    Files that are no Parquet, and the hours of databases, are read into `cache`, where they are Parquet; those hours
    that are not yet read are `awaited`.
    """

    def __init__(self, directories: Sequence[str], files: Sequence[str], cache: Path) -> None:
        self.directories, self.files, self._cache = list(directories), list(files), cache
        self.awaited = Awaited(cache)
        self._known: dict[str, Segment] = {}
        self._changing = threading.Lock()
        self.segments: tuple[Segment, ...] = ()
        self.waiting: tuple[Hour, ...] = ()  # of databases, of which nothing was read yet
        self.generation = 0
        self.problems: list[str] = []

    @property
    def names(self) -> list[str]:
        """What was named on the command line."""
        return [*self.directories, *self.files]

    @property
    def rows(self) -> int:
        """How many flows there are, those included that are still to be read."""
        return sum(segment.rows for segment in self.segments) + sum(hour.rows for hour in self.waiting)

    def span(self) -> tuple[int, int] | None:
        """Return from when to when flows are (ns), None without any."""
        spans = [(each.first, each.last) for each in self.segments if each.first]
        spans += [(each.first, each.end) for each in self.waiting]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    def refresh(self) -> bool:
        """Look which files there are now; tell whether that changed. Raises InputError when nothing can be read."""
        with self._changing:
            problems: list[str] = []
            found = tuple(sorted(self._look(problems), key=lambda segment: (segment.first, segment.path)))
            changed = found != self.segments
            if changed:
                self.segments = found
                self._known = {segment.path: segment for segment in found}
                self.generation += 1
            self.waiting = tuple(self.awaited.hours())
            self.problems = problems
            return changed

    def complain(self) -> None:
        """Raise InputError for the first file that could not be read, when there is no other."""
        if self.problems and not self.segments:
            raise InputError(self.problems[0])

    def _look(self, problems: list[str]) -> list[Segment]:
        segments = []
        for path in self._paths(problems):
            try:
                segments.append(self._segment(path))
            except (ArgosyError, OSError) as error:  # one that is damaged, or went while it was looked at
                problems.append(str(error))
        return segments

    def _paths(self, problems: list[str]) -> list[str]:
        from clients.reading.source_names import record_files
        from clients.reading.sources import is_database
        from clients.web.columns.imported import imported
        from sinks.archive import swap

        found: list[str] = []
        for directory in self.directories:
            try:
                found += record_files(directory)
            except InputError as error:  # nothing there yet
                problems.append(str(error))
            finally:
                swap.no_longer_reading()  # or nothing would ever be compacted: a file that goes is missed and mended
        found += self.files
        paths = []
        for name in found:
            try:
                if is_database(name):
                    read, wrong = self.awaited.look(name)
                    paths += read
                    problems += wrong
                else:
                    paths.append(name if Path(name).suffix == PARQUET else imported(name, self._cache))
            except ArgosyError as error:
                problems.append(str(error))
        return paths

    def _segment(self, path: str) -> Segment:
        from clients.web.columns.prepared import key_of

        key, known = key_of(path), self._known.get(path)
        return known if known is not None and known.key == key else _read(path, key)

    def touching(self, first: int, end: int) -> list[Segment]:
        """Return the files that may hold flows of a time (ns, both included), in order."""
        return [each for each in self.segments if each.rows and each.first <= end and each.last >= first]


def _read(path: str, key: str) -> Segment:
    import pyarrow.parquet as pq

    from sinks.formats.parquet import read_facts

    facts: dict[str, Any] = read_facts(path)
    rows = int(pq.read_metadata(path).num_rows)
    with suppress(KeyError, TypeError, ValueError):
        return Segment(path, key, rows, int(facts["first"]), int(facts["last"]))
    return Segment(path, key, rows, *_limits(path))


def _limits(path: str) -> tuple[int, int]:
    """Return the first and last time in a file that does not say it."""
    import polars as pl

    from sinks.formats.scan import reading, scan

    times = pl.min_horizontal("src_first", "dst_first"), pl.max_horizontal("src_last", "dst_last")
    with reading([path]):
        frame = scan([path]).select(times[0].min().alias("first"), times[1].max().alias("last")).collect()
    first, last = frame.cast(pl.Int64).row(0)
    return int(first or 0), int(last or 0)
