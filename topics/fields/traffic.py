"""How much: packets, bytes, rates, loss and sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics.fields.columns import (
    divided,
    is_tcp,
    nanoseconds,
    of,
    per_second,
    sent,
    side_column,
    side_nanoseconds,
    total,
    where,
)
from topics.fields.field import SIDES, Field, both
from topics.fields.formats import FRACTION, INTEGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BITS = 8


def _counted(name: str, title: str, widths: tuple[int, int], column: str) -> Iterator[Field]:
    """Yield the total of both directions and each of them."""
    yield Field(name, f"Tot{title}", widths[0], of(total, column), INTEGER)
    yield from both(f"{{s}}{name}", f"{{Src}}{title}", widths[1], lambda side: side_column(side, column), INTEGER)


def _of_side_or_whole(side: str) -> pl.Expr:
    """Return how long a direction lasted, where it is one packet how long the record did; ns."""
    own = side_nanoseconds(side)
    return pl.when(own > 0).then(own).otherwise(nanoseconds())


def _load(side: str) -> pl.Expr:
    """Bits per second of a direction.

    Argus leaves the first packet out, since nothing is known of the time before it, and counts its bytes as the mean;
    merged records are bytes by duration.
    """
    packets, octets = side_column(side, "packets"), side_column(side, "bytes")
    later = pl.when(packets > 1).then(octets - octets // packets.clip(1)).otherwise(0)
    alone = per_second(later * BITS, _of_side_or_whole(side))
    return pl.when(pl.col("records") == 1).then(alone).otherwise(per_second(octets * BITS, nanoseconds()))


def _both_loads() -> pl.Expr:
    amounts = [_load(side) * _of_side_or_whole(side) for side in SIDES]
    return divided(amounts[0] + amounts[1], nanoseconds())


def _rate(packets: pl.Expr, duration: pl.Expr) -> pl.Expr:
    """Packets per second; n packets are n - 1 intervals."""
    return per_second((packets - 1).clip(0), duration)


def _percent(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return divided(part * 100, whole)


def _lost(lost: Callable[[str], pl.Expr], packets: Callable[[str], pl.Expr]) -> pl.Expr:
    return _percent(lost("lost_packets"), packets("packets") + lost("lost_packets"))


def _app_ratio() -> pl.Expr:
    """Who produces and who consumes: 1 when all application bytes come from the source, -1 from the destination."""
    difference = side_column("src", "app_bytes") - side_column("dst", "app_bytes")
    return divided(difference, total("app_bytes"))


def _side(side: str) -> Callable[[str], pl.Expr]:
    return lambda name: side_column(side, name)


def _percent_lost(side: str) -> pl.Expr:
    return where(sent(side), _lost(_side(side), _side(side))).fill_null(0.0)


def _transfer(side: str) -> pl.Expr:
    return divided(side_column(side, "app_bytes"), side_column(side, "bytes"))


FIELDS = (
    *_counted("pkts", "Pkts", (8, 8), "packets"),
    *_counted("bytes", "Bytes", (10, 12), "bytes"),
    Field("appbytes", "TotAppByte", 10, of(total, "app_bytes"), INTEGER),
    *both("{s}appbytes", "{S}AppBytes", 12, lambda side: side_column(side, "app_bytes"), INTEGER),
    Field("load", "Load", 8, _both_loads, FRACTION),
    *both("{s}load", "{Src}Load", 8, _load, FRACTION),
    Field("rate", "Rate", 12, lambda: _rate(total("packets"), nanoseconds()), FRACTION),
    *both(
        "{s}rate", "{Src}Rate", 12, lambda side: _rate(side_column(side, "packets"), _of_side_or_whole(side)), FRACTION
    ),
    Field("loss", "Loss", 10, of(total, "lost_packets"), INTEGER),
    *both("{s}loss", "{Src}Loss", 10, lambda side: side_column(side, "lost_packets"), INTEGER),
    Field("ploss", "pLoss", 8, lambda: _lost(total, total), FRACTION),
    *both("{s}ploss", "p{Src}Loss", 10, _percent_lost, FRACTION),
    Field("retrans", "Retrans", 7, of(total, "retransmitted_packets"), INTEGER),
    *both("{s}retrans", "{Src}Retra", 8, lambda side: side_column(side, "retransmitted_packets"), INTEGER),
    Field("pretrans", "pRetran", 7, lambda: _percent(total("retransmitted_packets"), total("packets")), FRACTION),
    *both(
        "{s}pretrans",
        "p{Src}Retr",
        8,
        lambda side: _percent(side_column(side, "retransmitted_packets"), side_column(side, "packets")),
        FRACTION,
    ),
    Field("abr", "ABRatio", 10, _app_ratio, FRACTION),
    Field("pcr", "PCRatio", 10, _app_ratio, FRACTION),
    Field("tf", "TF", 12, lambda: divided(total("app_bytes"), total("bytes")), FRACTION),
    *both("{s}tf", "{S}TF", 12, _transfer, FRACTION),
    *both(
        "{s}meansz",
        "{s}MeanPktSz",
        12,
        lambda side: divided(side_column(side, "bytes"), side_column(side, "packets")),
        FRACTION,
    ),
    *both("{s}maxsz", "{s}MaxPktSz", 12, lambda side: where(sent(side), side_column(side, "size_max")), INTEGER),
    *both("{s}minsz", "{s}MinPktSz", 12, lambda side: where(sent(side), side_column(side, "size_min")), INTEGER),
    *both("{s}gap", "{Src}Gap", 8, lambda side: where(is_tcp(), side_column(side, "gap_bytes")), INTEGER),
)
