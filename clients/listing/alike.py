"""Lines of records that are alike in all they show, each made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.distinct import FEW, rows_alike

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from clients.listing.printer import Lines
    from topics.distinct import Rows

LOOKED_AT = FEW  # records of the first frame, which tell whether lines come again
FRESH = 15 / 16  # of them may be different: what comes twice in so few comes often in many
WORTH = 2  # a line is made once while no more than one record in so many shows something else


class Alike:
    """Turns records into the lines of another listing; where many of these are the same, each of them once.

    Whether they are is found out with the first records, and no more where they are not.
    """

    def __init__(self, listing: Lines) -> None:
        self._listing = listing
        self._needed = sorted(listing.needed)
        self._repeats: bool | None = None

    @property
    def needed(self) -> set[str]:
        """Names of the columns a frame needs to have."""
        return self._listing.needed

    def heading(self) -> str:
        """Return what comes before the records."""
        return self._listing.heading()

    def ending(self) -> str:
        """Return what comes after the records."""
        return self._listing.ending()

    def lines(self, frame: pl.DataFrame) -> pl.Series:
        """Return one line for each record."""
        return self._listing.lines(frame)

    def blocks(self, frame: pl.DataFrame) -> Iterator[bytes | memoryview]:
        """Yield all lines with their ends, each piece to be used before the next is asked for."""
        alike = self._alike(frame.select(self._needed)) if frame.height >= FEW and self._needed else None
        if alike is None:
            yield from self._listing.blocks(frame)
            return
        places, first = alike
        yield _text((self._listing.lines(frame[first]) + "\n").gather(places))

    def _alike(self, frame: pl.DataFrame) -> tuple[Rows, Rows] | None:
        """Return which of the different records each is, and where these are; None where it is not worth it."""
        if self._repeats is None:
            some = frame.head(LOOKED_AT).get_columns()
            self._repeats = rows_alike(some, int(LOOKED_AT * FRESH)) is not None
        if not self._repeats:
            return None
        found = rows_alike(frame.get_columns(), frame.height // WORTH)
        self._repeats = found is not None
        return found


def _text(lines: pl.Series) -> memoryview:
    """Return texts one after the other, as Arrow has laid them out."""
    import numpy as np

    texts = lines.to_arrow()
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int64, len(texts) + 1, 8 * texts.offset)
    return memoryview(data)[ends[0] : ends[-1]]
