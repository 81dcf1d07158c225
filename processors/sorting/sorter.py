"""Sorting with bounded memory: what does not fit is parted by the first key, on disk, and each part sorted by itself.

Records of equal keys stay in the order they came in.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from processors.sorting.held import Held

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from processors.sorting.keys import SortKey

AT_ONCE = 1 << 21  # records in memory: 1.8 GB at the peak with all columns, 0.4 GB with a few
GIVEN = 1 << 17  # records given out at a time
PIECES = 16  # files that a part too large is cut into


class Sorter:
    """Takes frames with the columns of topics/frame.py and gives their records back in order.

    At most about `at_once` records are in memory; `directory` takes what does not fit, the usual one for temporary
    files by default.
    """

    def __init__(self, keys: Sequence[SortKey], at_once: int = AT_ONCE, directory: str | None = None) -> None:
        self._keys = list(keys)
        self._at_once, self._directory = at_once, directory

    def sorted(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield all records in order, some at a time."""
        with tempfile.TemporaryDirectory(prefix="argosy-sort-", dir=self._directory) as place:
            yield from self._sorted(iter(frames), self._keys, Path(place), itertools.count())

    def _sorted(
        self, frames: Iterator[pl.DataFrame], keys: list[SortKey], place: Path, numbers: Iterator[int]
    ) -> Iterator[pl.DataFrame]:
        if not keys:
            yield from frames
            return
        held, values = Held(), list[pl.DataFrame]()
        for frame in frames:
            held.add(frame)
            values.append(values_of(frame, keys))
            if held.height > self._at_once:
                break
        else:
            if held.height:
                yield from held.in_order(ordered(pl.concat(values), keys), GIVEN)
            return
        cuts = _cuts(pl.concat([part.select("0") for part in values]).to_series())
        del values
        parts = self._parted(itertools.chain(held.frames(), frames), cuts, keys[0], place, numbers)
        for part, alike in parts:
            # A part whose records are alike in the first key is told apart by the others.
            yield from self._sorted(_read(part), keys[1:] if alike else keys, place, numbers)

    def _parted(
        self,
        frames: Iterator[pl.DataFrame],
        cuts: pl.Series,
        key: SortKey,
        place: Path,
        numbers: Iterator[int],
    ) -> list[tuple[Path, bool]]:
        """Write each record to the directory of its part: below the first cut, equal to it, before the next, ..."""
        parts = [place / str(next(numbers)) for _ in range(2 * len(cuts) + 2)]
        for number, frame in enumerate(frames):
            part = _part_numbers(values_of(frame, [key]).to_series(), cuts)
            gathered, start = gather(frame, _order(part)), 0
            for chosen, count in part.sort().rle().struct.unnest().select("value", "len").rows():
                parts[chosen].mkdir(exist_ok=True)
                piece = gathered.slice(start, count)
                piece.write_ipc(parts[chosen] / f"{number:08}", compression="lz4")
                start += count
        ordered = [(path, number % 2 == 0) for number, path in enumerate(parts)]
        nulls, rest = ordered[0], ordered[1:]
        return [pair for pair in [*(reversed(rest) if key.descending else rest), nulls] if pair[0].exists()]


def in_order(frame: pl.DataFrame, keys: list[SortKey]) -> pl.DataFrame:
    """Return the records of a frame sorted; as they are without keys."""
    if not keys:
        return frame
    return gather(frame, ordered(values_of(frame, keys), keys))


def ordered(values: pl.DataFrame, keys: list[SortKey]) -> pl.Series:
    """Return the rows in the order of what records are sorted by."""
    return values.select(
        pl.arg_sort_by(
            [pl.col(name) for name in values.columns],
            descending=[key.descending for key in keys],
            nulls_last=True,
            maintain_order=True,
        )
    ).to_series()


def gather(frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """Return some rows of a frame; a column that says the same everywhere, as many do, is only cut to length."""
    columns = []
    for column in frame.get_columns():
        same = len(column) > 0 and column.null_count() == 0 and bool((column == column.head(1)).all())
        columns.append(column.head(len(rows)) if same and len(rows) <= len(column) else column.gather(rows))
    return pl.DataFrame(columns)


def _order(numbers: pl.Series) -> pl.Series:
    """Return the rows in the order of their numbers, rows alike as they stand."""
    return numbers.to_frame("n").select(pl.arg_sort_by("n", maintain_order=True)).to_series()


def values_of(frame: pl.DataFrame, keys: list[SortKey]) -> pl.DataFrame:
    """Return what records are sorted by, a column a key, as long as the frame even where a key is constant."""
    row = pl.int_range(pl.len()).alias("row")
    return frame.select(row, *(key.value.alias(str(place)) for place, key in enumerate(keys))).drop("row")


def _part_numbers(values: pl.Series, cuts: pl.Series) -> pl.Series:
    """Return the part of each value: 0 of null, 2n of the n-th cut, 2n + 1 between it and the next."""
    if not len(cuts):
        return values.is_not_null().cast(pl.Int64)
    known = values.fill_null(cuts[0])
    low, high = (cuts.search_sorted(known, side=side).cast(pl.Int64) for side in ("left", "right"))
    return (low + high + 1).set(values.is_null(), 0)


def _cuts(values: pl.Series) -> pl.Series:
    """Return values that part the records seen so far into pieces of about equal size, none if all are null."""
    known = values.drop_nulls().sort()
    if not len(known):
        return known
    return known.gather([len(known) * place // PIECES for place in range(1, PIECES)]).unique().sort()


def _read(part: Path) -> Iterator[pl.DataFrame]:
    """Yield the pieces of a part, each gone from the disk once it is read."""
    for path in sorted(part.iterdir()):
        frame = pl.read_ipc(path)
        path.unlink()
        yield frame
    part.rmdir()
