"""What it amounts to: state, direction, flags, cause, labels and payload."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics.expression import Value, col, concat, lit, lookup, when
from topics.fields.columns import ARP_TYPE, ICMP, ICMPV6, RARP_TYPE, is_tcp, sent, side_column, where
from topics.fields.field import SIDES, Field, Format, both
from topics.fields.formats import INTEGER, LEFT_TEXT, PAYLOADS, WORD
from topics.fields.headers import letters
from topics.fields.names import (
    ENCAPSULATION_LETTERS,
    ICMP_TYPES,
    ICMP_UNREACHABLE,
    ICMPV6_CODES,
    ICMPV6_TYPES,
    UNKNOWN_MESSAGE,
)
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


def _first(*choices: tuple[Value, str], otherwise: str = " ") -> Value:
    """Return the word of the first condition that holds."""
    text = lit(otherwise)
    for condition, word in reversed(choices):
        text = when(condition).then(word).otherwise(text)
    return text


def _conversation() -> Value:
    """Say what is left when there is no protocol state: CON both ways; one way INT in the first record, REQ later."""
    return _first(
        (sent("src") & sent("dst"), "CON"),
        (sent("src") & (col("status_sequence") == 0), "INT"),
        (sent("src"), "REQ"),
        otherwise="RSP",
    )


def _tcp_word() -> Value:
    state = col("tcp_state")
    silent = (state == 0) & ~(sent("src") & sent("dst"))
    return _first(
        (state.has(RESET), "RST"),
        (state.has(TcpState.FIN | TcpState.FIN_ACK), "FIN"),
        (state.has(TcpState.NORMAL_CLOSE), "CLO"),
        (state.has(TcpState.ESTABLISHED), "CON"),
        (state.has(TcpState.SYN_ACK), "ACC"),
        (state.has(TcpState.SYN), "REQ"),
        (silent, "INT"),
        otherwise="CON",
    )


def _icmp_word(message: Value) -> Value:
    kind = message // 256
    unreachable = lookup(message % 256, ICMP_UNREACHABLE, "UR")
    return when(kind == 3).then(unreachable).otherwise(lookup(kind, ICMP_TYPES, UNKNOWN_MESSAGE))


def _state() -> Value:
    protocol, message = col("protocol"), col("src_port")
    answer = col("icmp_error_type") * 256 + col("icmp_error_code")
    message = when(col("icmp_error") > 0).then(answer).otherwise(message)
    return (
        when(protocol == ICMP)
        .then(_icmp_word(message))
        .when(protocol == ICMPV6)
        .then(lookup(message, ICMPV6_CODES, lookup(message // 256, ICMPV6_TYPES, UNKNOWN_MESSAGE)))
        .when(is_tcp())
        .then(_tcp_word())
        .otherwise(_conversation())
    )


def _state_text(words: pl.Expr, style: Style, _: int) -> pl.Expr:
    if style.tcp_state == "word":
        return words
    from topics.expression.polars import polars

    return pl.when(polars(is_tcp())).then(polars(_tcp_letters(style))).otherwise(words)


def _tcp_facts() -> tuple[Value, ...]:
    return (col("tcp_state"), *(side_column(side, "tcp_flags") for side in SIDES))


def _tcp_letters(style: Style) -> Value:
    if style.tcp_state == "letters":
        return letters(col("tcp_state"), STATE_LETTERS)
    flags = {side: letters(side_column(side, "tcp_flags"), FLAG_LETTERS) for side in SIDES}
    choice = {"source": flags["src"], "destination": flags["dst"]}
    return choice.get(style.tcp_state, concat(flags["src"], "_", flags["dst"]))


def _direction() -> Value:
    """Draw who talked to whom; a `?` where no handshake tells who began."""
    kind = col("ethertype")
    left = _first((sent("dst"), "<"))
    middle = _first((is_tcp(), "?"), (sent("src") | sent("dst"), "-"))
    right = _first((sent("src"), ">"))
    return (
        when(kind == ARP_TYPE)
        .then("who")
        .when(kind == RARP_TYPE)
        .then("tel")
        .when(is_tcp() & col("tcp_state").has(HANDSHAKE))
        .then(" ->")
        .otherwise(concat(left, middle, right))
    )


def _either(state: Value, source: int, destination: int, marks: str) -> list[tuple[Value, str]]:
    both_sides = state.has(source) & state.has(destination)
    return [(both_sides, marks[0]), (state.has(source), marks[1]), (state.has(destination), marks[2])]


def _trouble() -> Value:
    """Fourth flag: what went wrong with the data, of TCP or by sequence number."""
    state = col("tcp_state")
    resent = _either(state, TcpState.SRC_RETRANSMITTED, TcpState.DST_RETRANSMITTED, "*sd")
    gap = (side_column("src", "gap_bytes") > 0) | (side_column("dst", "gap_bytes") > 0)
    mixed = _either(state, TcpState.SRC_OUT_OF_ORDER, TcpState.DST_OUT_OF_ORDER, "&ir")
    lost = [side_column(side, "lost_packets") > 0 for side in SIDES]
    of_tcp = _first(*resent, (gap, "g"), *mixed)
    of_others = _first((lost[0] & lost[1], "*"), (lost[0], "s"), (lost[1], "d"))
    return when(is_tcp()).then(of_tcp).otherwise(of_others)


def _encapsulation() -> Value:
    seen = side_column("src", "encapsulations").joined(side_column("dst", "encapsulations"))
    macs = ~side_column("src", "mac").mac_is(NO_MAC) | ~side_column("dst", "mac").mac_is(NO_MAC)
    tagged = (side_column("src", "vlan") > 0) | (side_column("dst", "vlan") > 0)
    return (
        when(col("flow_flags").has(FlowFlags.MULTIPLE_MACS))
        .then("M")
        .when(seen.bit_count() > 1)
        .then("*")
        .when(seen > 0)
        .then(lookup(seen, ENCAPSULATION_LETTERS, " "))
        .otherwise(_first((tagged, "v"), (macs, "e")))
    )


def _ip_options() -> Value:
    seen = side_column("src", "ip_options").joined(side_column("dst", "ip_options")).bits(IPV4_OPTIONS)
    letter = lookup(seen, {int(bit): mark for bit, mark in OPTION_LETTERS.items()}, "O")
    return when(seen > 0).then(letter).otherwise(" ")


def _flags() -> Value:
    flags, state, errors = col("flow_flags"), col("tcp_state"), col("icmp_error")
    one_error = [(errors == error.value, letter) for error, letter in zip(IcmpError, "URT", strict=True)]
    return concat(
        _first((flags.has(FlowFlags.TIME_ADJUSTED), "T")),
        _encapsulation(),
        _first(*one_error, (errors > 0, "I")),
        _trouble(),
        _first(*_either(state, TcpState.SRC_WINDOW_SHUT, TcpState.DST_WINDOW_SHUT, "@SD")),
        _first(*_either(state, TcpState.SRC_CONGESTED, TcpState.DST_CONGESTED, "Ext")),
        _first(
            (flags.has(FlowFlags.FRAGMENT_OVERLAP), "V"),
            (flags.has(FlowFlags.PARTIAL_FRAGMENT), "f"),
            (flags.has(FlowFlags.FRAGMENTS), "F"),
        ),
        _ip_options(),
        " ",
    )


def _payload(side: str) -> Value:
    payload = side_column(side, "payload")
    return where(payload.size() > 0, payload)


FIELDS = (
    Field(
        "state",
        "State",
        5,
        _state,
        Format(_state_text, also=_tcp_facts),
        "State of the conversation: REQ, ACC, CON, FIN, RST, ...",
    ),
    Field("dir", "Dir", 5, _direction, WORD, "Direction: who began, and which sides sent packets"),
    Field("flgs", "Flgs", 9, _flags, WORD, "Flags: encapsulation, ICMP, loss, window, congestion, fragments, options"),
    Field("cause", "Cause", 7, lambda: col("cause").title(), WORD, "Why the record was reported"),
    Field("seq", "Seq", 12, lambda: col("status_sequence"), INTEGER, "Number of the status record within its flow"),
    Field("rank", "Rank", 6, lambda: col("rank"), INTEGER, "Number of the record in the output"),
    Field("type", "Type", 4, lambda: lit("flow"), WORD, "Type of the record"),
    Field("hash", "Hash", 32, lambda: col("flow_id").hex_text(), WORD, "Flow id"),
    Field("label", "Label", 5, lambda: where(col("labels") != "", col("labels")), LEFT_TEXT, "Labels: key=value:..."),
    *both("{s}user", "{src}Udata", 16, _payload, PAYLOADS, "First payload bytes of the {source}"),
)
