"""All that the first page shows, in one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clients.web.traffic.quality import quality
from clients.web.traffic.series import LEAST_STEP, SECOND, before, series
from clients.web.traffic.sums import sums_by, totals
from clients.web.traffic.tables import add_up_tables_of
from clients.web.traffic.tops import top
from processors.summaries.sums_kernel import FLOWS

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine

TOPS = ("addr", "service", "name", "country", "as", "proto")


def overview(
    engine: Engine, question: Question, asked: Asked, *, by: str, metric: str, bins: int, limit: int, compare: bool
) -> dict[str, Any]:
    """Return totals, the same of the period before, traffic over time, the largest of each kind, loss and RTT."""
    add_up_tables_of(engine, question, asked)
    earlier = before(question)
    earlier_there = compare and bool(engine.segments(earlier))
    return {
        "totals": whole(engine, question, asked),
        "before": whole(engine, earlier, asked) if earlier_there else None,
        "series": series(
            engine, question, asked, by=by, metric=metric, bins=bins, limit=limit, direction=False, compare=compare
        ),
        "tops": {kind: top(engine, question, asked, kind, metric, limit)["rows"] for kind in TOPS},
        "quality": quality(engine, question, asked, bins),
    }


def whole(engine: Engine, question: Question, asked: Asked) -> dict[str, Any]:
    """Return what flows add up to, with how many hosts there were and how much a second."""
    found = totals(engine, question, asked)
    length = question.end + 1 - question.first
    hosts = int(np.count_nonzero(sums_by(engine, question, asked, "addr").sums[1:, FLOWS]))
    # A lone packet lasts a nanosecond here, and has no rate.
    a_second = SECOND / length if length >= LEAST_STEP else None
    rates = {name: a_second and many * a_second for name, many in (("bps", 8 * found["bytes"]), ("pps", found["pkts"]))}
    ends = {"first": question.first / SECOND, "last": (question.end + 1) / SECOND}
    return {**found, "hosts": hosts, **rates, **ends}
