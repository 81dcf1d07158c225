"""Scans that a host did or suffered: what was tried in vain, more often than the starter rules allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from clients.web.asking.leading import filter_of, joined
from clients.web.columns.in_vain import SCANS
from clients.web.traffic.series import SECOND
from clients.web.traffic.tops import label_of, named

if TYPE_CHECKING:
    from clients.web.columns.engine import Engine

MOST = 50


def scans(engine: Engine, tried: pl.DataFrame, key: str) -> list[dict[str, Any]]:
    """Return scans of the host `key` and those that it suffered, those that tried most first."""
    if not tried.height:
        return []
    services = engine.columns.vocabulary("service").words
    words = pl.Series(services, dtype=pl.String)
    told = tried.with_columns(words.gather(tried["service"]).alias("word"))
    rows: list[dict[str, Any]] = []
    for proto, scan in SCANS.items():
        some = told.filter(pl.col("word").str.starts_with(f"{proto}/"))
        rows += [_ports(engine, row, key, proto) for row in _many(some, "other", "word", scan.ports)]
        if scan.hosts is not None:
            began = some.filter("began")
            rows += [_hosts(row, key, proto) for row in _many(began, "word", "other", scan.hosts)]
    rows.sort(key=lambda row: (-row["tried"], row["first"]))
    named(engine, rows, "addr")
    return rows[:MOST]


def _many(some: pl.DataFrame, by: str, counted: str, most: int) -> list[dict[str, Any]]:
    made = some.group_by("began", by).agg(
        pl.col(counted).n_unique().alias("tried"),
        pl.col("flows").sum(),
        pl.col("stime").min(),
        pl.col("ltime").max(),
    )
    return made.filter(pl.col("tried") > most).to_dicts()


def _ports(engine: Engine, row: dict[str, Any], key: str, proto: str) -> dict[str, Any]:
    other = engine.columns.vocabulary("addr").words[row["other"]]
    ends = (key, other) if row["began"] else (other, key)
    about = joined(filter_of("saddr", ends[0]), filter_of("daddr", ends[1]))
    what = f"{row['tried']:,} {proto.upper()} ports"
    text = f"tried {what} of {other}" if row["began"] else f"{other} tried {what} here"
    return _row(row, text, other, joined(about, SCANS[proto].match))


def _hosts(row: dict[str, Any], key: str, proto: str) -> dict[str, Any]:
    service = row["word"]
    about = joined(filter_of("saddr", key), filter_of("service", service))
    text = f"tried {label_of('service', service)} of {row['tried']:,} hosts"
    return _row(row, text, "", joined(about, SCANS[proto].match.removeprefix(f"{proto} and ")))


def _row(row: dict[str, Any], text: str, other: str, leads_to: str | None) -> dict[str, Any]:
    return {
        "did": row["began"],
        "text": text,
        "key": other,
        "tried": row["tried"],
        "flows": row["flows"],
        "first": row["stime"] / SECOND,
        "last": row["ltime"] / SECOND,
        "filter": leads_to,
    }
