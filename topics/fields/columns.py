"""Expressions that several fields are made of, over a frame with the columns of topics/frame.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics.address_text import IP_ETHERTYPES
from topics.fields.formats import SECOND
from topics.flags import Encapsulation, FlowFlags

if TYPE_CHECKING:
    from collections.abc import Callable

ICMP, TCP, UDP, ESP, ICMPV6 = 1, 6, 17, 50, 58
IPV4_TYPE, ARP_TYPE, RARP_TYPE, IPV6_TYPE = 0x0800, 0x0806, 0x8035, 0x86DD
LLC_LIMIT = 1536  # an ethertype below is a length, and what follows it is LLC
WLAN = 0x0019  # what the probe puts for 802.11 frames, which have no ethertype
WITH_PORTS = (TCP, UDP, 33, 132, 136)  # DCCP, SCTP and UDP-Lite have ports too, though Argus does not show them


def side_column(side: str, name: str) -> pl.Expr:
    """Return the column that holds a fact of one direction."""
    return pl.col(f"{side}_{name}")


def total(name: str) -> pl.Expr:
    """Return the sum of both directions."""
    return side_column("src", name) + side_column("dst", name)


def is_tcp() -> pl.Expr:
    """Tell which records are of TCP."""
    return pl.col("protocol") == TCP


def is_ip() -> pl.Expr:
    """Tell which records are of IPv4 or IPv6."""
    return pl.col("ethertype").is_in([IPV4_TYPE, IPV6_TYPE]) & ~is_link()


def has(column: pl.Expr, bits: int) -> pl.Expr:
    """Tell whether any of these bits is set."""
    return column & int(bits) != 0


def is_llc() -> pl.Expr:
    """Tell which records are of LLC frames without an ethertype: the column holds their DSAP and SSAP.

    Those are equal but for their lowest bits in nearly all frames, which tells them from the ethertypes of SNAP.
    """
    points = pl.col("ethertype")
    encapsulated = has(pl.col("src_encapsulations") | pl.col("dst_encapsulations"), Encapsulation.LLC)
    alike = points // 256 // 2 == points % 256 // 2
    return encapsulated & ((points < LLC_LIMIT) | alike) & (points != IPV4_TYPE)


def is_link() -> pl.Expr:
    """Tell which records are layer 2 flows: with MAC addresses, like those of packets whose IP header is broken."""
    unread = FlowFlags.MALFORMED | FlowFlags.HEADER_NOT_CAPTURED
    broken = (pl.col("protocol") == 0) & (has(pl.col("flow_flags"), unread))
    return broken | is_llc() | ~pl.col("ethertype").is_in([*IP_ETHERTYPES, 0])  # 0: merged over several


def sent(side: str) -> pl.Expr:
    """Tell whether a direction has packets."""
    return side_column(side, "packets") > 0


def where(condition: pl.Expr, value: pl.Expr) -> pl.Expr:
    """Return the value where the condition holds, null elsewhere: left blank."""
    return pl.when(condition).then(value)


def of_ip(side: str, name: str) -> pl.Expr:
    """Return a fact of the IP header, blank in a direction without IP packets."""
    known = (is_ip() & sent(side)) | (side_column(side, "ttl") > 0)  # a merge may have lost the ethertype
    return where(known, side_column(side, name))


def of_tcp(side: str, name: str) -> pl.Expr:
    """Return a fact of the TCP header, blank in a direction without TCP segments."""
    return where(sent(side) & is_tcp(), side_column(side, name))


def side_nanoseconds(side: str) -> pl.Expr:
    """Return how long a direction lasted, ns; 0 without packets."""
    return (side_column(side, "last") - side_column(side, "first")).cast(pl.Int64).fill_null(0)


def start() -> pl.Expr:
    """Return the time of the first packet of either direction."""
    return pl.min_horizontal("src_first", "dst_first")


def end() -> pl.Expr:
    """Return the time of the last packet of either direction."""
    return pl.max_horizontal("src_last", "dst_last")


def nanoseconds() -> pl.Expr:
    """Return how long the record lasted, ns."""
    return (end() - start()).cast(pl.Int64).fill_null(0)


def divided(value: pl.Expr, by: pl.Expr) -> pl.Expr:
    """Return a quotient, 0 where it is not defined."""
    return pl.when(by > 0).then(value / by).otherwise(0.0)


def per_second(value: pl.Expr, duration: pl.Expr) -> pl.Expr:
    """Return a value by seconds of a duration in ns, 0 when that is nothing."""
    return divided(value * SECOND, duration)


def of(expression: Callable[..., pl.Expr], *arguments: str) -> Callable[[], pl.Expr]:
    """Return a function that builds an expression from these arguments."""
    return lambda: expression(*arguments)
