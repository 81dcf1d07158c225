"""Who talks with whom, as a graph of as many nodes as can be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from clients.web.asking.leading import between, filter_of
from clients.web.traffic.pairs import pair_sums
from clients.web.traffic.tops import label_of

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine

LINKS_EACH = 4  # most links for each node
NODE_METRICS = {"bytes": "bytes", "pkts": "pkts", "flows": "flows", "lost": "lost"}


def graph(engine: Engine, question: Question, asked: Asked, by: str, metric: str, most: int) -> dict[str, Any]:
    """Return the `most` nodes with most of a metric and the links between them, and what is left out."""
    sums = _whole(pair_sums(engine, question, asked, by))
    ends = [sums.select(pl.col(end).alias("node"), metric) for end in ("source", "target")]
    weights = pl.concat(ends).group_by("node").agg(pl.col(metric).sum()).filter(pl.col("node") != 0)
    chosen = weights.top_k(most, by=metric)["node"]
    inside = pl.col("source").is_in(chosen.to_list()) & pl.col("target").is_in(chosen.to_list())
    shown = (
        sums.filter(inside)
        .top_k(most * LINKS_EACH, by=metric)
        .sort(metric, "source", "target", descending=[True, False, False])
    )
    words, names = engine.columns.vocabulary(by).words, engine.names() if by == "addr" else {}
    total, kept = int(sums["bytes"].sum()), int(shown["bytes"].sum())
    return {
        "nodes": _nodes(shown, chosen, words, names, by),
        "links": [_link(row, words, by) for row in shown.iter_rows(named=True)],
        "left_out": {"nodes": weights.height - len(chosen), "links": sums.height - shown.height, "bytes": total - kept},
    }


def _whole(sums: pl.DataFrame) -> pl.DataFrame:
    """Return pairs once each, whichever end began, with the sums of both directions."""
    ends = pl.min_horizontal("source", "target").alias("source"), pl.max_horizontal("source", "target").alias("target")
    counted = (pl.col("sbytes") + pl.col("dbytes")).alias("bytes"), (pl.col("spkts") + pl.col("dpkts")).alias("pkts")
    return (
        sums.select(*ends, *counted, "flows", "lost").group_by("source", "target").sum().filter(pl.col("source") != 0)
    )


def _nodes(shown: pl.DataFrame, chosen: pl.Series, words: list[str], names: Any, by: str) -> list[dict[str, Any]]:  # noqa: ANN401 - names by address
    ends = [shown.select(pl.col(end).alias("node"), "bytes", "flows", "pkts") for end in ("source", "target")]
    sums = pl.concat(ends).group_by("node").agg(pl.col("bytes", "flows", "pkts").sum(), pl.len().alias("degree"))
    found = (
        chosen.to_frame("node")
        .join(sums, on="node", how="left")
        .fill_null(0)
        .sort("bytes", "node", descending=[True, False])
    )
    return [
        {
            "id": words[row["node"]],
            "label": label_of(by, words[row["node"]]),
            "name": names.get(words[row["node"]]),
            "bytes": row["bytes"],
            "flows": row["flows"],
            "pkts": row["pkts"],
            "degree": row["degree"],
            "filter": filter_of(by, words[row["node"]]),
        }
        for row in found.iter_rows(named=True)
    ]


def _link(row: dict[str, Any], words: list[str], by: str) -> dict[str, Any]:
    source, target = words[row["source"]], words[row["target"]]
    return {
        "source": source,
        "target": target,
        "bytes": row["bytes"],
        "flows": row["flows"],
        "pkts": row["pkts"],
        "lost": row["lost"],
        "filter": between(by, source, target),
    }
