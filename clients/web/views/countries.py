"""Countries: what they sent and received, which hosts are there, and what they have with each other."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from clients.web.asking.leading import filter_of, joined
from clients.web.traffic.pairs import pair_sums
from clients.web.traffic.sums import sums_by
from processors.summaries.sums_kernel import DST_BYTES, DST_PACKETS, FLOWS, SRC_BYTES, SRC_PACKETS

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine, Rows

MOST_HOSTS = 15  # of a country
ENDS = (("saddr", "sco"), ("daddr", "dco"))


def geography(engine: Engine, question: Question, asked: Asked) -> dict[str, Any]:
    """Return what each country sent and received and by which hosts, what they have with each other, and localities."""
    words = engine.columns.vocabulary("country").words
    sums = pair_sums(engine, question, asked, "country").with_columns(
        (pl.col("sbytes") + pl.col("dbytes")).alias("bytes")
    )
    either = sums_by(engine, question, asked, "country")
    one, other = (
        sums.group_by(end).agg(pl.col("sbytes", "dbytes").sum()).rename({end: "code"}) for end in ("source", "target")
    )
    sent = _map(one, "sbytes"), _map(other, "dbytes")
    received = _map(one, "dbytes"), _map(other, "sbytes")
    total = int(sums["bytes"].sum()) if sums.height else 0
    hosts = _hosts(engine, question, asked)
    countries: list[dict[str, Any]] = []
    for code in [code for code in range(1, len(either.sums)) if either.sums[code, FLOWS]]:
        row = either.sums[code]
        bytes_ = int(row[SRC_BYTES] + row[DST_BYTES])
        countries.append(
            {
                "code": words[code],
                "flows": int(row[FLOWS]),
                "pkts": int(row[SRC_PACKETS] + row[DST_PACKETS]),
                "bytes": bytes_,
                "sent": sum(each.get(code, 0) for each in sent),
                "received": sum(each.get(code, 0) for each in received),
                "share": bytes_ / total if total else 0.0,
                "hosts": hosts[code][0],
                "largest": hosts[code][1],
                "filter": filter_of("country", words[code]),
            }
        )
    countries.sort(key=lambda each: (-each["bytes"], each["code"]))
    unknown = sums.filter((pl.col("source") == 0) & (pl.col("target") == 0))
    return {
        "countries": countries,
        "localities": _localities(engine, question, asked),
        "flows": _between(sums, words),
        "unknown": {"flows": int(unknown["flows"].sum()), "bytes": int(unknown["bytes"].sum())},
    }


def _hosts(engine: Engine, question: Question, asked: Asked) -> dict[int, tuple[int, list[dict[str, Any]]]]:
    """Return for each country how many hosts it has, and those with most bytes."""

    def of_file(rows: Rows) -> pl.DataFrame:
        codes = [pl.Series(engine.columns.coded(rows.file, by).everywhere) for by in ("addr", "country")]
        found = pl.concat(_placed(rows, *names) for names in ENDS).group_by("host", "country").sum()
        return found.with_columns(
            codes[0].gather(found["host"]).alias("host"), codes[1].gather(found["country"]).alias("country")
        )

    parts = engine.together(question, asked, of_file)
    told: dict[int, tuple[int, list[dict[str, Any]]]] = defaultdict(lambda: (0, []))
    if not parts:
        return told
    hosts = pl.concat(parts).group_by("host", "country").sum().sort("bytes", "host", descending=[True, False])
    words, names = engine.columns.vocabulary("addr").words, engine.names()
    for (country,), some in hosts.group_by("country", maintain_order=True):
        largest = [
            {"key": words[host], "name": names.get(words[host]), "flows": flows, "bytes": sizes}
            for host, flows, sizes in some.head(MOST_HOSTS).select("host", "flows", "bytes").iter_rows()
        ]
        told[int(str(country))] = some.height, largest
    return told


def _placed(rows: Rows, address: str, country: str) -> pl.DataFrame:
    """Return what the hosts at one end of the flows of a file add up to, by the country they are in."""
    file = rows.file
    ends = {
        name: np.broadcast_to(file.column(own), file.rows) for name, own in (("host", address), ("country", country))
    }
    sizes = file.columns["src_bytes"].astype(np.int64) + file.columns["dst_bytes"]
    frame = pl.DataFrame({**ends, "bytes": sizes})
    chosen = frame.filter(pl.Series(rows.mask)) if len(rows.mask) else frame
    counted = pl.len().cast(pl.Int64).alias("flows"), pl.col("bytes").sum()
    return chosen.filter(pl.col("country") != 0).group_by("host", "country").agg(counted)


def _map(frame: pl.DataFrame, column: str) -> dict[int, int]:
    return dict(frame.select("code", column).iter_rows())


def _between(sums: pl.DataFrame, words: list[str]) -> list[dict[str, Any]]:
    both = sums.filter((pl.col("source") != 0) & (pl.col("target") != 0)).sort("bytes", descending=True).head(200)
    return [
        {
            "source": words[row["source"]],
            "target": words[row["target"]],
            "bytes": row["bytes"],
            "flows": row["flows"],
            "filter": joined(filter_of("sco", words[row["source"]]), filter_of("dco", words[row["target"]])),
        }
        for row in both.iter_rows(named=True)
    ]


def _localities(engine: Engine, question: Question, asked: Asked) -> list[dict[str, Any]]:
    found = sums_by(engine, question, asked, "locality").sums
    words = engine.columns.vocabulary("locality").words
    return [
        {
            "key": words[code],
            "flows": int(found[code, FLOWS]),
            "bytes": int(found[code, SRC_BYTES] + found[code, DST_BYTES]),
            "filter": filter_of("locality", words[code]),
        }
        for code in range(1, len(found))
        if found[code, FLOWS]
    ]
