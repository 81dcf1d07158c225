"""What the headers said: IP, VLAN, MPLS, TCP, encapsulation."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import polars as pl

from topics.fields.columns import has, is_tcp, of_ip, of_tcp, sent, side_column, where
from topics.fields.field import Field, Format, both
from topics.fields.formats import HEXADECIMAL, INTEGER, SECONDS, WORD
from topics.fields.names import ENCAPSULATION_LETTERS, code_points
from topics.flags import Encapsulation, TcpOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from topics.fields.style import Style

VLAN_ID = 0x0FFF
PRIORITY_SHIFT = 2**13
LABEL_SHIFT = 2**12
TCP_OPTION_LETTERS = "MwsSeETcNOSD"


def letters(column: pl.Expr, marks: Iterable[tuple[int, str]], absent: str = "") -> pl.Expr:
    """Return one letter for each bit that is set, `absent` for each that is not."""
    return pl.concat_str(
        [pl.when(has(column, bit)).then(pl.lit(mark)).otherwise(pl.lit(absent)) for bit, mark in marks]
    )


def _tagged(side: str) -> pl.Expr:
    return sent(side) & (has(side_column(side, "encapsulations"), Encapsulation.VLAN) | (side_column(side, "vlan") > 0))


def _vlan(side: str) -> pl.Expr:
    return where(_tagged(side), side_column(side, "vlan"))


def _priority(side: str) -> pl.Expr:
    """Return the 802.1p priority, blank for the lowest as in Argus."""
    priority = _vlan(side) // PRIORITY_SHIFT
    return where(priority > 0, priority)


def _label(side: str) -> pl.Expr:
    entry = side_column(side, "mpls")
    return where(sent(side) & (entry > 0), entry // LABEL_SHIFT)


def _code_point_text(point: pl.Expr, style: Style, _: int) -> pl.Expr:
    number = point.cast(pl.String)
    if not style.protocol_names:
        return number
    return point.replace_strict(code_points(), default=number, return_dtype=pl.String)


def _hops(side: str) -> pl.Expr:
    """How far away the sender is: what is missing to the power of two its TTL probably started from."""
    ttl = of_ip(side, "ttl").cast(pl.Int32)
    begun = reduce(
        lambda least, power: pl.when(ttl <= power).then(power).otherwise(least),
        (128, 64, 32, 16, 8, 4, 2, 1),
        pl.lit(256),
    )
    return where(ttl.is_not_null(), begun - ttl)


def _base(side: str) -> pl.Expr:
    base = side_column(side, "base_sequence")
    return where(is_tcp() & (base != 0), base)


def _options() -> pl.Expr:
    marks = [(TcpOptions.MSS << place, letter) for place, letter in enumerate(TCP_OPTION_LETTERS)]
    return letters(pl.col("tcp_options"), marks, absent=" ")


def _announced(side: str) -> pl.Expr:
    return where(is_tcp() & (side_column(side, "mss") > 0), side_column(side, "mss"))


FIELDS = (
    *both("{s}tos", "{s}Tos", 5, lambda side: of_ip(side, "tos"), INTEGER),
    *both("{s}dsb", "{s}DSb", 5, lambda side: of_ip(side, "tos") // 4, Format(_code_point_text)),
    *both("{s}ttl", "{s}Ttl", 4, lambda side: of_ip(side, "ttl"), INTEGER),
    *both("{s}hops", "{s}Hops", 5, _hops, INTEGER),
    *both("{s}ipid", "{s}IpId", 7, lambda side: of_ip(side, "ip_id"), HEXADECIMAL),
    *both("{s}mpls", "{s}Mpls", 8, _label, INTEGER),
    *both("{s}vlan", "{s}Vlan", 8, _vlan, HEXADECIMAL),
    *both("{s}vid", "{s}Vid", 6, lambda side: _vlan(side) & VLAN_ID, INTEGER),
    *both("{s}vpri", "{s}Vpri", 6, _priority, INTEGER),
    *both(
        "{s}enc",
        "{s}Enc",
        12,
        lambda side: letters(side_column(side, "encapsulations"), ENCAPSULATION_LETTERS.items()),
        WORD,
    ),
    *both("{s}win", "{Src}Win", 6, lambda side: of_tcp(side, "window"), INTEGER),
    *both("{s}tcpb", "{Src}TCPBase", 12, _base, INTEGER),
    *both("{s}mss", "{s}Mss", 6, _announced, INTEGER),
    Field("tcprtt", "TcpRtt", 12, lambda: pl.col("syn_ack_time") + pl.col("ack_data_time"), SECONDS),
    Field("synack", "SynAck", 12, lambda: pl.col("syn_ack_time"), SECONDS),
    Field("ackdat", "AckDat", 12, lambda: pl.col("ack_data_time"), SECONDS),
    Field("tcpopt", "TcpOpt", 12, _options, WORD),
)
