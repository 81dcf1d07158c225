"""What a time has that the time before it had not: hosts, services, countries, names, domains."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from clients.web.asking.leading import filter_of, joined
from clients.web.traffic.domains import domain_of
from clients.web.traffic.series import SECOND
from clients.web.traffic.sums import sums_by
from clients.web.traffic.tops import label_of, named
from processors.summaries.sums_kernel import DST_BYTES, FLOWS, SRC_BYTES, first_and_last

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine, Rows
    from clients.web.traffic.sums import Numbers

News = tuple[list[dict[str, Any]], int]  # the first ones, and how many there are
FOREVER = 2**63 - 1
KINDS = {"hosts": "addr", "countries": "country", "names": "name", "services": "service"}


def fresh(
    engine: Engine, known_dns: pl.DataFrame, question: Question, asked: Asked, against: int, limit: int
) -> dict[str, Any]:
    """Return what is new in the time of a question, against so many seconds before it.

    Of a time longer than that, what is new in its last seconds, against all of it before.

    `known_dns` are transactions (clients/explaining/beside.py); their domains do not follow the filter of flows.
    """
    since = max(question.first, question.end - against * SECOND + 1)
    earlier = replace(question, first=min(question.first, since - against * SECOND), end=since - 1, times=None)
    question = replace(question, first=since)
    known = {kind: sums_by(engine, earlier, asked, by) for kind, by in KINDS.items()}
    records = int(known["services"].sums[:, FLOWS].sum())
    found: dict[str, Any] = {
        "since": since / SECOND,
        "baseline": {"from": earlier.first / SECOND, "to": (earlier.end + 1) / SECOND, "records": records},
    }
    every = {
        kind: _new(engine, question, asked, by, known[kind].sums[:, FLOWS], limit) if records else ([], 0)
        for kind, by in KINDS.items()
    }
    every["domains"] = _domains(known_dns, question, earlier, limit)
    found |= {kind: rows for kind, (rows, _) in every.items()}
    return {**found, "counts": {kind: count for kind, (_, count) in every.items()}}


def _domains(table: pl.DataFrame, question: Question, earlier: Question, limit: int) -> News:
    """Return domains that were not asked for in the time before, in which something was asked for, and how many."""
    now, before = (
        table.filter(pl.col("time").is_between(each.first, each.end)).select(
            domain_of(pl.col("name")).alias("key"), "time", "client"
        )
        for each in (question, earlier)
    )
    if not before.height:
        return [], 0
    made = (
        now.join(before, on="key", how="anti")
        .group_by("key")
        .agg(
            (pl.col("time").min() / SECOND).alias("first"),
            pl.len().alias("queries"),
            pl.col("client").n_unique().alias("clients"),
        )
    )
    return made.sort("first", "key").head(limit).to_dicts(), made.height


def _new(engine: Engine, question: Question, asked: Asked, by: str, known: Numbers, limit: int) -> News:
    sums = sums_by(engine, question, asked, by).sums
    seen = np.zeros(len(sums), np.int64)
    seen[: len(known)] = known
    new = np.flatnonzero((sums[:, FLOWS] > 0) & (seen == 0))
    new = new[new != 0]
    if not len(new):
        return [], 0
    total = sums[:, SRC_BYTES] + sums[:, DST_BYTES]
    times = seen_at(engine, question, asked, by)
    chosen = new[np.lexsort((-total[new], times[new, 0]))][:limit].tolist()
    words = engine.columns.vocabulary(by).words
    rows = [
        {
            "key": words[code],
            "label": label_of(by, words[code]),
            "filter": joined(filter_of(by, words[code]), question.filter),
            "first": int(times[code, 0]) / SECOND,
            "flows": int(sums[code, FLOWS]),
            "bytes": int(total[code]),
        }
        for code in chosen
    ]
    named(engine, rows, by)
    return rows, len(new)


def seen_at(engine: Engine, question: Question, asked: Asked, by: str) -> Numbers:
    """Return when the first and last flow of each value of a field was (ns), shape (values, 2)."""

    def of_file(rows: Rows) -> tuple[Numbers, Numbers]:
        coded = engine.columns.coded(rows.file, by)
        times = np.zeros((len(coded.everywhere), 2), np.int64)
        times[:, 0] = FOREVER
        for column in coded.columns:
            first_and_last(column, rows.mask, rows.file.columns["start"], rows.file.columns["last_seen"], times)
        return coded.everywhere, times

    parts = engine.together(question, asked, of_file)
    total = np.zeros((len(engine.columns.vocabulary(by).words), 2), np.int64)
    total[:, 0] = FOREVER
    for everywhere, times in parts:
        total[everywhere, 0] = np.minimum(total[everywhere, 0], times[:, 0])
        total[everywhere, 1] = np.maximum(total[everywhere, 1], times[:, 1])
    return total
