"""What is kept of records, made: times and counters as they are, texts as codes, those of labels once each."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa

from clients.web.columns.in_vain import IN_VAIN
from clients.web.columns.packed import LABELS, packed
from clients.web.columns.prepared import (
    COUNTERS,
    DOMAINS,
    IDENTITY,
    NONE,
    ORDERS,
    PACKED,
    RAW,
    SMALL,
    TOLD,
    TOLD_OF,
    VAIN,
    WITH_PORTS,
)
from processors.summaries.order_kernel import rows_by_code
from processors.summaries.packed_kernel import LANES
from topics.expression import col
from topics.expression.polars import polars
from topics.fields import Style
from topics.fields import field as printable

KEPT = {**DOMAINS, TOLD: tuple(TOLD_OF)}
DOMAIN_OF_KEPT = {name: domain for domain, names in KEPT.items() for name in names}
# What labels say of an end that host pages tell in the course of time: what belongs together stands together.
SAID = ("switch", "swport", "station", "process", "owner", "container", "pod", "as", "asorg", "co")
BETWEEN = ":"  # which no value of a label holds


def columns_of(records: pl.LazyFrame) -> tuple[pa.Table, dict[str, Any]]:
    """Return what is kept of records with the columns of topics/frame.py, and facts about it."""
    plain, texts = _plain(), _texts()
    roots = {name for each in (*plain, *texts.values()) for name in each.meta.root_names()}
    raw = records.select(sorted(roots)).collect()
    frame = raw.select(plain)
    facts: dict[str, Any] = {"rows": frame.height, "constants": {}, "words": {}}
    facts["first"], facts["last"] = _span(frame)
    columns = {name: _shrunk(frame[name]) for name in frame.columns if name != IDENTITY}
    wide = any(columns[name].dtype == pl.Int64 for name in COUNTERS)
    for name in COUNTERS:
        columns[name] = columns[name].cast(pl.Int64 if wide else pl.UInt32)
    known = raw.select(pl.col(LABELS).unique()).with_row_index("place")
    places = raw.select(LABELS).join(known, on=LABELS, how="left", maintain_order="left", nulls_equal=True)["place"]
    facts["labels"], facts["of_labels"] = known.height, [name for name in texts if _is_of_labels(texts[name])]
    facts["words"], coded = _texts_coded(raw, texts, known, places)
    columns |= coded
    together = packed({name: column.to_numpy() for name, column in columns.items()}, places.to_numpy())
    for name in [name for name in (*RAW, *DOMAIN_OF_KEPT) if columns[name].n_unique() <= 1 and frame.height]:
        facts["constants"][name] = int(columns.pop(name)[0])
    kept = {name: column.to_arrow() for name, column in columns.items()}
    kept |= {
        order: pa.array(rows_by_code(columns[name].to_numpy(), len(facts["words"][DOMAIN_OF_KEPT[name]])))
        for name, order in ORDERS.items()
        if name in columns
    }
    kept[IDENTITY] = frame[IDENTITY].to_arrow().cast(pa.binary()).cast(pa.binary(16))
    if together is not None:
        buffers = [None, pa.py_buffer(together)]
        kept[PACKED] = pa.FixedSizeBinaryArray.from_buffers(pa.binary(4 * LANES), len(together), buffers)
    return pa.table(kept), facts


def _plain() -> list[pl.Expr]:
    from topics import filter as filters
    from topics.filter.compiler import expression

    start, last = printable("stime").value(), printable("ltime").value()
    lost, latency = printable("loss").value(), printable("tcprtt").value()
    vain = filters.parse(IN_VAIN)
    assert vain is not None  # noqa: S101 - a filter of ours
    return [
        start.cast(pl.Int64).fill_null(0).alias("start"),
        last.cast(pl.Int64).fill_null(0).alias("last_seen"),
        lost.fill_null(0).clip(0, SMALL).cast(pl.UInt32).alias("lost"),
        (latency.fill_null(0) / 1e9).cast(pl.Float32).alias("latency"),
        polars(expression(vain)).fill_null(value=False).cast(pl.UInt8).alias(VAIN),
        *(pl.col(name) for name in (*COUNTERS, *RAW, IDENTITY)),
    ]


def _texts() -> dict[str, pl.Expr]:
    plain = Style(port_names=False)
    texts = {name: text_of(name, plain) for names in DOMAINS.values() for name in names if name != "service"}
    proto = printable("proto").text(plain)
    with_port = pl.concat_str([proto, pl.lit("/"), pl.col("dst_port").cast(pl.String)])
    texts["service"] = pl.when(proto.is_in(WITH_PORTS)).then(with_port).otherwise(proto)
    return {**texts, **{name: _told(side) for name, side in TOLD_OF.items()}}


def _told(side: str) -> pl.Expr:
    """Return all of SAID that labels say of a side as one text, none where they say nothing."""
    parts = [polars(col(LABELS).label(f"{side}{name}")).fill_null("") for name in SAID]
    said = pl.any_horizontal(part != "" for part in parts)
    return pl.when(said).then(pl.concat_str(parts, separator=BETWEEN))


def text_of(name: str, style: Style) -> pl.Expr:
    """Return a field as text; names of hosts as labels have them, for nobody is to be asked for them here."""
    known = printable(name)
    return known.value() if name in {"sname", "dname"} else known.text(style)


def _span(frame: pl.DataFrame) -> tuple[int, int]:
    known = frame.filter(pl.col("start") > 0)
    if not known.height:
        return 0, 0
    return known.select(pl.col("start").min(), pl.col("last_seen").max()).row(0)


def _shrunk(column: pl.Series) -> pl.Series:
    """Return counters in four bytes where they fit."""
    if column.name not in COUNTERS or not len(column):
        return column
    return column.cast(pl.UInt32 if (column <= SMALL).all() else pl.Int64)


def _is_of_labels(text: pl.Expr) -> bool:
    return set(text.meta.root_names()) <= {LABELS}


def _texts_coded(
    raw: pl.DataFrame, texts: dict[str, pl.Expr], known: pl.DataFrame, places: pl.Series
) -> tuple[dict[str, list[str]], dict[str, pl.Series]]:
    """Return the words of each domain, and a column of codes for each text.

    Many flows have the same labels, and to take them apart is dear: it is done once for each that is `known`.
    """
    words, coded = dict[str, list[str]](), dict[str, pl.Series]()
    for domain, names in KEPT.items():
        of_labels = all(_is_of_labels(texts[name]) for name in names)
        made = (known if of_labels else raw).select(texts[name].alias(name) for name in names)
        words[domain], codes = _coded([made[name] for name in names])
        coded |= zip(names, [code.gather(places) for code in codes] if of_labels else codes, strict=True)
    return words, coded


def _coded(texts: list[pl.Series]) -> tuple[list[str], list[pl.Series]]:
    """Return the distinct values of columns, none first, and the columns as codes of them."""
    every = pl.concat([text.rename("text") for text in texts]).cast(pl.String).fill_null(NONE)
    known = every.unique()
    known = pl.concat([pl.Series("text", [NONE]), known.filter(known != NONE).sort()])
    codes = pl.DataFrame({"text": known, "code": pl.int_range(len(known), eager=True).cast(pl.UInt32)})
    coded = every.to_frame().join(codes, on="text", how="left", maintain_order="left")["code"]
    size = len(texts[0])
    return known.to_list(), [coded.slice(place * size, size) for place in range(len(texts))]
