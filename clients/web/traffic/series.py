"""Traffic over time: the largest values of a field, all others, and the same of the period before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clients.web.asking.leading import filter_of
from clients.web.columns.coded import EITHER
from clients.web.traffic.sums import Sums, sums_by, sums_in_time
from clients.web.traffic.tops import label_of, largest
from processors.summaries.sums_kernel import FLOWS

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine
    from clients.web.traffic.sums import Numbers

SECOND = 1_000_000_000
SIDES = {"bytes": ("sbytes", "dbytes"), "pkts": ("spkts", "dpkts")}
UNITS = {"flows": "flows", "loss": "ratio", "rtt": "s", "lost": "packets"}
ROUND = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
LEAST_STEP = 1_000_000


def unit_of(metric: str) -> str:
    """Return what a metric is counted in."""
    return UNITS.get(metric) or ("bytes" if metric.endswith("bytes") else "packets")


def grid(question: Question, bins: int) -> tuple[int, int, int]:
    """Return where bins begin (ns), how long each is and how many there are: a round length, at most `bins` of them."""
    length = max(question.end - question.first + 1, 1)
    least = length / bins
    step = next((each * SECOND for each in ROUND if each * SECOND >= least), 0) if least > SECOND / 2 else 0
    step = step or max(round(least), LEAST_STEP)
    begin = question.first // step * step
    return begin, step, min(max(-(-(question.end + 1 - begin) // step), 1), bins + 1)


def before(question: Question) -> Question:
    """Return the same question about the period before, as long."""
    length = question.end - question.first + 1
    return replace(question, first=question.first - length, end=question.first - 1, times=None)


def series(
    engine: Engine,
    question: Question,
    asked: Asked,
    *,
    by: str,
    metric: str,
    bins: int,
    limit: int,
    direction: bool,
    compare: bool,
) -> dict[str, Any]:
    """Return a metric over time of the largest values of a field, `by` empty for all flows as one."""
    begin, step, count = grid(question, bins)
    chosen, keys = _chosen(engine, question, asked, by, metric, limit)
    found = sums_in_time(engine, question, asked, by, chosen, begin, step, count)
    if by in EITHER:
        found = _with_rest(found, sums_in_time(engine, question, asked, "", [], begin, step, count))
    lines = [
        {"key": key, "label": label_of(by, key), "filter": filter_of(by, key), **_line(found, place, metric, direction)}
        for place, key in enumerate(keys)
    ]
    others: dict[str, Any] = {"key": None, "label": "others", "filter": None}
    others |= _line(found, len(chosen), metric, direction)
    if not by:
        lines, others = [{**others, "key": "", "label": "all"}], {"total": 0}
    return {
        "step": step / SECOND,
        "start": begin / SECOND,
        "bins": count,
        "metric": metric,
        "by": by,
        "unit": unit_of(metric),
        "series": lines,
        "rest": others if found.sums[-1, :, FLOWS].any() and by else None,
        "before": _before(engine, question, asked, metric, step, count, begin) if compare else None,
    }


def _chosen(
    engine: Engine, question: Question, asked: Asked, by: str, metric: str, limit: int
) -> tuple[list[int], list[str]]:
    if not by:
        return [], []
    sums = sums_by(engine, question, asked, by)
    weight = "pkts" if metric == "loss" else "flows" if metric == "rtt" else metric
    present = np.flatnonzero(sums.sums[:, FLOWS] > 0)
    chosen = largest(sums.metric(weight).astype(np.float64), present[present != 0], limit).tolist()
    words = engine.columns.vocabulary(by).words
    return chosen, [words[code] for code in chosen]


def _with_rest(found: Sums, whole: Sums) -> Sums:
    """Return sums whose last are what the chosen leave of all flows, each of which has two ends and is there once."""
    left = [np.maximum(all_[0] - chosen[:-1].sum(axis=0), 0) for chosen, all_ in zip(found, whole, strict=True)]
    left[1][left[1][:, 0] < 1] = 0
    return Sums(*(np.concatenate([chosen[:-1], rest[None]]) for chosen, rest in zip(found, left, strict=True)))


def _line(found: Sums, place: int, metric: str, direction: bool) -> dict[str, Any]:  # noqa: FBT001 - one of two ways
    values = found.metric(metric)[place]
    line: dict[str, Any] = {"values": listed(values), "total": _total(found, place, metric)}
    if direction and metric in SIDES:
        line |= {
            name: listed(found.metric(side)[place]) for name, side in zip(("up", "down"), SIDES[metric], strict=True)
        }
    return line


def _total(found: Sums, place: int, metric: str) -> float | int | None:
    """Return a metric of all bins together: of means that of all that they are of, not the mean of means."""
    whole = Sums(found.sums[place].sum(axis=0), found.latencies[place].sum(axis=0)).metric(metric)
    total: float | int | None = listed(np.atleast_1d(whole))[0]
    return total


def listed(values: Numbers) -> list[Any]:
    """Return numbers as JSON has them: null for those that are none."""
    if values.dtype.kind != "f":
        return list(values.tolist())
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - nan alone is not itself


def _before(
    engine: Engine, question: Question, asked: Asked, metric: str, step: int, bins: int, begin: int
) -> dict[str, Any] | None:
    earlier = before(question)
    if not engine.segments(earlier):
        return None
    length = question.end - question.first + 1
    found = sums_in_time(engine, earlier, asked, "", [], begin - length, step, bins)
    values = found.metric(metric)[0]
    ends = {"from": earlier.first / SECOND, "to": (earlier.end + 1) / SECOND}
    return {"values": listed(values), "total": _total(found, 0, metric), **ends}
