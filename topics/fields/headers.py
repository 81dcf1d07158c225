"""What the headers said: IP, VLAN, MPLS, TCP, encapsulation."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import polars as pl

from topics.expression import Value, col, concat, lit, when
from topics.fields.columns import is_tcp, of_ip, sent, side_column, total, where
from topics.fields.field import Field, Format, both
from topics.fields.formats import COUNT, HEXADECIMAL, INTEGER, SECONDS, WORD
from topics.fields.names import ENCAPSULATION_LETTERS, code_points
from topics.flags import Encapsulation, TcpOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from topics.fields.style import Style

VLAN_ID = 0x0FFF
PRIORITY_SHIFT = 2**13
LABEL_SHIFT = 2**12
TCP_OPTION_LETTERS = "MwsSeETcNOSD"


def letters(column: Value, marks: Iterable[tuple[int, str]], absent: str = "") -> Value:
    """Return one letter for each bit that is set, `absent` for each that is not."""
    return concat(*(when(column.has(bit)).then(mark).otherwise(absent) for bit, mark in marks))


def _tagged(side: str) -> Value:
    return sent(side) & (side_column(side, "encapsulations").has(Encapsulation.VLAN) | (side_column(side, "vlan") > 0))


def _vlan(side: str) -> Value:
    return where(_tagged(side), side_column(side, "vlan"))


def _priority(side: str) -> Value:
    return _vlan(side) // PRIORITY_SHIFT


def _priority_text(priority: pl.Expr, _: Style, __: int) -> pl.Expr:
    """Leave the lowest priority blank, as Argus does."""
    return pl.when(priority > 0).then(priority.cast(pl.String))


def _label(side: str) -> Value:
    entry = side_column(side, "mpls")
    return where(sent(side) & (entry > 0), entry // LABEL_SHIFT)


def _code_point_text(point: pl.Expr, style: Style, _: int) -> pl.Expr:
    number = point.cast(pl.String)
    if not style.protocol_names:
        return number
    return point.replace_strict(code_points(), default=number, return_dtype=pl.String)


def _hops(side: str) -> Value:
    """How far away the sender is: what is missing to the power of two its TTL probably started from."""
    ttl = of_ip(side, "ttl")
    begun = reduce(
        lambda least, power: when(ttl <= power).then(power).otherwise(least),
        (128, 64, 32, 16, 8, 4, 2, 1),
        lit(256),
    )
    return where(ttl.known(), begun - ttl)


def _window(side: str) -> Value:
    """Return the last window; of a flow of one packet, whose scale nobody told, Argus prints 0."""
    lone = (total("packets") == 1) & (col("status_sequence") == 0)
    window = when(lone).then(0).otherwise(side_column(side, "window"))
    return where(sent(side) & is_tcp(), window)


def _base(side: str) -> Value:
    base = side_column(side, "base_sequence")
    return where(is_tcp() & (base != 0), base)


def _options() -> Value:
    marks = [(TcpOptions.MSS << place, letter) for place, letter in enumerate(TCP_OPTION_LETTERS)]
    return letters(col("tcp_options"), marks, absent=" ")


def _encapsulations(side: str) -> Value:
    return letters(side_column(side, "encapsulations"), ENCAPSULATION_LETTERS.items())


def _round_trip() -> Value:
    """Of both ways; half of it, seen from the SYN-ACK on, is none (Argus prints 0, too)."""
    return when(col("syn_ack_time") > 0).then(col("syn_ack_time") + col("ack_data_time")).otherwise(0)


def _of_tunnel(_: str) -> Value:
    return where(col("tunnel_kind") > 0, col("tunnel_id"))


def _announced(side: str) -> Value:
    return where(is_tcp() & (side_column(side, "mss") > 0), side_column(side, "mss"))


FIELDS = (
    *both("{s}tos", "{s}Tos", 5, lambda side: of_ip(side, "tos"), INTEGER, "IP type of service of the {source}"),
    *both(
        "{s}dsb",
        "{s}DSb",
        5,
        lambda side: of_ip(side, "tos") // 4,
        Format(_code_point_text, holds="number"),
        "DiffServ code point of the {source}",
    ),
    *both("{s}ttl", "{s}Ttl", 4, lambda side: of_ip(side, "ttl"), INTEGER, "IP TTL or hop limit from the {source}"),
    *both("{s}hops", "{s}Hops", 5, _hops, INTEGER, "Estimated hops to the {source}, by its TTL"),
    *both("{s}ipid", "{s}IpId", 7, lambda side: of_ip(side, "ip_id"), HEXADECIMAL, "IP identification of the {source}"),
    *both("{s}mpls", "{s}Mpls", 8, _label, INTEGER, "Outermost MPLS label from the {source}"),
    *both("{s}vlan", "{s}Vlan", 8, _vlan, HEXADECIMAL, "Outermost 802.1Q tag from the {source}"),
    *both("{s}vid", "{s}Vid", 6, lambda side: _vlan(side).bits(VLAN_ID), INTEGER, "VLAN id from the {source}"),
    *both(
        "{s}vpri", "{s}Vpri", 6, _priority, Format(_priority_text, holds="number"), "VLAN priority from the {source}"
    ),
    *both("{s}enc", "{s}Enc", 12, _encapsulations, WORD, "Letters of the encapsulations seen from the {source}"),
    *both(
        "{s}win",
        "{Src}Win",
        6,
        _window,
        COUNT,
        "Last TCP window of the {source}, scaled, bytes; 0 of a flow of one packet, as in Argus",
    ),
    *both("{s}tcpb", "{Src}TCPBase", 12, _base, INTEGER, "First TCP sequence number of the {source}"),
    *both("{s}mss", "{s}Mss", 6, _announced, INTEGER, "TCP maximum segment size that the {source} announced, bytes"),
    Field("tcprtt", "TcpRtt", 12, _round_trip, SECONDS, "TCP round trip at the start: synack and ackdat, s"),
    Field("synack", "SynAck", 12, lambda: col("syn_ack_time"), SECONDS, "Time from SYN to SYN-ACK, s"),
    Field("ackdat", "AckDat", 12, lambda: col("ack_data_time"), SECONDS, "Time from SYN-ACK to the first ACK, s"),
    Field("tcpopt", "TcpOpt", 12, _options, WORD, "Letters of the TCP options seen"),
    *both("{s}vnid", "{s}Vnid", 6, _of_tunnel, INTEGER, "Identifier (VNI, key) of the tunnel the {source} came in"),
)
