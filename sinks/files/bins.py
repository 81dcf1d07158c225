"""Which bins are open, and which have to close. No file is touched here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from topics.batch import start_times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinks.files.names import Rows, Values
    from topics.batch import Records

Bin = tuple[int, "Values"]


def split(records: Records, length: int) -> Iterator[tuple[int, Rows]]:
    """Yield (start of a bin, rows of its records, in order) for each bin of `length` ns that the records fall into.

    Bins are aligned to midnight UTC of 1970-01-01.
    """
    starts = start_times(records) // length * length
    if len(starts) and (starts == starts[0]).all():
        yield int(starts[0]), np.arange(len(starts))
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
        self._complete_at: dict[Bin, int] = {}
        self.watermark = 0

    def touch(self, touched: Bin) -> Bin | None:
        """Note that records of a bin arrive; return the bin that has to close before, if there are too many."""
        deadline = self._complete_at.pop(touched, None)
        if deadline is None:
            deadline = max(touched[0] + self._length, self.watermark) + self._grace
        leaving = next(iter(self._complete_at)) if len(self._complete_at) >= self._most else None
        if leaving is not None:
            del self._complete_at[leaving]
        self._complete_at[touched] = deadline
        return leaving

    def advance(self, watermark: int) -> list[Bin]:
        """Move the watermark (ns), never back; return the bins that are complete now, oldest first."""
        self.watermark = max(self.watermark, watermark)
        complete = sorted(bin_ for bin_, deadline in self._complete_at.items() if deadline <= self.watermark)
        for each in complete:
            del self._complete_at[each]
        return complete

    def clear(self) -> list[Bin]:
        """Close all; return the bins that were open, oldest first."""
        bins = sorted(self._complete_at)
        self._complete_at.clear()
        return bins
