"""Questions about flows, piece by piece of files: which rows count, what is made of each, on all processors."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from clients.web.columns.coded import Columns
from clients.web.columns.forgetting import forget_unused
from clients.web.columns.joined import joined, many
from clients.web.columns.kept import Kept
from clients.web.columns.prepared import prepared
from clients.web.columns.selecting import Selector
from clients.web.columns.totals import totals
from clients.web.errors import SupersededError, TooLargeError
from processors.summaries.warm import fixed
from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.archive import Archive, Piece, Segment
    from clients.web.columns.prepared import Column, Prepared
    from clients.web.columns.totals import Totals

    Made = TypeVar("Made")

ALL = fixed(np.zeros(0, np.bool_))
MANY = "many"
STOPPED = "the server is being stopped"
NO_ROWS = fixed(np.zeros(0, np.uint32))
FEW = 8  # one row in so many is few: their columns are taken out, and walked over instead of all
BYTES = 128  # of a row that was taken out, at most
PARTS_MEMORY = 256 << 20
SELECTIONS_MEMORY = 256 << 20
JOINED_MEMORY = 256 << 20
SUMS_MEMORY = 256 << 20
MOST_JOINED = 1 << 19  # rows of all pieces that are joined to be looked at as one
MOST_WARM = 1 << 24  # rows, of 64 bytes each
MOST_ROWS = 100_000_000
MOST_OPEN = 4096  # pieces whose columns are mapped at once


class Rows(NamedTuple):
    """A piece of a file, and which of its rows count: a mask, of no rows for all. `whole` when all times do."""

    file: Prepared
    mask: Column
    whole: bool

    @property
    def everything(self) -> bool:
        """Whether they are all rows of the piece."""
        return self.whole and not len(self.mask) and self.file.places is None and self.file.is_piece


class Engine:
    """Answers over an archive; `prepare` makes the columns of all files, newest first, while questions are answered."""

    def __init__(self, archive: Archive, cache: Path, workers: int | None = None) -> None:
        self.archive, self._cache = archive, cache
        self._selections, self._parts = Kept(SELECTIONS_MEMORY), Kept(PARTS_MEMORY)
        self._totals, self._joined = Kept(PARTS_MEMORY), Kept(JOINED_MEMORY)
        self._added_up = Kept(SUMS_MEMORY)
        self.columns = Columns(self._parts)
        self.names: Callable[[], Mapping[str, str]] = dict  # of hosts, by address
        self._open: dict[str, Prepared] = {}
        self._opening = threading.Lock()
        self._there: set[str] = set()  # files whose columns were seen to be there; what went meanwhile is made anew
        self._pool = ThreadPoolExecutor(workers or os.cpu_count() or 1, "argosy-web")
        self._stopped = threading.Event()

    def close(self) -> None:
        """Work no more."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def is_prepared(self, segment: Segment) -> bool:
        """Tell whether the columns of a file are there."""
        if segment.key not in self._there and all(
            piece.key in self._open or (self._cache / f"{piece.key}.columns").exists() for piece in segment.pieces
        ):
            if len(self._there) >= MOST_OPEN:
                self._there.clear()
            self._there.add(segment.key)
            return True
        return segment.key in self._there

    def prepare(self) -> None:
        """Make the columns of all files, the newest first, and remove those that nobody asked for in a long time."""
        forget_unused(self._cache, time.time())
        for segment in reversed(self.archive.segments):
            if self._stopped.is_set():
                return
            if segment.rows and not self.is_prepared(segment):
                try:
                    for piece in segment.pieces:
                        totals(self.opened(piece), self._cache)
                except (InputError, OSError) as error:  # damaged, or gone meanwhile
                    self.archive.problems.append(str(error))

    def warm_up(self) -> None:
        """Have what filters need of the newest files in memory: the first who asks shall not wait for it."""
        rows = 0
        for segment in reversed(self.archive.segments):
            rows += segment.rows
            if rows > MOST_WARM or self._stopped.is_set():
                return
            for piece in segment.pieces if self.is_prepared(segment) else ():
                packed = self.opened(piece).packed
                if packed is not None:
                    packed.ready()

    def opened(self, piece: Piece) -> Prepared:
        """Return the columns of a piece, made when they are not there; raises InputError."""
        found = self._open.get(piece.key)
        if found is None:
            found = prepared(piece, self._cache)
            with self._opening:
                while len(self._open) >= MOST_OPEN:
                    del self._open[next(iter(self._open))]
                self._open[piece.key] = found
        return found

    def totals(self, file: Prepared) -> Totals:
        """Return what all flows of a piece add up to."""
        found: Totals = self._totals.made(file.key, lambda: totals(file, self._cache), _size)
        return found

    def segments(self, question: Question) -> list[Segment]:
        """Return the files of a question that can be answered now; raises TooLargeError beyond MOST_ROWS flows."""
        touched = [each for each in self.archive.touching(question.first, question.end) if self.is_prepared(each)]
        rows = sum(segment.rows for segment in touched)
        if rows > MOST_ROWS:
            raise TooLargeError(f"{rows:,} flows are more than the {MOST_ROWS:,} of one question: ask about less time")
        return touched

    def fraction(self, question: Question) -> float:
        """Return which part of the flows of a question can be looked at now; the rest is read before others."""
        touched = self.archive.touching(question.first, question.end)
        waiting = [each for each in self.archive.waiting if each.first <= question.end and each.end >= question.first]
        if waiting:
            self.archive.awaited.ask(question.first, question.end)
        rows = sum(segment.rows for segment in touched) + sum(hour.rows for hour in waiting)
        return sum(each.rows for each in touched if self.is_prepared(each)) / rows if rows else 1.0

    def each(self, question: Question, asked: Asked, make: Callable[[Rows], Made]) -> list[Made]:
        """Return what is made of each piece that has rows of a question.

        Raises what Asked.check does, FilterError, InputError.
        """

        def work(piece: Piece) -> Made | None:
            asked.check()
            rows = self.rows(piece, question)
            return make(rows) if rows.file.rows else None

        futures = [self._submitted(work, each) for file in self.segments(question) for each in file.pieces]
        try:
            return [made for future in futures if (made := future.result()) is not None]
        except CancelledError:
            raise SupersededError(STOPPED) from None
        finally:
            for future in futures:
                future.cancel()

    def together(self, question: Question, asked: Asked, make: Callable[[Rows], Made]) -> list[Made]:
        """Return the same, made of all pieces as one where few of their rows are asked for.

        So `make` looks at columns, and at nothing that only a file has. Raises likewise.
        """
        if not question.filter and question.times is None:
            return self.each(question, asked, make)
        key = (question, self._state(question))
        found: tuple[Rows, ...] | str = self._joined.made(key, partial(self._few, question, asked), _joined_bytes)
        return self.each(question, asked, make) if isinstance(found, str) else [make(rows) for rows in found]

    def known_sums(self, question: Question, by: str) -> Any:  # noqa: ANN401 - traffic/sums.py
        """Return what the flows of a question add up to by a field, None where that is not at hand."""
        return self._added_up.get((question, self._state(question), by))

    def keep_sums(self, question: Question, by: str, sums: Any) -> None:  # noqa: ANN401 - likewise
        """Have that at hand for a while."""
        self._added_up.put((question, self._state(question), by), sums, _size(sums))

    def _state(self, question: Question) -> tuple[str, ...]:
        return tuple(file.key for file in self.segments(question))

    def _few(self, question: Question, asked: Asked) -> tuple[Rows, ...] | str:
        """Return the rows of a question as those of one piece, of none where there are none; or that they are MANY."""
        selected = [rows for rows in self.each(question, asked, lambda rows: rows) if many(rows)]
        if sum(map(many, selected)) > MOST_JOINED:
            return MANY
        return (Rows(joined(selected, self.columns), ALL, whole=True),) if selected else ()

    def _submitted(self, work: Callable[[Piece], Made], piece: Piece) -> Future[Made]:
        try:
            return self._pool.submit(work, piece)
        except RuntimeError:
            raise SupersededError(STOPPED) from None

    def part(self, rows: Rows, question: Question, what: tuple[Any, ...], make: Callable[[], Made]) -> Made:
        """Return what is made of a piece, kept to be asked for again where the time takes in all of it."""
        if not rows.whole:
            return make()
        found: Made = self._parts.made((rows.file.key, question.filter, *what), make, _size)
        return found

    def rows(self, piece: Piece, question: Question) -> Rows:
        """Return which rows of a piece a question is about."""
        file = self.opened(piece)
        whole = question.times is None and question.first <= file.first and file.last <= question.end
        if question.times is None and (file.first > question.end or file.last < question.first):
            return Rows(file.chosen(NO_ROWS), ALL, whole=False)
        rows = Rows(file, ALL, whole=whole)
        if question.filter or question.times is not None:
            key = (piece.key, question.filter, question.times)
            rows = self._selections.made(key, partial(_selected, file, question), _bytes)._replace(whole=whole)
        if whole or question.times is not None:
            return rows
        times = rows.file.columns
        inside = (times["last_seen"] >= question.first) & (times["start"] <= question.end)
        return _of(rows.file, inside & rows.mask if len(rows.mask) else inside, whole=False)


def _of(file: Prepared, mask: Column, *, whole: bool) -> Rows:
    """Return the rows of a mask: taken out when they are few."""
    many = np.count_nonzero(mask)
    if many == len(mask):
        return Rows(file, ALL, whole)
    if many * FEW > len(mask):
        return Rows(file, fixed(mask), whole)
    return Rows(file.chosen(np.flatnonzero(mask)), ALL, whole)


def _joined_bytes(found: tuple[Rows, ...] | str) -> int:
    files = [rows.file for rows in found if isinstance(rows, Rows)]
    return BYTES + sum(BYTES * file.rows + sum(each.nbytes for each in file.made.values()) for file in files)


def _bytes(rows: Rows) -> int:
    return rows.mask.nbytes + (0 if rows.file.places is None else BYTES * rows.file.rows) + BYTES


def _size(made: Any) -> int:  # noqa: ANN401 - an array, or several
    if isinstance(made, np.ndarray):
        return made.nbytes + 64
    if isinstance(made, dict):
        return sum(map(_size, made.values())) + 64
    if isinstance(made, tuple | list):
        return sum(map(_size, made)) + 64
    return 64


def _selected(file: Prepared, question: Question) -> Rows:
    """Return which rows of a piece a filter and a time of more than two ends select."""
    tree = question.tree()
    rows = None if tree is None else Selector(file, tree).candidates(tree, file.rows // FEW)
    some = file if rows is None else file.chosen(rows)
    if not some.rows:
        return Rows(some, ALL, whole=False)
    selector = Selector(some, tree)
    mask = np.ones(some.rows, np.bool_) if tree is None else selector.mask(tree)
    if question.times is not None:
        mask = mask & selector.value(question.times.condition())
    return _of(some, mask, whole=False)
