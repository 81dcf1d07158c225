"""Flows held against an access list: which line each meets, how often each was met, and what that is as a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from processors.inventories.matching import matching
from processors.inventories.sums import Sums
from topics.expression.polars import polars
from topics.fields.columns import is_ip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from processors.access_lists import Entry
    from processors.inventories.sums import Schema

IPV4 = 0x0800
IMPLICIT = 0  # the line that no list shows: what none permits is denied
PLACE = "place"
FIGURES = dict.fromkeys(("records", "packets", "bytes"), "sum") | {"first": "min", "last": "max"}
HITS: Schema = {
    "line": pl.Int64,
    "list": pl.String,
    "action": pl.String,
    **dict.fromkeys(("records", "packets", "bytes"), pl.Int64),
    **dict.fromkeys(("first", "last"), pl.Datetime("ns", "UTC")),
    "rule": pl.String,
    "filter": pl.String,
}
FIGURED = {
    "records": pl.lit(1, pl.Int64),
    "packets": pl.col("src_packets") + pl.col("dst_packets"),
    "bytes": pl.col("src_bytes") + pl.col("dst_bytes"),
    "first": pl.min_horizontal("src_first", "dst_first"),
    "last": pl.max_horizontal("src_last", "dst_last"),
}


def place(entries: Sequence[Entry]) -> pl.Expr:
    """Return the place, from 1 on, of the first entry that a flow meets: IMPLICIT for none, null where it is not IPv4.

    As in Argus's rapolicy a flow is judged once, as it was begun.
    """
    met: pl.Expr = pl.lit(IMPLICIT, pl.Int32)
    choices = [
        pl.when(matching(entry.filter)).then(pl.lit(number, pl.Int32)) for number, entry in enumerate(entries, 1)
    ]
    met = pl.coalesce(*choices, met)
    return pl.when((pl.col("ethertype") == IPV4) & polars(is_ip())).then(met).alias(PLACE)


def columns(entries: Sequence[Entry]) -> set[str]:
    """Return the columns of records that `hits` takes."""
    return {name for value in (place(entries), *FIGURED.values()) for name in value.meta.root_names()}


def hits(pieces: Iterable[pl.LazyFrame], entries: Sequence[Entry]) -> pl.DataFrame:
    """Return a row for each entry in order, met or not, and for the implicit denial: the columns HITS."""
    sums, met = Sums((PLACE,), FIGURES), place(entries)
    for piece in pieces:
        sums.add(piece.select(met, *(value.alias(name) for name, value in FIGURED.items())))
    rows = [
        {"place": number, "line": entry.line, "list": entry.name, "action": action(entry), "rule": entry.text}
        | {"filter": entry.filter}
        for number, entry in enumerate(entries, 1)
    ]
    name = entries[-1].name if entries else ""
    rows.append({"place": IMPLICIT, "list": name, "action": "deny", "rule": "(implicit)", "filter": "ip"})
    known = pl.DataFrame(rows, schema={PLACE: pl.Int32} | {name: HITS[name] for name in HITS if name not in FIGURES})
    counted = known.join(sums.frame(), on=PLACE, how="left", maintain_order="left")
    return counted.select(pl.col("records", "packets", "bytes").fill_null(0), pl.exclude("records", "packets", "bytes"))


def action(entry: Entry) -> str:
    """Return what an entry does, as a word."""
    return "permit" if entry.permits else "deny"


def label(entries: Sequence[Entry], *, logged: bool, implicit: bool) -> pl.Expr:
    """Return the label of a record by its PLACE, written as rapolicy does: `ACL=Permit_100_Line_0001`.

    With `logged` only entries that log have one; with `implicit` what no entry meets has one.
    """
    texts = {
        number: f"ACL={action(entry).title()}_{entry.name}_Line_{entry.line:04}"
        for number, entry in enumerate(entries, 1)
        if entry.logs or not logged
    }
    if implicit:
        texts[IMPLICIT] = f"ACL=ImplicitDeny_{entries[-1].name if entries else ''}"
    return pl.col(PLACE).replace_strict(texts, default=None, return_dtype=pl.String)


def labelled(frame: pl.DataFrame, new: pl.Expr) -> pl.DataFrame:
    """Return records with a label more, after those that they have, without their PLACE."""
    old = pl.when(pl.col("labels") != "").then("labels")
    joined = pl.concat_str(old, new, separator=":", ignore_nulls=True).fill_null("")
    return frame.with_columns(joined.alias("labels")).drop(PLACE)


def permitted(entries: Sequence[Entry]) -> pl.Expr:
    """Tell by its PLACE which records an access list permits; null where it judges none."""
    places = [number for number, entry in enumerate(entries, 1) if entry.permits]
    return pl.col(PLACE).is_in(places)


def logged(entries: Sequence[Entry]) -> pl.Expr:
    """Tell by its PLACE which records meet an entry that logs; null where an access list judges none."""
    return pl.col(PLACE).is_in([number for number, entry in enumerate(entries, 1) if entry.logs])
