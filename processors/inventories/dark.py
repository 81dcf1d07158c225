"""Dark space: who sent to addresses of a network from which nothing was heard. As Argus's radark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from processors.inventories.matching import matching
from processors.inventories.series import address_ranges
from processors.inventories.sums import Sums, merged
from topics.expression import any_of, col
from topics.expression.polars import polars

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from ipaddress import IPv4Network, IPv6Network

FIGURES = dict.fromkeys(("records", "packets", "bytes"), "sum") | {"first": "min", "last": "max"}
PAIR = ("scanner", "target")


def columns(match: str) -> set[str]:
    """Return the columns of records that `dark` takes."""
    sides = {f"{side}_{name}" for side in ("src", "dst") for name in ("address", "packets", "bytes", "first", "last")}
    return sides | set(matching(match).meta.root_names())


def dark(
    pieces: Iterable[pl.LazyFrame], match: str, networks: Sequence[IPv4Network | IPv6Network], *, outside: bool
) -> pl.DataFrame:
    """Return who sent to dark addresses of `networks`, most of them first.

    `match` is the filter of the unanswered: dark is an address to which only such records went, and from which none
    came. With `outside` only scanners that are not of the networks count. Columns: `scanner` (text), `dark` (how many
    addresses), `hosts` (all of the networks that it sent to), `answered` (those that answered), FIGURES of what went to
    dark addresses, and `which` these are.
    """
    sums = Sums(PAIR, FIGURES | {"answered": "sum", "sent": "sum"})
    silent = matching(match)
    for piece in pieces:
        sums.add(piece.select(_touches(silent)))
    pairs = sums.frame().with_columns(_within("scanner", networks), _within("target", networks))
    heard = pl.concat([pairs.filter(pl.col("sent") > 0)["scanner"], pairs.filter(pl.col("answered") > 0)["target"]])
    touched = pairs.filter(pl.col("target in") & ~(pl.col("scanner in") & pl.lit(outside)))
    unheard = touched.filter((pl.col("records") > 0) & ~pl.col("target").is_in(heard.unique().implode()))
    reached = touched.group_by("scanner").agg(
        pl.len().cast(pl.Int64).alias("hosts"), (pl.col("answered") > 0).sum().cast(pl.Int64).alias("answered")
    )
    found = unheard.group_by("scanner").agg(merged(FIGURES)).join(reached, on="scanner")
    which = address_ranges(unheard, ["scanner"], "target").rename({"count": "dark", "ranges": "which"})
    return found.join(which, on="scanner").sort("dark", "scanner", descending=[True, False])


def _touches(silent: pl.Expr) -> list[pl.Expr]:
    """Return who sent to whom; the figures are those of silent records alone."""
    figures = {
        "records": pl.lit(1, pl.Int64),
        **{name: pl.col(f"src_{name}") for name in ("packets", "bytes")},
    }
    times = {"first": "src_first", "last": "src_last"}
    return [
        pl.col("src_address").alias("scanner"),
        pl.col("dst_address").alias("target"),
        (pl.col("dst_packets") > 0).cast(pl.Int64).alias("answered"),
        (pl.col("src_packets") > 0).cast(pl.Int64).alias("sent"),
        *(pl.when(silent).then(value).otherwise(0).alias(name) for name, value in figures.items()),
        *(pl.when(silent).then(pl.col(value)).alias(name) for name, value in times.items()),
    ]


def _within(name: str, networks: Sequence[IPv4Network | IPv6Network]) -> pl.Expr:
    return polars(any_of(col(name).ip_within(network) for network in networks)).alias(f"{name} in")
