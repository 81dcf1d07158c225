"""Who talks with whom: what pairs of addresses add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from clients.web.columns.totals import ALL
from clients.web.traffic.networks import NETWORK, networks

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine, Rows
    from clients.web.columns.prepared import Column

ADDED = ("flows", "spkts", "dpkts", "sbytes", "dbytes", "lost")
ENDS = ("saddr", "daddr")
OF_FIELD = {"addr": ENDS, NETWORK: ENDS, "country": ("sco", "dco"), "as": ("sas", "das")}
RECORDED = {
    "spkts": "src_packets",
    "dpkts": "dst_packets",
    "sbytes": "src_bytes",
    "dbytes": "dst_bytes",
    "lost": "lost",
}


def pair_sums(
    engine: Engine, question: Question, asked: Asked, by: str = "addr", *, lossy: bool = False
) -> pl.DataFrame:
    """Return what pairs add up to, of all flows or of those that lost packets.

    Columns: `source` and `target` (numbers in the vocabulary of `by`), ADDED, `latency` (sum, s) and `latencies`.
    """
    names = OF_FIELD[by]

    def of_file(rows: Rows) -> pl.DataFrame:
        file = rows.file
        everywhere = networks(engine, file) if by == NETWORK else engine.columns.coded(file, by).everywhere
        return _grouped(rows, names, everywhere, lossy=lossy)

    parts = engine.together(question, asked, of_file)
    if not parts:
        return pl.DataFrame(schema={"source": pl.Int64, "target": pl.Int64, **dict.fromkeys(ADDED, pl.Int64)})
    asked.check()
    return pl.concat(parts).group_by("source", "target").agg(pl.col(*ADDED, "latency", "latencies").sum())


def _grouped(rows: Rows, names: tuple[str, str], everywhere: Column, *, lossy: bool) -> pl.DataFrame:
    file = rows.file
    columns = {name: file.column(own) for name, own in zip(("source", "target"), names, strict=True)}
    columns |= {name: file.columns[own] for name, own in RECORDED.items()}
    columns["latency"] = file.columns["latency"]
    mask = rows.mask
    if lossy:
        some = columns["lost"] > 0
        places = np.flatnonzero(some & mask if len(mask) else some)
        columns = {name: column[places] if len(column) == file.rows else column for name, column in columns.items()}
        mask, many = ALL, len(places)
    else:
        many = file.rows
    frame = pl.DataFrame({name: np.broadcast_to(column, many) for name, column in columns.items()})
    if len(mask):
        frame = frame.filter(pl.Series(mask))
    found = frame.group_by("source", "target").agg(
        pl.len().cast(pl.Int64).alias("flows"),
        *(pl.col(name).cast(pl.Int64).sum() for name in RECORDED),
        pl.col("latency").cast(pl.Float64).sum(),
        (pl.col("latency") > 0).sum().cast(pl.Int64).alias("latencies"),
    )
    codes = pl.Series(everywhere)
    return found.with_columns(codes.gather(found[name]).alias(name) for name in ("source", "target"))


def worst_pairs(engine: Engine, question: Question, asked: Asked, limit: int) -> list[dict[str, Any]]:
    """Return the pairs of addresses that lost most packets; what else they have is of the flows that lost some."""
    found = pair_sums(engine, question, asked, lossy=True).with_columns(
        (pl.col("sbytes") + pl.col("dbytes")).alias("bytes")
    )
    words = engine.columns.vocabulary("addr").words
    rows = found.top_k(limit, by="lost").sort("lost", descending=True).iter_rows(named=True)
    return [_described(row, words) for row in rows]


def _described(row: dict[str, Any], words: list[str]) -> dict[str, Any]:
    packets = row["spkts"] + row["dpkts"]
    return {
        "saddr": words[row["source"]],
        "daddr": words[row["target"]],
        "flows": row["flows"],
        "pkts": packets,
        "bytes": row["bytes"],
        "lost": row["lost"],
        "loss": row["lost"] / packets if packets else 0.0,
        "rtt": row["latency"] / row["latencies"] if row["latencies"] else None,
    }
