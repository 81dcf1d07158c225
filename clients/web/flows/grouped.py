"""Flows merged by any fields, from the columns in memory: how many, how much, from when to when.

As by `racluster -m`: ports are told apart by protocol, too. tests/clients/web hold it against racluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from clients.web.asking.leading import filter_of, joined
from clients.web.columns.coded import EITHER, check_by
from clients.web.columns.prepared import PORTS
from clients.web.errors import ParameterError, TooLargeError
from clients.web.flows.rows import time_text
from clients.web.traffic.series import SECOND

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine, Rows
    from clients.web.columns.prepared import Column

MOST_KEYS = 8
HOST = "addr"  # alone: each flow belongs to both of its ends, as by `racluster -M rmon -m saddr`
TURNED = {"spkts": "dpkts", "dpkts": "spkts", "sbytes": "dbytes", "dbytes": "sbytes"}
MOST_GROUPS = 5_000_000
SUMMED = {"spkts": "src_packets", "dpkts": "dst_packets", "sbytes": "src_bytes", "dbytes": "dst_bytes", "loss": "lost"}
COLUMNS = {
    "flows": ("Flows", "number", None),
    "trans": ("Trans", "number", "records"),
    "pkts": ("TotPkts", "number", "packets"),
    "spkts": ("SrcPkts", "number", "packets"),
    "dpkts": ("DstPkts", "number", "packets"),
    "bytes": ("TotBytes", "bytes", "bytes"),
    "sbytes": ("SrcBytes", "bytes", "bytes"),
    "dbytes": ("DstBytes", "bytes", "bytes"),
    "loss": ("Loss", "number", "packets"),
    "stime": ("StartTime", "time", None),
    "ltime": ("LastTime", "time", None),
    "dur": ("Dur", "seconds", "s"),
    "tcprtt": ("MeanTcpRtt", "seconds", "s"),
}
OF_PAGES = {"flows", "tcprtt"}  # which racluster does not have: it keeps the first round trip, and no count of flows
USUAL = ("flows", "trans", "pkts", "bytes", "sbytes", "dbytes", "loss", "stime", "ltime")


def check_keys(words: list[str]) -> list[str]:
    """Return what flows are to be merged by; raises ParameterError."""
    if len(words) > MOST_KEYS:
        raise ParameterError(f"more than {MOST_KEYS} keys", "group", "field")
    if words == [HOST]:
        return words
    for word in words:
        if word in EITHER:
            raise ParameterError(f"'{word}' is either end; group by one of them", "group", "field")
        check_by(word)
    return words


def grouped(engine: Engine, question: Question, asked: Asked, keys: list[str]) -> pl.DataFrame:
    """Return COLUMNS by the keys, whose columns `k0`, `k1`... are numbers in their vocabularies."""

    def of_file(rows: Rows) -> pl.DataFrame:
        return _of_file(engine, rows, keys)

    parts = engine.each(question, asked, of_file)
    names = [*(f"k{place}" for place in range(len(keys))), *hidden(keys)]
    if not parts:
        return pl.DataFrame(schema=dict.fromkeys((*names, *COLUMNS), pl.Int64))
    if sum(part.height for part in parts) > MOST_GROUPS:
        raise TooLargeError(f"these keys make more than {MOST_GROUPS:,} groups: ask about less time, or by fewer keys")
    asked.check()
    found = (
        pl.concat(parts)
        .group_by(names)
        .agg(
            pl.col("flows", "trans", *SUMMED, "latency", "latencies").sum(),
            pl.col("stime").min(),
            pl.col("ltime").max(),
        )
    )
    return found.with_columns(
        (pl.col("spkts") + pl.col("dpkts")).alias("pkts"),
        (pl.col("sbytes") + pl.col("dbytes")).alias("bytes"),
        ((pl.col("ltime") - pl.col("stime")) / SECOND).alias("dur"),
        pl.when(pl.col("latencies") > 0).then(pl.col("latency") / pl.col("latencies")).alias("tcprtt"),
    )


def hidden(keys: list[str]) -> list[str]:
    """Return the columns that tell flows apart besides what is shown of the keys."""
    ports = [PORTS[key] for key in keys if key in PORTS]
    return ["protocol", *ports] if ports else []


def _of_file(engine: Engine, rows: Rows, keys: list[str]) -> pl.DataFrame:
    file = rows.file
    coded = [engine.columns.coded(file, key) for key in keys]
    columns = {f"k{place}": np.broadcast_to(each.columns[0], file.rows) for place, each in enumerate(coded)}
    columns |= {name: np.broadcast_to(file.column(name), file.rows) for name in hidden(keys)}
    counted = {name: file.columns[own] for name, own in SUMMED.items()}
    counted["trans"] = np.broadcast_to(file.column("records"), file.rows)
    times = {"stime": file.columns["start"], "ltime": file.columns["last_seen"], "latency": file.columns["latency"]}
    frame = pl.DataFrame({**columns, **counted, **times})
    if len(rows.mask):
        frame = frame.filter(pl.Series(rows.mask))
    if keys == [HOST]:
        frame = _both_ways(frame, np.broadcast_to(coded[0].columns[1], file.rows), rows)
    found = frame.group_by(list(columns)).agg(
        pl.len().cast(pl.Int64).alias("flows"),
        *(pl.col(name).cast(pl.Int64).sum() for name in (*SUMMED, "trans")),
        pl.col("stime").min(),
        pl.col("ltime").max(),
        pl.col("latency").cast(pl.Float64).sum(),
        (pl.col("latency") > 0).sum().cast(pl.Int64).alias("latencies"),
    )
    # Files keep a column as narrow as its values are, so the same one may be of several types.
    found = found.with_columns(pl.col(hidden(keys)).cast(pl.Int64))
    return found.with_columns(
        pl.Series(each.everywhere).gather(found[f"k{place}"]).alias(f"k{place}") for place, each in enumerate(coded)
    )


def _both_ways(frame: pl.DataFrame, other: Column, rows: Rows) -> pl.DataFrame:
    """Return flows once for each end, what that end sent as the source's; of one that talks to itself, once."""
    ends = pl.Series(other)
    turned = frame.with_columns(
        (ends.filter(pl.Series(rows.mask)) if len(rows.mask) else ends).alias("other"),
        *(pl.col(name).alias(own) for own, name in TURNED.items()),
    )
    turned = turned.filter(pl.col("other") != pl.col("k0")).with_columns(pl.col("other").alias("k0")).drop("other")
    return pl.concat([frame, turned.select(frame.columns)], how="vertical_relaxed")


def ordered(engine: Engine, found: pl.DataFrame, keys: list[str], sort: str) -> pl.DataFrame:
    """Return groups in the order of a column or key; raises ParameterError."""
    name, descending = sort.removeprefix("-"), sort.startswith("-")
    if name in COLUMNS:
        return found.sort(
            name,
            *(f"k{place}" for place in range(len(keys))),
            descending=[descending] + [False] * len(keys),
            nulls_last=True,
        )
    if name not in keys:
        raise ParameterError(
            f"groups are not sorted by '{name[:64]}'; by their keys or {', '.join(COLUMNS)}", "sort", "field"
        )
    ranks = pl.Series(engine.columns.ranks(name))
    order = ranks.gather(found[f"k{keys.index(name)}"])
    return found.with_columns(order.alias("order")).sort("order", descending=descending).drop("order")


def shown(
    engine: Engine, found: pl.DataFrame, keys: list[str], fields: list[str], zone: str, about: str
) -> list[dict[str, Any]]:
    """Return groups as rows of a table, each with the filter of its flows."""
    words = [engine.columns.vocabulary(key).words for key in keys]
    made = []
    for row in found.iter_rows(named=True):
        named = [words[place][row[f"k{place}"]] for place in range(len(keys))]
        values = [*(word or None for word in named), *(_value(row, name) for name in fields)]
        text = [*named, *(_text(name, value, zone) for name, value in zip(fields, values[len(keys) :], strict=True))]
        wanted: str | None = about
        for key, word in zip(keys, named, strict=True):
            own = filter_of(key, word)
            wanted = joined(wanted, own) if own is not None and wanted is not None else None
        made.append({"id": None, "at": None, "values": values, "text": text, "filter": wanted})
    return made


def _value(row: dict[str, Any], name: str) -> Any:  # noqa: ANN401 - a number
    return row[name] / SECOND if name in {"stime", "ltime"} else row[name]


def _text(name: str, value: Any, zone: str) -> str:  # noqa: ANN401 - a number
    if value is None:
        return ""
    if name in {"stime", "ltime"}:
        return time_text(value, zone)
    return f"{value:.6f}" if name in {"dur", "tcprtt"} else str(value)
