"""DNS: what was asked for, by whom, what failed, and what was never asked for before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from clients.explaining.beside import described
from clients.web.traffic.domains import domain_of
from clients.web.traffic.series import SECOND, grid

if TYPE_CHECKING:
    from clients.explaining.beside import Transactions
    from clients.web.asking.question import Question

BINS = 120
GOOD = "NOERROR"
COUNTS = (pl.len().alias("queries"), (pl.col("code") != GOOD).sum().alias("failed"))


def dns(known: Transactions, question: Question, names: Any, *, limit: int, name: str, client: str) -> dict[str, Any]:  # noqa: ANN401 - names by address
    """Return DNS in a time, of names that hold a text and of a client where these are given."""
    inside = pl.col("time").is_between(question.first, question.end)
    table = known.table.filter(inside)
    if name:
        table = table.filter(pl.col("name").str.to_lowercase().str.contains(name.lower(), literal=True))
    if client:
        table = table.filter(pl.col("client") == client)
    domain = domain_of(pl.col("name")).alias("domain")
    return {
        "totals": _totals(table),
        "series": _series(table, question),
        "names": _ranked(
            table, "name", limit, pl.col("client").n_unique().alias("clients"), pl.col("time").max().alias("last")
        ),
        "clients": [
            {**row, "name": names.get(row["client"])}
            for row in _ranked(table, "client", limit, pl.col("name").n_unique().alias("names"))
        ],
        "failures": _failures(table, limit),
        "servers": _ranked(table, "server", limit, pl.col("rtt").median().alias("rtt")),
        "types": _ranked(table, "type", limit),
        "new": _new(known.table.with_columns(domain), question, limit),
        "transactions": described(known, table.tail(limit).reverse()),
    }


def _totals(table: pl.DataFrame) -> dict[str, int]:
    failed = table.filter(pl.col("code") != GOOD).height
    return {
        "queries": table.height,
        "failed": failed,
        "answered": table.filter(pl.col("code") != "NOANSWER").height,
        "clients": table["client"].n_unique(),
        "names": table["name"].n_unique(),
    }


def _series(table: pl.DataFrame, question: Question) -> dict[str, Any]:
    begin, step, count = grid(question, BINS)
    places = table.select(((pl.col("time") - begin) // step).clip(0, count - 1).alias("bin"), "code")
    found = {"queries": [0] * count, "failed": [0] * count}
    for place, queries, failed in places.group_by("bin").agg(*COUNTS).iter_rows():
        found["queries"][place], found["failed"][place] = queries, failed
    return {"start": begin / SECOND, "step": step / SECOND, **found}


def _ranked(table: pl.DataFrame, key: str, limit: int, *more: pl.Expr) -> list[dict[str, Any]]:
    made = table.group_by(key).agg(*COUNTS, *more).sort("queries", key, descending=[True, False]).head(limit)
    return [_timed(row) for row in made.iter_rows(named=True)]


def _timed(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value / SECOND if name in {"last", "first"} and value is not None else value
        for name, value in row.items()
    }


def _failures(table: pl.DataFrame, limit: int) -> list[dict[str, Any]]:
    made = (
        table.filter(pl.col("code") != GOOD)
        .group_by("name", "code")
        .agg(
            pl.len().alias("queries"), pl.col("client").n_unique().alias("clients"), pl.col("time").max().alias("last")
        )
    )
    rows = made.sort("queries", "name", descending=[True, False]).head(limit).iter_rows(named=True)
    return [_timed(row) for row in rows]


def _new(table: pl.DataFrame, question: Question, limit: int) -> list[dict[str, Any]]:
    """Return domains that were first asked for in the time, where something was asked before it."""
    if not table.height or table["time"][0] >= question.first:
        return []
    inside = table.filter(pl.col("time") <= question.end)
    made = inside.group_by("domain").agg(
        pl.col("time").min().alias("first"), pl.len().alias("queries"), pl.col("client").n_unique().alias("clients")
    )
    rows = made.filter(pl.col("first") >= question.first).sort("first").head(limit).iter_rows(named=True)
    return [_timed(row) for row in rows]
