"""What the upkeep of an archive says: a line that moves while it works, what was done, and what could not be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from clients.progress import Progress
from topics.metrics import table
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from types import TracebackType

LOOP = "going through files"
UNITS = ("B", "kB", "MB", "GB", "TB")


def in_bytes(count: float) -> str:
    """Return a number of bytes for people."""
    for unit in UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {UNITS[-1]}"


class Told:
    """Counts what was done and prints a line for each step; quiet, it only says what is wrong."""

    def __init__(self, files: int, *, quiet: bool) -> None:
        self._progress, self._quiet, self._said = Progress(files), quiet, 0

    def read(self, records: int) -> None:
        """Count records that were read."""
        VITALS.turned(LOOP)
        table.ARCHIVE_RECORDS.add(records)
        self._progress.show(records)

    def next_file(self) -> None:
        """Count a file that was read."""
        VITALS.turned(LOOP)
        table.ARCHIVE_FILES.add(1)
        self._progress.next()

    def say(self, line: str) -> None:
        """Say that something was or would be done."""
        self._said += 1
        if not self._quiet:
            self._progress.clear()
            print(line)

    def wrong(self, line: str) -> None:
        """Say that something is wrong."""
        self._said += 1
        self._progress.clear()
        print(line)

    def replaced(self, new: str, files: int, before: int, records: int, after: int, *, gone: bool) -> None:
        """Say that a file took the place of others."""
        self.say(f"{new}: {files} files, {in_bytes(before)} before, {in_bytes(after)} now, {records:,} records")
        if not gone:
            self.say(f"{new}: the {files} files it replaces are still being read, the next run removes them")

    def waits(self, key: str) -> None:
        """Say that something has to wait for readers."""
        self.wrong(f"{key}: waits, files replaced there earlier are still being read")

    def foreign(self, count: int) -> None:
        """Say how many files were left alone."""
        if count:
            self.say(f"{count} files without facts on their content, of other writers, were left alone")

    def end(self, command: str, nothing: str) -> None:
        """Say that there was nothing to do, when nothing was said."""
        if not self._said and not self._quiet:
            print(f"argosy archive {command}: {nothing}", file=sys.stderr)

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, trace)
