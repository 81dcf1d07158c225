"""When a file ends: by time, after so many records or bytes, or with a record that a filter selects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from topics.errors import UsageError

if TYPE_CHECKING:
    from topics.batch import FlowBatch
    from topics.expression.batches import Mask

SECOND = 1_000_000_000
ROTATE = 300
DAY = 86_400
ALL_TIME = 2**62  # ns: until the year 2116
Marks = np.ndarray[tuple[int], np.dtype[np.bool_]]


def selecting(text: str) -> Mask | None:
    """Return what tells the records that a filter selects, None for an empty one; raises FilterError."""
    if not text:
        return None
    from topics import filter as filters

    value = filters.condition(text)
    return None if value is None else filters.mask(value)


@dataclass(frozen=True, slots=True)
class Cutting:
    """How records are cut into files.

    `seconds` is the span of a file, `count` the most records, `size` the bytes after which it ends, each 0 for any;
    `until` is a filter: a record that it selects is the last of its file. Raises UsageError for what is out of range.
    """

    seconds: int = ROTATE
    count: int = 0
    size: int = 0
    until: str = ""

    def __post_init__(self) -> None:
        if self.seconds < 0:
            raise UsageError(f"rotation every {self.seconds} s: one second is the shortest")
        if self.count < 0 or self.size < 0:
            raise UsageError("files end after a positive count or size")

    @property
    def length(self) -> int:
        """Length of a bin, ns."""
        return self.seconds * SECOND or ALL_TIME

    def without_time(self) -> Cutting:
        """Return the same cuts in one bin for all times."""
        return replace(self, seconds=0)


class Knife:
    """Says where records have to be cut."""

    def __init__(self, cutting: Cutting) -> None:
        self.count, self.size = cutting.count, cutting.size
        self._until = selecting(cutting.until)

    def ends(self, batch: FlowBatch) -> Marks | None:
        """Return which records are the last of their file, None where that depends on no filter."""
        return None if self._until is None else self._until(batch)

    def take(self, held: int, ends: Any, waiting: int) -> tuple[int, bool]:  # noqa: ANN401 - Marks of those that wait
        """Return how many of `waiting` records go into a file that has `held`, and whether it ends with them."""
        taken, ended = waiting, False
        if ends is not None and ends.any():
            taken, ended = int(np.argmax(ends)) + 1, True
        if self.count and held + taken >= self.count:
            taken, ended = self.count - held, True
        return taken, ended
