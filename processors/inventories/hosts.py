"""Who talked with whom: hosts, with their peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from processors.inventories.series import address_ranges
from processors.inventories.sums import Sums, merged
from topics.expression.polars import polars
from topics.fields.columns import ARP_TYPE, is_ip

if TYPE_CHECKING:
    from collections.abc import Iterable

OTHER = {"src": "dst", "dst": "src"}
COUNTED = ("packets", "bytes")
TIMES = {"first": "min", "last": "max"}
NOBODY = (bytes(16), bytes(10) + b"\xff\xff" + bytes(4))
FIGURES = {
    **dict.fromkeys(("began", "records", "sent_packets", "sent_bytes", "got_packets", "got_bytes"), "sum"),
    **TIMES,
}


def with_addresses() -> pl.Expr:
    """Tell which records are between IP addresses: those of IP, and ARP, which names some of IPv4."""
    named = polars(is_ip()) | (pl.col("ethertype") == ARP_TYPE)
    return named & ~pl.any_horizontal(pl.col(f"{side}_address").is_in(NOBODY) for side in OTHER)


def columns() -> set[str]:
    """Return the columns of records that `talks` takes."""
    found = {f"{side}_{name}" for side in OTHER for name in ("address", *COUNTED, *TIMES)}
    return found | set(with_addresses().meta.root_names())


def talks(pieces: Iterable[pl.LazyFrame], *, sources: bool) -> pl.DataFrame:
    """Return a row for each host and peer: columns `host`, `peer` and FIGURES.

    A host is whoever sent a packet; with `sources` the source of each record and nobody else, as in Argus's rahosts.
    """
    values = {f"{side}_{name}": "sum" for side in OTHER for name in COUNTED}
    values |= {f"{side}_{time}": rule for side in OTHER for time, rule in TIMES.items()} | {"records": "sum"}
    sums = Sums(("src_address", "dst_address"), values)
    for piece in pieces:
        sums.add(piece.filter(with_addresses()).with_columns(pl.lit(1, pl.Int64).alias("records")))
    pairs = sums.frame()
    if sources:
        return pairs.select(_seen_from("src"))
    sent = (pairs.filter(pl.col(f"{side}_packets") > 0).select(_seen_from(side)) for side in OTHER)
    return pl.concat(sent).group_by("host", "peer").agg(merged(FIGURES))


def _seen_from(side: str) -> list[pl.Expr]:
    other = OTHER[side]
    figures = {
        "host": pl.col(f"{side}_address"),
        "peer": pl.col(f"{other}_address"),
        "began": pl.col("records") if side == "src" else pl.lit(0, pl.Int64),
        "records": pl.col("records"),
        **{f"sent_{name}": pl.col(f"{side}_{name}") for name in COUNTED},
        **{f"got_{name}": pl.col(f"{other}_{name}") for name in COUNTED},
        "first": pl.min_horizontal("src_first", "dst_first"),
        "last": pl.max_horizontal("src_last", "dst_last"),
    }
    return [value.alias(name) for name, value in figures.items()]


def hosts(talked: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each host in the order of addresses: `host`, `peers` (how many), `with` (which) and FIGURES."""
    figures = talked.group_by("host").agg(merged(FIGURES))
    peers = address_ranges(talked, ["host"], "peer").rename({"count": "peers", "ranges": "with"})
    return figures.join(peers, on="host").sort("host")
