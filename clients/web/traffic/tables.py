"""The tables of a page of one question, added up in one walk over the flows instead of one walk a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clients.web.columns.totals import counters
from clients.web.traffic.sums import Sums, empty
from processors.summaries.fold_kernel import add_at
from processors.summaries.tables_kernel import add_up_tables
from processors.summaries.warm import fixed

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine, Rows

TABLES = ("addr", "service", "name", "country", "as", "proto", "state")  # so many that the kernel is compiled for
NOTHING = fixed(np.zeros(0, np.uint32))


class Tables:
    """Sums by TABLES; each thread that adds to them has some of its own until they are put together.

    The values of all pieces were numbered before.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sizes = [len(engine.columns.vocabulary(kind).words) for kind in TABLES]
        self._all: list[list[Sums]] = []
        self._free: list[list[Sums]] = []

    def add(self, rows: Rows) -> None:
        """Add the flows of a piece up."""
        own = self._taken()
        if rows.everything:
            self._add_totals(rows, own)
        else:
            coded = [self._engine.columns.coded(rows.file, kind) for kind in TABLES]
            add_up_tables(
                tuple(each.columns[0] for each in coded),
                tuple(each.columns[1] if len(each.columns) > 1 else NOTHING for each in coded),
                tuple(fixed(each.everywhere) for each in coded),
                *counters(rows.file, rows.mask),
                tuple(sums.sums for sums in own),
                tuple(sums.latencies for sums in own),
            )
        self._free.append(own)

    def _taken(self) -> list[Sums]:
        try:
            return self._free.pop()
        except IndexError:
            made = [empty((size,)) for size in self._sizes]
            self._all.append(made)
            return made

    def _add_totals(self, rows: Rows, own: list[Sums]) -> None:
        """Add what all flows of a piece add up to."""
        parts = self._engine.totals(rows.file).parts
        for kind, found in zip(TABLES, own, strict=True):
            codes, sums, latencies = parts[kind]
            places = self._engine.columns.coded(rows.file, kind).everywhere[codes]
            add_at(places, sums, found.sums)
            add_at(places, latencies, found.latencies)

    def whole(self) -> list[Sums]:
        """Return the sums of all pieces by kind, each value at its number in the vocabulary."""
        total, *others = self._all or [self._taken()]
        for each in others:
            for into, some in zip(total, each, strict=True):
                np.add(into.sums, some.sums, out=into.sums)
                np.add(into.latencies, some.latencies, out=into.latencies)
        return total


def add_up_tables_of(engine: Engine, question: Question, asked: Asked) -> None:
    """Have the sums by each of TABLES at hand for `sums_by`; raises what that raises."""
    if all(engine.known_sums(question, kind) is not None for kind in TABLES):
        return

    def number(rows: Rows) -> None:
        for kind in TABLES:
            engine.columns.coded(rows.file, kind)

    engine.together(question, asked, number)
    tables = Tables(engine)
    engine.together(question, asked, tables.add)
    for kind, sums in zip(TABLES, tables.whole(), strict=True):
        engine.keep_sums(question, kind, sums)
