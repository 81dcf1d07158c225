"""A tree as a Polars expression over a frame with the columns of topics/frame.py: true for the records it selects."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING

import polars as pl

from topics.fields import field
from topics.fields.columns import IPV6_TYPE, WITH_PORTS, has, is_ip, is_link, is_tcp, sent, side_column
from topics.fields.field import SIDES
from topics.filter import tree, words
from topics.flags import FlowFlags, IcmpError, TcpState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAPPED = bytes(10) + b"\xff\xff"
ICMP, ESP, ICMPV6 = 1, 50, 58
BROADCAST = b"\xff" * 6
BROADCAST_IPV4 = MAPPED + b"\xff" * 4
FIRST_GROUP, LAST_GROUP = MAPPED + bytes([224, 0, 0, 0]), MAPPED + bytes([239, 255, 255, 255])


@singledispatch
def expression(node: tree.Node) -> pl.Expr:
    """Return a boolean expression, never null, that is true for the records a tree selects."""
    raise NotImplementedError(type(node).__name__)


def _sure(condition: pl.Expr) -> pl.Expr:
    """Take what is blank for not meeting the condition, so that `not` selects it."""
    return condition.fill_null(value=False)


def _any(parts: Iterable[pl.Expr]) -> pl.Expr:
    return pl.any_horizontal(list(parts))


def _sides(direction: tree.Direction | None, condition: Callable[[str], pl.Expr]) -> pl.Expr:
    """Return what has to hold of the source, the destination, one of them or both."""
    if direction in SIDES:
        return condition(direction)
    parts = [condition(side) for side in SIDES]
    return parts[0] & parts[1] if direction == "both" else parts[0] | parts[1]


def _compared(value: pl.Expr, comparison: tree.Comparison, number: float) -> pl.Expr:
    tests = {"eq": value.eq, "neq": value.ne, "gt": value.gt, "gte": value.ge, "lt": value.lt, "lte": value.le}
    return _sure(tests[comparison](number))


@expression.register
def _(node: tree.All) -> pl.Expr:
    return pl.all_horizontal([expression(part) for part in node.parts])


@expression.register
def _(node: tree.Any) -> pl.Expr:
    return _any(expression(part) for part in node.parts)


@expression.register
def _(node: tree.Not) -> pl.Expr:
    return ~expression(node.part)


@expression.register
def _(node: tree.Protocol) -> pl.Expr:
    word = node.word
    if word in words.IP_PROTOCOLS:
        return pl.col("protocol").is_in(words.IP_PROTOCOLS[word])
    if word in words.ETHERTYPES:
        kind = pl.col("ethertype").is_in(words.ETHERTYPES[word])
        return kind & is_ip() if word in words.IP_VERSIONS else kind
    if word in words.ENCAPSULATED:
        return _sides("either", lambda side: has(side_column(side, "encapsulations"), words.ENCAPSULATED[word]))
    return has(pl.col("flow_flags"), FlowFlags.RTP if word == "rtp" else FlowFlags.RTCP)


@expression.register
def _(node: tree.ProtocolNumber) -> pl.Expr:
    if node.of_link:
        return _compared(pl.col("ethertype"), node.comparison, node.number)
    return is_ip() & _compared(pl.col("protocol"), node.comparison, node.number)


@expression.register
def _(node: tree.Address) -> pl.Expr:
    kind = ~is_link()
    if node.network.version == 6:
        kind &= pl.col("ethertype").is_in([IPV6_TYPE, 0])  # 0: merged over several
    return kind & _sides(node.direction, lambda side: _inside(side_column(side, "address"), node.network))


def _inside(address: pl.Expr, network: tree.Network) -> pl.Expr:
    """Tell which 16-byte addresses lie in a network: their bytes sort like the numbers they are."""
    first, last = _sixteen(network.network_address.packed), _sixteen(network.broadcast_address.packed)
    if first == last:
        return address == first
    return (address >= first) & (address <= last)


def _sixteen(address: bytes) -> bytes:
    return MAPPED + address if len(address) == 4 else address


@expression.register
def _(node: tree.Hardware) -> pl.Expr:
    return _sides(node.direction, lambda side: _hardware(side, node.mac))


def _hardware(side: str, mac: bytes) -> pl.Expr:
    own = side_column(side, "mac") == mac
    return own | (is_link() & (side_column(side, "address") == bytes(10) + mac))


@expression.register
def _(node: tree.Ports) -> pl.Expr:
    return _any(_in_range(node.direction, *bounds) for bounds in node.ranges)


def _in_range(direction: tree.Direction, protocol: int | None, low: int, high: int) -> pl.Expr:
    number = pl.col("protocol")
    kind = number.is_in(WITH_PORTS) if protocol is None else number == protocol
    if low > high:
        return pl.lit(value=False)
    return kind & _sides(direction, lambda side: side_column(side, "port").is_between(low, high))


@expression.register
def _(node: tree.Measure) -> pl.Expr:
    measured = words.MEASURES[node.word]
    number = node.number * measured.scale
    if measured.whole and (node.direction is None or measured.sides is None):
        return _compared(_value(measured.whole), node.comparison, number)
    names = dict(zip(SIDES, measured.sides or (), strict=True))
    return _sides(node.direction, lambda side: _compared(_value(names[side]), node.comparison, number))


def _value(name: str) -> pl.Expr:
    if name == "spi":
        return pl.when(pl.col("protocol") == ESP).then(pl.col("discriminator"))
    return field(name).expression()


@expression.register
def _(node: tree.State) -> pl.Expr:
    word = node.word
    if word in words.RECORDS:
        return pl.lit(value=words.RECORDS[word])
    if word in words.UNREACHABLE:
        return _message(3, words.UNREACHABLE[word])
    if word in words.TCP_OPTIONS:
        return is_tcp() & has(pl.col("tcp_options"), words.TCP_OPTIONS[word])
    if word in words.TCP_STATES:
        return is_tcp() & has(pl.col("tcp_state"), words.TCP_STATES[word])
    if word in words.CAUSES:
        return pl.col("cause").cast(pl.String).is_in(words.CAUSES[word])
    return STATES[word]()


def _first() -> pl.Expr:
    return pl.col("status_sequence") == 0


def _connected() -> pl.Expr:
    """Tell which flows were answered: by any packet, as in Argus, also by a reset."""
    established = is_tcp() & has(pl.col("tcp_state"), TcpState.ESTABLISHED)
    return established | (is_ip() & sent("src") & sent("dst"))


def _message(kind: int, code: int | None = None) -> pl.Expr:
    """Tell which records are ICMP messages of a type, or of flows that such an error was about."""
    own = pl.col("src_port") // 256 == kind
    mapped = pl.col("icmp_error_type") == kind
    if code is not None:
        own &= pl.col("src_port") % 256 == code
        mapped &= pl.col("icmp_error_code") == code
    return ((pl.col("protocol") == ICMP) & own) | ((pl.col("icmp_error") > 0) & mapped)


def _icmp(kind: int, kind6: int, error: IcmpError) -> pl.Expr:
    own6 = (pl.col("protocol") == ICMPV6) & (pl.col("src_port") // 256 == kind6)
    return _message(kind) | own6 | has(pl.col("icmp_error"), error)


def _echo() -> pl.Expr:
    kind, protocol = pl.col("src_port") // 256, pl.col("protocol")
    return ((protocol == ICMP) & kind.is_in([0, 8])) | ((protocol == ICMPV6) & kind.is_in([128, 129]))


STATES: dict[str, Callable[[], pl.Expr]] = {
    "start": _first,
    "init": _first,
    "status": lambda: ~_first(),
    "est": _connected,
    "con": _connected,
    "avail": _connected,
    "icmpmap": lambda: pl.col("icmp_error") > 0,
    "echo": _echo,
    "redirect": lambda: _icmp(5, 137, IcmpError.REDIRECT),
    "timexed": lambda: _icmp(11, 3, IcmpError.TIME_EXCEEDED),
    "unreach": lambda: _icmp(3, 1, IcmpError.UNREACHABLE),
    "unr": lambda: _icmp(3, 1, IcmpError.UNREACHABLE),
}


@expression.register
def _(node: tree.Flag) -> pl.Expr:
    return _sides(node.direction, lambda side: _flag(side, node.word))


def _flag(side: str, word: str) -> pl.Expr:
    if word in words.TCP_FLAGS:
        return is_tcp() & has(side_column(side, "tcp_flags"), words.TCP_FLAGS[word])
    if word in words.TROUBLE:
        return is_tcp() & has(pl.col("tcp_state"), words.TROUBLE[word][SIDES.index(side)])
    if word in words.TO_MANY:
        return _to_many(side, *words.TO_MANY[word])
    flags = pl.col("flow_flags")
    if word == "frag":
        return (side_column(side, "fragments") > 0) | has(flags, FlowFlags.FRAGMENTS)
    if word == "fragonly":
        return has(flags, FlowFlags.PARTIAL_FRAGMENT)
    return has(flags, FlowFlags.MULTIPLE_MACS)


def _to_many(side: str, layers: str, word: str) -> pl.Expr:
    mac, address = side_column(side, "mac"), side_column(side, "address")
    link = pl.when(is_link()).then(address.bin.slice(10, 6)).otherwise(mac)
    if word == words.BROADCAST:
        of_link, of_ip = link == BROADCAST, address == BROADCAST_IPV4
    else:
        group4 = (address >= FIRST_GROUP) & (address <= LAST_GROUP)
        of_link, of_ip = _odd(link) & (link != BROADCAST), group4 | (~is_link() & (address >= b"\xff"))
    return {"link": of_link, "ip": of_ip}.get(layers, of_link | of_ip)


def _odd(mac: pl.Expr) -> pl.Expr:
    """Tell which MAC addresses are of groups: the lowest bit of the first octet is set."""
    return mac.bin.slice(0, 1).is_in([bytes([octet]) for octet in range(1, 256, 2)])


@expression.register
def _(node: tree.Encapsulated) -> pl.Expr:
    return _sides(node.direction, lambda side: has(side_column(side, "encapsulations"), node.bits))


@expression.register
def _(node: tree.Observed) -> pl.Expr:
    columns = {"sid": "probe", "inf": "interface", "site": "site"}
    if node.word in columns:
        return pl.col(columns[node.word]).cast(pl.String) == node.name
    return (pl.col("probe").cast(pl.String) == node.name) | (field("srcid").expression() == node.name)


@expression.register
def _(node: tree.Router) -> pl.Expr:
    return (pl.col("icmp_error") > 0) & _inside(pl.col("icmp_error_router"), node.network)
