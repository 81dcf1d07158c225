"""What is largest: values of a field by a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clients.web.asking.leading import filter_of
from clients.web.traffic.sums import described, sums_by
from processors.summaries.sums_kernel import FLOWS
from topics.fields.services import service_names

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine
    from clients.web.traffic.sums import Numbers, Sums

IP_NUMBERS = {"tcp": 6, "udp": 17, "sctp": 132}
MEANS = {"loss", "rtt"}


def top(
    engine: Engine, question: Question, asked: Asked, by: str, metric: str, limit: int, before: Question | None = None
) -> dict[str, Any]:
    """Return the values of a field with most of a metric, and what each had in the time before."""
    found = sums_by(engine, question, asked, by)
    earlier = sums_by(engine, before, asked, by) if before else None
    words = engine.columns.vocabulary(by).words
    values = found.metric(metric).astype(np.float64)
    present = np.flatnonzero(found.sums[:, FLOWS] > 0)
    present = present[present != 0]  # flows of which the field says nothing
    whole = float(np.nansum(values[present])) if metric not in MEANS else 0.0
    rows = [
        _row(found, earlier, code, by, words[code], metric, whole) for code in largest(values, present, limit).tolist()
    ]
    named(engine, rows, by)
    return {"by": by, "metric": metric, "rows": rows, "distinct": len(present)}


def largest(values: Numbers, among: Numbers, limit: int) -> Numbers:
    """Return those of some places whose values are largest, largest first; without a value last."""
    weights = np.nan_to_num(values[among], nan=-1.0)
    if len(among) > limit:
        among = among[np.argpartition(-weights, limit)[:limit]]
        weights = np.nan_to_num(values[among], nan=-1.0)
    chosen: Numbers = among[np.lexsort((among, -weights))]
    return chosen


def label_of(by: str, key: str) -> str:
    """Return a value as people know it: a port with the name of its service."""
    if by == "service" and "/" in key:
        proto, _, port = key.partition("/")
        name = service_names(IP_NUMBERS.get(proto, 0)).get(int(port))
        return f"{key} {name}" if name else key
    return f"AS{key}" if by in {"as", "sas", "das"} else key


def named(engine: Engine, rows: list[dict[str, Any]], by: str) -> None:
    """Put the names that hosts had last beside their addresses."""
    names = engine.names() if by in {"addr", "saddr", "daddr"} else {}
    for row in rows:
        row["name"] = names.get(row["key"])


def _row(found: Sums, earlier: Sums | None, code: int, by: str, key: str, metric: str, whole: float) -> dict[str, Any]:
    row = {"key": key, "label": label_of(by, key), "filter": filter_of(by, key), **described(found, code)}
    value = float(found.metric(metric)[code])
    row["share"] = value / whole if whole else None
    before = None if earlier is None else float(earlier.metric(metric)[code]) if code < len(earlier.sums) else 0.0
    return {**row, "before": before}
