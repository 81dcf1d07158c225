"""What it amounts to: state, direction, flags, cause, labels and payload."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics.fields.columns import (
    ARP_TYPE,
    ICMP,
    ICMPV6,
    RARP_TYPE,
    has,
    is_tcp,
    sent,
    side_column,
    where,
)
from topics.fields.field import SIDES, Field, Format, both
from topics.fields.formats import INTEGER, LEFT_TEXT, PAYLOADS, WORD
from topics.fields.headers import letters
from topics.fields.names import ENCAPSULATION_LETTERS, UNKNOWN_MESSAGE, icmp_words, icmpv6_words
from topics.flags import FlowFlags, IcmpError, IpOptions, TcpFlags, TcpState

if TYPE_CHECKING:
    from topics.fields.style import Style

RESET = TcpState.SRC_RESET | TcpState.DST_RESET
HANDSHAKE = TcpState.SYN | TcpState.SYN_ACK
STATE_LETTERS = (
    (TcpState.SYN, "s"),
    (TcpState.SYN_ACK, "S"),
    (TcpState.ESTABLISHED, "E"),
    (TcpState.FIN, "f"),
    (TcpState.FIN_ACK, "F"),
    (TcpState.NORMAL_CLOSE, "C"),
    (RESET, "R"),
)
FLAG_LETTERS = tuple(zip(TcpFlags, "FSRPAU78", strict=True))
OPTION_LETTERS = {
    IpOptions.STRICT_SOURCE_ROUTE: "S",
    IpOptions.LOOSE_SOURCE_ROUTE: "L",
    IpOptions.TIMESTAMP: "T",
    IpOptions.SECURITY: "+",
    IpOptions.RECORD_ROUTE: "R",
    IpOptions.ROUTER_ALERT: "A",
    IpOptions.OTHER: "U",
}
IPV4_OPTIONS = sum(OPTION_LETTERS)
NO_MAC = bytes(6)


def _first(*choices: tuple[pl.Expr, str], otherwise: str = " ") -> pl.Expr:
    """Return the word of the first condition that holds."""
    text: pl.Expr = pl.lit(otherwise)
    for condition, word in reversed(choices):
        text = pl.when(condition).then(pl.lit(word)).otherwise(text)
    return text


def _conversation() -> pl.Expr:
    """Say what is left when there is no protocol state: CON both ways; one way INT in the first record, REQ later."""
    return _first(
        (sent("src") & sent("dst"), "CON"),
        (sent("src") & (pl.col("status_sequence") == 0), "INT"),
        (sent("src"), "REQ"),
        otherwise="RSP",
    )


def _tcp_word() -> pl.Expr:
    state = pl.col("tcp_state")
    silent = (state == 0) & ~(sent("src") & sent("dst"))
    return _first(
        (has(state, RESET), "RST"),
        (has(state, TcpState.FIN | TcpState.FIN_ACK), "FIN"),
        (has(state, TcpState.NORMAL_CLOSE), "CLO"),
        (has(state, TcpState.ESTABLISHED), "CON"),
        (has(state, TcpState.SYN_ACK), "ACC"),
        (has(state, TcpState.SYN), "REQ"),
        (silent, "INT"),
        otherwise="CON",
    )


def _tcp_text(style: Style) -> pl.Expr:
    if style.tcp_state == "word":
        return _tcp_word()
    if style.tcp_state == "letters":
        return letters(pl.col("tcp_state"), STATE_LETTERS)
    flags = {side: letters(side_column(side, "tcp_flags"), FLAG_LETTERS) for side in SIDES}
    choice = {"source": flags["src"], "destination": flags["dst"]}
    return choice.get(style.tcp_state, pl.concat_str([flags["src"], pl.lit("_"), flags["dst"]]))


def _state_text(message: pl.Expr, style: Style, _: int) -> pl.Expr:
    protocol = pl.col("protocol")
    answer = pl.col("icmp_error_type").cast(pl.UInt16) * 256 + pl.col("icmp_error_code")
    message = pl.when(pl.col("icmp_error") > 0).then(answer).otherwise(message)
    return (
        pl.when(protocol == ICMP)
        .then(message.replace_strict(icmp_words(), default=UNKNOWN_MESSAGE, return_dtype=pl.String))
        .when(protocol == ICMPV6)
        .then(message.replace_strict(icmpv6_words(), default=UNKNOWN_MESSAGE, return_dtype=pl.String))
        .when(is_tcp())
        .then(_tcp_text(style))
        .otherwise(_conversation())
    )


def _direction() -> pl.Expr:
    """Draw who talked to whom; a `?` where no handshake tells who began."""
    kind = pl.col("ethertype")
    known = has(pl.col("tcp_state"), HANDSHAKE)
    left = _first((sent("dst"), "<"))
    middle = _first((is_tcp(), "?"), (sent("src") | sent("dst"), "-"))
    right = _first((sent("src"), ">"))
    drawn = pl.concat_str([left, middle, right])
    return (
        pl.when(kind == ARP_TYPE)
        .then(pl.lit("who"))
        .when(kind == RARP_TYPE)
        .then(pl.lit("tel"))
        .when(is_tcp() & known)
        .then(pl.lit(" ->"))
        .otherwise(drawn)
    )


def _either(state: pl.Expr, source: int, destination: int, marks: str) -> list[tuple[pl.Expr, str]]:
    both_sides = has(state, source) & has(state, destination)
    return [(both_sides, marks[0]), (has(state, source), marks[1]), (has(state, destination), marks[2])]


def _trouble() -> pl.Expr:
    """Fourth flag: what went wrong with the data, of TCP or by sequence number."""
    state = pl.col("tcp_state")
    resent = _either(state, TcpState.SRC_RETRANSMITTED, TcpState.DST_RETRANSMITTED, "*sd")
    gap = (side_column("src", "gap_bytes") > 0) | (side_column("dst", "gap_bytes") > 0)
    mixed = _either(state, TcpState.SRC_OUT_OF_ORDER, TcpState.DST_OUT_OF_ORDER, "&ir")
    lost = [side_column(side, "lost_packets") > 0 for side in SIDES]
    of_tcp = _first(*resent, (gap, "g"), *mixed)
    of_others = _first((lost[0] & lost[1], "*"), (lost[0], "s"), (lost[1], "d"))
    return pl.when(is_tcp()).then(of_tcp).otherwise(of_others)


def _encapsulation() -> pl.Expr:
    seen = side_column("src", "encapsulations") | side_column("dst", "encapsulations")
    macs = (side_column("src", "mac") != NO_MAC) | (side_column("dst", "mac") != NO_MAC)
    tagged = (side_column("src", "vlan") > 0) | (side_column("dst", "vlan") > 0)
    several = seen.bitwise_count_ones() > 1
    letter = seen.replace_strict(ENCAPSULATION_LETTERS, default=" ", return_dtype=pl.String)
    return (
        pl.when(has(pl.col("flow_flags"), FlowFlags.MULTIPLE_MACS))
        .then(pl.lit("M"))
        .when(several)
        .then(pl.lit("*"))
        .when(seen > 0)
        .then(letter)
        .otherwise(_first((tagged, "v"), (macs, "e")))
    )


def _ip_options() -> pl.Expr:
    seen = (side_column("src", "ip_options") | side_column("dst", "ip_options")) & IPV4_OPTIONS
    letter = seen.replace_strict(
        {int(bit): mark for bit, mark in OPTION_LETTERS.items()}, default="O", return_dtype=pl.String
    )
    return pl.when(seen > 0).then(letter).otherwise(pl.lit(" "))


def _flags() -> pl.Expr:
    flags, state, errors = pl.col("flow_flags"), pl.col("tcp_state"), pl.col("icmp_error")
    one_error = [(errors == error.value, letter) for error, letter in zip(IcmpError, "URT", strict=True)]
    positions = [
        _first((has(flags, FlowFlags.TIME_ADJUSTED), "T")),
        _encapsulation(),
        _first(*one_error, (errors > 0, "I")),
        _trouble(),
        _first(*_either(state, TcpState.SRC_WINDOW_SHUT, TcpState.DST_WINDOW_SHUT, "@SD")),
        _first(*_either(state, TcpState.SRC_CONGESTED, TcpState.DST_CONGESTED, "Ext")),
        _first(
            (has(flags, FlowFlags.FRAGMENT_OVERLAP), "V"),
            (has(flags, FlowFlags.PARTIAL_FRAGMENT), "f"),
            (has(flags, FlowFlags.FRAGMENTS), "F"),
        ),
        _ip_options(),
        pl.lit(" "),
    ]
    return pl.concat_str(positions)


def _cause() -> pl.Expr:
    return pl.col("cause").cast(pl.String).str.to_titlecase()


def _label() -> pl.Expr:
    return where(pl.col("labels") != "", pl.col("labels"))


def _payload(side: str) -> pl.Expr:
    payload = side_column(side, "payload")
    return where(payload.bin.size() > 0, payload)


FIELDS = (
    Field("state", "State", 5, lambda: pl.col("src_port"), Format(_state_text)),
    Field("dir", "Dir", 5, _direction, WORD),
    Field("flgs", "Flgs", 9, _flags, WORD),
    Field("cause", "Cause", 7, _cause, WORD),
    Field("seq", "Seq", 12, lambda: pl.col("status_sequence"), INTEGER),
    Field("rank", "Rank", 6, lambda: pl.col("rank"), INTEGER),
    Field("type", "Type", 4, lambda: pl.lit("flow"), WORD),
    Field("hash", "Hash", 32, lambda: pl.col("flow_id").bin.encode("hex"), WORD),
    Field("label", "Label", 5, _label, LEFT_TEXT),
    *both("{s}user", "{src}Udata", 16, _payload, PAYLOADS),
)
