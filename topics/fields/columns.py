"""Values that several fields are made of, over the columns of topics/frame.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.address_text import IP_ETHERTYPES
from topics.expression import col, greatest, least, when
from topics.fields.formats import SECOND
from topics.flags import Encapsulation, FlowFlags

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.expression import Value

ICMP, TCP, UDP, ESP, ICMPV6 = 1, 6, 17, 50, 58
IPV4_TYPE, ARP_TYPE, RARP_TYPE, IPV6_TYPE = 0x0800, 0x0806, 0x8035, 0x86DD
LLC_LIMIT = 1536  # an ethertype below is a length, and what follows it is LLC
WLAN = 0x0019  # what the probe puts for 802.11 frames, which have no ethertype
WITH_PORTS = (TCP, UDP, 33, 132, 136)  # DCCP, SCTP and UDP-Lite have ports too, though Argus does not show them


def side_column(side: str, name: str) -> Value:
    """Return the column that holds a fact of one direction."""
    return col(f"{side}_{name}")


def total(name: str) -> Value:
    """Return the sum of both directions."""
    return side_column("src", name) + side_column("dst", name)


def is_tcp() -> Value:
    """Tell which records are of TCP."""
    return col("protocol") == TCP


def is_ip() -> Value:
    """Tell which records are of IPv4 or IPv6."""
    return col("ethertype").is_in([IPV4_TYPE, IPV6_TYPE]) & ~is_link()


def is_llc() -> Value:
    """Tell which records are of LLC frames without an ethertype: the column holds their DSAP and SSAP.

    Those are equal but for their lowest bits in nearly all frames, which tells them from the ethertypes of SNAP.
    """
    points = col("ethertype")
    encapsulated = col("src_encapsulations").has(Encapsulation.LLC) | col("dst_encapsulations").has(Encapsulation.LLC)
    alike = points // 256 // 2 == points % 256 // 2
    return encapsulated & ((points < LLC_LIMIT) | alike) & (points != IPV4_TYPE)


def is_link() -> Value:
    """Tell which records are layer 2 flows: with MAC addresses, like those of packets whose IP header is broken."""
    unread = FlowFlags.MALFORMED | FlowFlags.HEADER_NOT_CAPTURED
    broken = (col("protocol") == 0) & col("flow_flags").has(unread)
    return broken | is_llc() | ~col("ethertype").is_in([*IP_ETHERTYPES, 0])  # 0: merged over several


def sent(side: str) -> Value:
    """Tell whether a direction has packets."""
    return side_column(side, "packets") > 0


def where(condition: Value, value: Value) -> Value:
    """Return the value where the condition holds, null elsewhere: left blank."""
    return when(condition).then(value)


def of_ip(side: str, name: str) -> Value:
    """Return a fact of the IP header, blank in a direction without IP packets."""
    known = (is_ip() & sent(side)) | (side_column(side, "ttl") > 0)  # a merge may have lost the ethertype
    return where(known, side_column(side, name))


def side_nanoseconds(side: str) -> Value:
    """Return how long a direction lasted, ns; 0 without packets."""
    return (side_column(side, "last") - side_column(side, "first")).or_else(0)


def start() -> Value:
    """Return the time of the first packet of either direction."""
    return least(col("src_first"), col("dst_first"))


def end() -> Value:
    """Return the time of the last packet of either direction."""
    return greatest(col("src_last"), col("dst_last"))


def nanoseconds() -> Value:
    """Return how long the record lasted, ns."""
    return (end() - start()).or_else(0)


def divided(value: Value, by: Value) -> Value:
    """Return a quotient, 0 where it is not defined."""
    return when(by > 0).then(value / by).otherwise(0.0)


def per_second(value: Value, duration: Value) -> Value:
    """Return a value by seconds of a duration in ns, 0 when that is nothing."""
    return divided(value * float(SECOND), duration)


def of(expression: Callable[..., Value], *arguments: str) -> Callable[[], Value]:
    """Return a function that builds a value from these arguments."""
    return lambda: expression(*arguments)


def labelled(key: str) -> Callable[[], Value]:
    """Return a function that builds what the labels of a record say of a key."""
    return lambda: col("labels").label(key)
