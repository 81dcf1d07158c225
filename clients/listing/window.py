"""Which records `-N` lets through: the first n, a to b, or n from a on, of those read (i) or of those printed (o)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

_RANGE = re.compile(r"(?P<stream>[io]?)(?P<first>\d{1,18})(?:(?P<kind>[-+])(?P<second>\d{1,18}))?")
NO_END = 2**62


@dataclass(frozen=True, slots=True)
class Window:
    """Records number `first` to `last`, counted from 1, both included."""

    first: int = 1
    last: int = NO_END
    of_output: bool = False

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read the argument of `-N`; raises UsageError."""
        if text is None:
            return cls()
        match = _RANGE.fullmatch(text)
        if match is None:
            raise UsageError(f"option -N takes n, a-b or a+n, perhaps after i or o, not '{text}'")
        first, second = int(match["first"]), int(match["second"] or 0)
        ends = {None: (1, first), "-": (first, second), "+": (first, first + second)}
        start, last = ends[match["kind"]]
        return cls(max(1, start), last, match["stream"] == "o")

    @property
    def unlimited(self) -> bool:
        """Whether it lets all records through."""
        return self.first == 1 and self.last == NO_END

    @property
    def input(self) -> Window:
        """What of it counts records as they are read."""
        return Window() if self.of_output else self

    @property
    def output(self) -> Window:
        """What of it counts records as they are printed."""
        return self if self.of_output else Window()

    def cut(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield what of the frames lies in the window, and read no further than its end."""
        seen = 0
        for frame in frames:
            skipped = min(max(self.first - 1 - seen, 0), frame.height)
            wanted = max(self.last - max(seen, self.first - 1), 0)
            seen += frame.height
            yield frame.slice(skipped, wanted)
            if seen >= self.last:
                return
