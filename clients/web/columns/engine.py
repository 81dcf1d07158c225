"""Questions about flows, file by file: which rows count, and what is made of each file, on all processors."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from clients.web.columns.coded import Columns
from clients.web.columns.forgetting import forget_unused
from clients.web.columns.kept import Kept
from clients.web.columns.prepared import prepared
from clients.web.columns.selecting import Selector
from clients.web.errors import TooLargeError
from processors.summaries.warm import fixed
from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.archive import Archive, Segment
    from clients.web.columns.prepared import Column, Prepared

    Made = TypeVar("Made")

ALL = fixed(np.zeros(0, np.bool_))
PARTS_MEMORY = 256 << 20
MASKS_MEMORY = 256 << 20
MOST_ROWS = 100_000_000
MOST_OPEN = 4096  # files whose columns are mapped at once


class Rows(NamedTuple):
    """A file, and which of its rows count: a mask, of no rows for all. `whole` when the time asks for all of them."""

    file: Prepared
    mask: Column
    whole: bool


class Engine:
    """Answers over an archive; `prepare` makes the columns of all files, newest first, while questions are answered."""

    def __init__(self, archive: Archive, cache: Path, workers: int | None = None) -> None:
        self.archive, self._cache = archive, cache
        self._masks, self._parts = Kept(MASKS_MEMORY), Kept(PARTS_MEMORY)
        self.columns = Columns(self._parts)
        self.names: Callable[[], Mapping[str, str]] = dict  # of hosts, by address
        self._open: dict[str, Prepared] = {}
        self._opening = threading.Lock()
        self._pool = ThreadPoolExecutor(workers or os.cpu_count() or 1, "argosy-web")
        self._stopped = threading.Event()

    def close(self) -> None:
        """Work no more."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def is_prepared(self, segment: Segment) -> bool:
        """Tell whether the columns of a file are there."""
        return segment.key in self._open or (self._cache / f"{segment.key}.columns").exists()

    def prepare(self) -> None:
        """Make the columns of all files, the newest first, and remove those that nobody asked for in a long time."""
        forget_unused(self._cache, time.time())
        for segment in reversed(self.archive.segments):
            if self._stopped.is_set():
                return
            if segment.rows and not self.is_prepared(segment):
                try:
                    self.opened(segment)
                except (InputError, OSError) as error:  # damaged, or gone meanwhile
                    self.archive.problems.append(str(error))

    def opened(self, segment: Segment) -> Prepared:
        """Return the columns of a file, made when they are not there; raises InputError."""
        found = self._open.get(segment.key)
        if found is None:
            found = prepared(segment.path, self._cache)
            with self._opening:
                while len(self._open) >= MOST_OPEN:
                    del self._open[next(iter(self._open))]
                self._open[segment.key] = found
        return found

    def segments(self, question: Question) -> list[Segment]:
        """Return the files of a question that can be answered now; raises TooLargeError beyond MOST_ROWS flows."""
        touched = [each for each in self.archive.touching(question.first, question.end) if self.is_prepared(each)]
        rows = sum(segment.rows for segment in touched)
        if rows > MOST_ROWS:
            raise TooLargeError(f"{rows:,} flows are more than the {MOST_ROWS:,} of one question: ask about less time")
        return touched

    def fraction(self, question: Question) -> float:
        """Return which part of the flows of a question can be looked at now."""
        touched = self.archive.touching(question.first, question.end)
        rows = sum(segment.rows for segment in touched)
        return sum(each.rows for each in touched if self.is_prepared(each)) / rows if rows else 1.0

    def each(self, question: Question, asked: Asked, make: Callable[[Rows], Made]) -> list[Made]:
        """Return what is made of each file of a question; raises what Asked.check does, FilterError, InputError."""

        def work(segment: Segment) -> Made:
            asked.check()
            return make(self.rows(segment, question))

        futures = [self._pool.submit(work, segment) for segment in self.segments(question)]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def part(self, rows: Rows, question: Question, what: tuple[Any, ...], make: Callable[[], Made]) -> Made:
        """Return what is made of a file, kept to be asked for again where the time takes in all of it."""
        if not rows.whole:
            return make()
        found: Made = self._parts.made((rows.file.key, question.filter, *what), make, _size)
        return found

    def rows(self, segment: Segment, question: Question) -> Rows:
        """Return which rows of a file a question is about."""
        file = self.opened(segment)
        whole = question.times is None and question.first <= file.first and file.last <= question.end
        mask = ALL
        if question.filter or question.times is not None:
            key = (segment.key, question.filter, question.times)
            mask = self._masks.made(key, partial(_selected, file, question), lambda made: made.nbytes + 64)
        if whole:
            return Rows(file, mask, whole=True)
        inside = (file.columns["last_seen"] >= question.first) & (file.columns["start"] <= question.end)
        return Rows(file, fixed(inside & mask if len(mask) else inside), whole=False)


def _size(made: Any) -> int:  # noqa: ANN401 - an array, or several
    if isinstance(made, np.ndarray):
        return made.nbytes + 64
    if isinstance(made, tuple | list):
        return sum(map(_size, made)) + 64
    return 64


def _selected(file: Prepared, question: Question) -> Column:
    """Return which rows of a file a filter and a time of more than two ends select."""
    tree = question.tree()
    selector = Selector(file, tree)
    mask = np.ones(file.rows, np.bool_) if tree is None else selector.mask(tree)
    if question.times is not None:
        mask = mask & selector.value(question.times.condition())
    return fixed(mask)
