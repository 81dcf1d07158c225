"""Which time bin a flow belongs to, what the bin's file is called, and when it is complete. No file is touched here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.batch import Records

SECOND = 1_000_000_000
SUFFIX = ".parquet"
Times = np.ndarray[Any, np.dtype[np.int64]]


def start_times(records: Records) -> Times:
    """Return when each flow began: its first packet of either direction, ns, shape (n,)."""
    source, destination = records["src_first"], records["dst_first"]
    both = (source > 0) & (destination > 0)
    first: Times = np.where(both, np.minimum(source, destination), np.maximum(source, destination))
    return first


def last_times(records: Records) -> Times:
    """Return the time of each flow's last packet, ns, shape (n,)."""
    last: Times = np.maximum(records["src_last"], records["dst_last"])
    return last


@dataclass(frozen=True)
class Rotation:
    """Bins of `seconds`, aligned to midnight UTC of 1970-01-01, and the names of their files.

    `pattern` goes through strftime with the start of the bin in UTC. Raises UsageError for a pattern that leaves its
    directory, names nothing, or names several bins alike, and for bins shorter than a second.
    """

    pattern: str
    seconds: int

    def __post_init__(self) -> None:
        if self.seconds < 1:
            raise UsageError(f"rotation every {self.seconds} s: one second is the shortest")
        if not self.pattern or self.pattern.endswith("/") or "\0" in self.pattern:
            raise UsageError(f"pattern '{self.pattern}' names no file")
        starts = [start * self.seconds * SECOND for start in range(2)]
        if self.name(starts[0]) == self.name(starts[1]):
            raise UsageError(
                f"pattern '{self.pattern}' names bins of {self.seconds} s alike, it needs more of %d %H %M %S"
            )

    @property
    def length(self) -> int:
        """Length of a bin, ns."""
        return self.seconds * SECOND

    def name(self, start: int, part: int = 0) -> PurePosixPath:
        """Return the path, below the data directory, of one part of the bin that begins at `start` (ns)."""
        text = datetime.fromtimestamp(start // SECOND, UTC).strftime(self.pattern).removesuffix(SUFFIX)
        path = PurePosixPath(f"{text}.{part}{SUFFIX}" if part else f"{text}{SUFFIX}")
        if path.is_absolute() or ".." in path.parts:
            raise UsageError(f"pattern '{self.pattern}' leads out of the data directory")
        return path

    def split(self, records: Records) -> Iterator[tuple[int, Any]]:
        """Yield (start of a bin, index of its records, in order) for each bin that the records fall into."""
        starts = start_times(records) // self.length * self.length
        if len(starts) and (starts == starts[0]).all():
            yield int(starts[0]), slice(None)
            return
        for start in np.unique(starts):
            yield int(start), np.flatnonzero(starts == start)


class OpenBins:
    """Which bins are open, and which have to close.

    A bin is complete when the watermark has passed its end by `grace` (ns). One that was opened later than that, for
    late flows, stays open for `grace` too, so that a backlog does not become a heap of tiny files. At most `most` are
    open: the one that was not written for longest gives way.
    """

    def __init__(self, length: int, grace: int, most: int) -> None:
        self._length, self._grace, self._most = length, grace, most
        self._complete_at: dict[int, int] = {}
        self.watermark = 0

    def touch(self, start: int) -> int | None:
        """Note that records of a bin arrive; return the bin that has to close before, if there are too many."""
        deadline = self._complete_at.pop(start, None)
        if deadline is None:
            deadline = max(start + self._length, self.watermark) + self._grace
        leaving = next(iter(self._complete_at)) if len(self._complete_at) >= self._most else None
        if leaving is not None:
            del self._complete_at[leaving]
        self._complete_at[start] = deadline
        return leaving

    def advance(self, watermark: int) -> list[int]:
        """Move the watermark (ns), never back; return the bins that are complete now, oldest first."""
        self.watermark = max(self.watermark, watermark)
        complete = sorted(start for start, deadline in self._complete_at.items() if deadline <= self.watermark)
        for start in complete:
            del self._complete_at[start]
        return complete

    def clear(self) -> list[int]:
        """Close all; return the bins that were open, oldest first."""
        starts = sorted(self._complete_at)
        self._complete_at.clear()
        return starts
