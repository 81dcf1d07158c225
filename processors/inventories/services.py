"""Which ports hosts offer: who was talked to, whether it answered, and how many clients it had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from processors.inventories.series import number_ranges
from processors.inventories.sums import Sums, merged
from topics.expression import col
from topics.expression.polars import polars
from topics.fields.columns import TCP, WITH_PORTS, is_ip
from topics.flags import TcpState

if TYPE_CHECKING:
    from collections.abc import Iterable

RESET = TcpState.SRC_RESET | TcpState.DST_RESET
FIGURES = dict.fromkeys(("records", "answered", "refused", "packets", "bytes"), "sum") | {"first": "min", "last": "max"}
KEY = ("host", "protocol", "port")
OPEN, REFUSED, SILENT = "open", "refused", "silent"
NEW, GONE, KEPT = "new", "gone", "kept"
COUNTED = ("packets", "bytes")


def is_answered() -> pl.Expr:
    """Tell which records show that somebody is there: TCP accepted or sent data, all others sent a packet."""
    accepted = polars(col("tcp_state").has(TcpState.SYN_ACK))

    def by(side: str) -> pl.Expr:
        return (pl.col(f"{side}_packets") > 0) & (accepted | (pl.col(f"{side}_app_bytes") > 0))

    server = pl.when(_is_turned()).then(by("src")).otherwise(by("dst"))
    return pl.when(pl.col("protocol") == TCP).then(server).otherwise(pl.col("dst_packets") > 0)


def _refused() -> pl.Expr:
    """Tell which records show that nobody is: reset, or said by ICMP to be unreachable."""
    is_reset = (pl.col("protocol") == TCP) & polars(col("tcp_state").has(RESET))
    return ~is_answered() & (is_reset | (pl.col("icmp_error") > 0))


def _with_ports() -> pl.Expr:
    return polars(is_ip()) & pl.col("protocol").is_in(WITH_PORTS)


def columns() -> set[str]:
    """Return the columns of records that `services` takes."""
    needed = {name for value in (_refused(), _with_ports()) for name in value.meta.root_names()}
    sides = {f"{side}_{name}" for side in ("src", "dst") for name in ("address", "port", *COUNTED, "first", "last")}
    return needed | sides


def services(pieces: Iterable[pl.LazyFrame], *, of_clients: bool = False) -> pl.DataFrame:
    """Return a row for each host, protocol and port, in this order: KEY, `clients`, `state` and FIGURES.

    The host and port are those of the destination, of the source where they are `of_clients`; then `clients` counts
    the servers.
    """
    ours, theirs = ("src", "dst") if of_clients else ("dst", "src")
    sums = Sums((*KEY, "client"), FIGURES)
    for piece in pieces:
        sums.add(piece.filter(_with_ports()).select(_seen(ours, theirs)))
    figures = [pl.len().cast(pl.Int64).alias("clients"), *merged(FIGURES)]
    found = sums.frame().lazy().group_by(KEY).agg(figures).with_columns(_state().alias("state"))
    return found.sort(KEY).collect()


def _is_turned() -> pl.Expr:
    """Tell which records of TCP do not know who began, and have a packet of the server first: it has the lower port."""
    amidst = (pl.col("protocol") == TCP) & ~polars(col("tcp_state").has(TcpState.SYN))
    return amidst & (pl.col("src_port") < pl.col("dst_port"))


def _seen(ours: str, theirs: str) -> list[pl.Expr]:
    def of(side: str, name: str) -> pl.Expr:
        other = {"src": "dst", "dst": "src"}[side]
        return pl.when(_is_turned()).then(pl.col(f"{other}_{name}")).otherwise(pl.col(f"{side}_{name}"))

    figures = {
        "host": of(ours, "address"),
        "protocol": pl.col("protocol"),
        "port": of(ours, "port"),
        "client": of(theirs, "address"),
        "records": pl.lit(1, pl.Int64),
        "answered": is_answered().cast(pl.Int64),
        "refused": _refused().cast(pl.Int64),
        **{name: pl.col(f"src_{name}") + pl.col(f"dst_{name}") for name in COUNTED},
        "first": pl.min_horizontal("src_first", "dst_first"),
        "last": pl.max_horizontal("src_last", "dst_last"),
    }
    return [value.alias(name) for name, value in figures.items()]


def _state() -> pl.Expr:
    is_refused = pl.when(pl.col("refused") > 0).then(pl.lit(REFUSED)).otherwise(pl.lit(SILENT))
    return pl.when(pl.col("answered") > 0).then(pl.lit(OPEN)).otherwise(is_refused)


def compared(now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Return services of both, those of `now` where they are in both, with `change`: new, gone or kept."""
    known = before.select(KEY).with_columns(pl.lit(KEPT).alias("change"))
    here = now.join(known, on=KEY, how="left").with_columns(pl.col("change").fill_null(NEW))
    gone = before.join(now, on=KEY, how="anti").with_columns(pl.lit(GONE).alias("change"))
    return pl.concat([here, gone]).sort(KEY)


def by_host(found: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each host and protocol: how many services (`count`), and which (`ports`)."""
    listed = number_ranges(found, KEY[:2], "port").rename({"ranges": "ports"})
    times = found.group_by(KEY[:2]).agg(merged({"records": "sum", "bytes": "sum", "first": "min", "last": "max"}))
    return listed.join(times, on=KEY[:2]).sort(KEY[:2])
