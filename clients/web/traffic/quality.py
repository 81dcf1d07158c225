"""How well it went: loss and round trips over time, the pairs that lost most, and how connections ended."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from clients.web.asking.leading import filter_of
from clients.web.traffic.pairs import worst_pairs
from clients.web.traffic.series import SECOND, grid, listed
from clients.web.traffic.sums import sums_by, sums_in_time
from clients.web.traffic.tops import largest
from processors.summaries.fold_kernel import add_at
from processors.summaries.latency_kernel import CLASSES, LEAST, PER_RATIO, spread
from processors.summaries.sums_kernel import FLOWS

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine, Rows
    from clients.web.traffic.sums import Numbers

WORST = 10


def quality(engine: Engine, question: Question, asked: Asked, bins: int) -> dict[str, Any]:
    """Return loss and round trips (quantiles exact to 4 %) over time, the worst pairs, and states."""
    begin, step, count = grid(question, bins)
    loss = sums_in_time(engine, question, asked, "", [], begin, step, count).metric("loss")[0]
    counts = _round_trips(engine, question, asked, begin, step, count)
    return {
        "step": step / SECOND,
        "start": begin / SECOND,
        "loss": listed(loss),
        "rtt": {"p50": _quantile(counts, 0.5), "p95": _quantile(counts, 0.95)},
        "worst": _worst(engine, question, asked),
        "states": _states(engine, question, asked),
    }


def _round_trips(engine: Engine, question: Question, asked: Asked, begin: int, step: int, bins: int) -> Numbers:
    def of_piece(rows: Rows) -> Numbers:
        counts = np.zeros((bins, CLASSES), np.int64)
        totals = engine.totals(rows.file) if rows.everything else None
        minutes = totals.minutes.get("proto") if totals else None
        places = minutes.bins(begin, step, bins) if minutes else None
        if totals and totals.latencies is not None and places is not None:
            add_at(places, totals.latencies, counts)
            return counts
        spread(rows.file.columns["start"], begin, step, rows.mask, rows.file.columns["latency"], counts)
        return counts

    return sum(engine.together(question, asked, of_piece), np.zeros((bins, CLASSES), np.int64))


def _quantile(counts: Numbers, share: float) -> list[float | None]:
    """Return a quantile of each row: the middle of the class in which it lies."""
    whole = counts.sum(axis=1)
    places = (np.cumsum(counts, axis=1) < (whole * share)[:, None]).sum(axis=1)
    values = LEAST * np.exp((np.minimum(places, CLASSES - 1) + 0.5) / PER_RATIO)
    return [
        float(f"{value:.4g}") if many and math.isfinite(value) else None
        for value, many in zip(values, whole, strict=True)
    ]


def _worst(engine: Engine, question: Question, asked: Asked) -> list[dict[str, Any]]:
    found = worst_pairs(engine, question, asked, WORST)
    return [{**row, "key": f"{row['saddr']} {row['daddr']}", "filter": _lossy(row)} for row in found]


def _lossy(row: dict[str, Any]) -> str | None:
    """Return a filter for the flows that a pair is made of: of that direction, and with losses."""
    ends = [filter_of(name, row[name]) for name in ("saddr", "daddr")]
    return None if None in ends else f"{ends[0]} and {ends[1]} and loss gt 0"


def _states(engine: Engine, question: Question, asked: Asked) -> list[dict[str, Any]]:
    sums = sums_by(engine, question, asked, "state")
    words, flows = engine.columns.vocabulary("state").words, sums.sums[:, FLOWS]
    present = np.flatnonzero(flows > 0)
    return [
        {"key": words[code], "flows": int(flows[code]), "filter": filter_of("state", words[code])}
        for code in largest(flows.astype(np.float64), present[present != 0], 20).tolist()
    ]
