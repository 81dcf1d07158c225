"""A tree as one value of topics/expression: true for the records it selects, never null."""

from __future__ import annotations

import operator
from functools import singledispatch
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from topics.expression import ALWAYS, NEVER, Value, all_of, any_of, col, lit, when
from topics.fields import field
from topics.fields.columns import IPV6_TYPE, TCP, UDP, WITH_PORTS, is_ip, is_link, is_tcp, sent, side_column
from topics.fields.field import SIDES
from topics.filter import tree, words
from topics.flags import FlowFlags, IcmpError, TcpState
from topics.verdicts import FURTHER

if TYPE_CHECKING:
    from collections.abc import Callable

ICMP, IGMP, ESP, ICMPV6 = 1, 2, 50, 58
BROADCAST = b"\xff" * 6
BROADCAST_IPV4 = ip_network("255.255.255.255/32")
GROUPS = (ip_network("224.0.0.0/4"), ip_network("ff00::/8"))
ODD = ("1", "3", "5", "7", "9", "b", "d", "f")
QUERY, LEAVE = 0x11, 0x17  # types of IGMP messages (RFC 2236)


@singledispatch
def expression(node: tree.Node) -> Value:
    """Return a boolean expression, never null, that is true for the records a tree selects."""
    raise NotImplementedError(type(node).__name__)


def _sides(direction: tree.Direction | None, condition: Callable[[str], Value]) -> Value:
    """Return what has to hold of the source, the destination, one of them or both."""
    if direction in SIDES:
        return condition(direction)
    if direction in words.NEAREST.values():
        return _at_end(local=direction == "local", condition=condition)
    parts = [condition(side) for side in SIDES]
    return parts[0] & parts[1] if direction == "both" else parts[0] | parts[1]


def _locality(side: str) -> Value:
    """Return how local an end is by its label, 0 without one."""
    return col("labels").label(f"{side[0]}loc").number().or_else(0.0)


def _at_end(*, local: bool, condition: Callable[[str], Value]) -> Value:
    """Return what has to hold of the more local end, or of the other one; false where no label tells."""
    src, dst = _locality("src"), _locality("dst")
    told = (src > 0.0) | (dst > 0.0)
    return told & (
        ((src >= dst) & condition("src" if local else "dst")) | ((src < dst) & condition("dst" if local else "src"))
    )


COMPARISONS: dict[tree.Comparison, Callable[[Any, Any], Any]] = {  # of numbers as of expressions
    "eq": operator.eq,
    "neq": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def _compared(value: Value, comparison: tree.Comparison, number: float | str) -> Value:
    compared: Value = COMPARISONS[comparison](value, number).sure()
    return compared


@expression.register
def _(node: tree.All) -> Value:
    return all_of(expression(part) for part in node.parts)


@expression.register
def _(node: tree.Any) -> Value:
    return any_of(expression(part) for part in node.parts)


@expression.register
def _(node: tree.Not) -> Value:
    return ~expression(node.part)


@expression.register
def _(node: tree.Protocol) -> Value:
    word = node.word
    if word in words.ANY:
        return ALWAYS
    if word in words.IP_PROTOCOLS:
        return col("protocol").is_in(words.IP_PROTOCOLS[word])
    if word in words.ETHERTYPES:
        kind = col("ethertype").is_in(words.ETHERTYPES[word])
        return kind & is_ip() if word in words.IP_VERSIONS else kind
    if word in words.ENCAPSULATED:
        return _sides("either", lambda side: side_column(side, "encapsulations").has(words.ENCAPSULATED[word]))
    return col("flow_flags").has(FlowFlags.RTP if word == "rtp" else FlowFlags.RTCP)


@expression.register
def _(node: tree.ProtocolNumber) -> Value:
    if node.of_link:
        return _compared(col("ethertype"), node.comparison, node.number)
    return is_ip() & _compared(col("protocol"), node.comparison, node.number)


@expression.register
def _(node: tree.Address) -> Value:
    kind = ~is_link()
    if node.network.version == 6:
        kind &= col("ethertype").is_in([IPV6_TYPE, 0])  # 0: merged over several
    return kind & _sides(node.direction, lambda side: side_column(side, "address").ip_within(node.network))


@expression.register
def _(node: tree.AddressListed) -> Value:
    if node.direction == "router":
        return (col("icmp_error") > 0) & col("icmp_error_router").ip_among(node.networks)
    listed = _sides(node.direction, lambda side: side_column(side, "address").ip_among(node.networks))
    return ~is_link() & listed


@expression.register
def _(node: tree.Hardware) -> Value:
    return _sides(node.direction, lambda side: _hardware(side, node.mac))


def _hardware(side: str, mac: bytes) -> Value:
    own = side_column(side, "mac").mac_is(mac)
    return own | (is_link() & side_column(side, "address").mac_is(mac))


@expression.register
def _(node: tree.Ports) -> Value:
    return any_of(_in_range(node.direction, *bounds) for bounds in node.ranges)


def _with_ports() -> Value:
    """Tell which records have ports: those of Argus have none of SCTP, DCCP and UDP-Lite."""
    number = col("protocol")
    told = (col("src_port") > 0) | (col("dst_port") > 0)
    return number.is_in((TCP, UDP)) | (number.is_in(WITH_PORTS) & told)


def _in_range(direction: tree.Direction, protocol: int | None, low: int, high: int) -> Value:
    number = col("protocol")
    kind = _with_ports() if protocol is None else number == protocol
    if low > high:
        return NEVER
    return kind & _sides(direction, lambda side: side_column(side, "port").is_between(low, high))


@expression.register
def _(node: tree.Measure) -> Value:
    measured = words.MEASURES[node.word]
    number = node.number * measured.scale
    if measured.whole and (node.direction is None or measured.sides is None):
        return _compared(_value(measured.whole), node.comparison, number)
    names = dict(zip(SIDES, measured.sides or (), strict=True))
    return _sides(node.direction, lambda side: _compared(_value(names[side]), node.comparison, number))


def _value(name: str) -> Value:
    if name == "spi":
        return when(col("protocol") == ESP).then(col("discriminator"))
    return field(name).expression()


@expression.register
def _(node: tree.State) -> Value:
    word = node.word
    if word in words.RECORDS:
        return lit(words.RECORDS[word])
    if word in words.UNREACHABLE:
        return _message(3, words.UNREACHABLE[word])
    if word in words.TCP_OPTIONS:
        return is_tcp() & col("tcp_options").has(words.TCP_OPTIONS[word])
    if word in words.TCP_STATES:
        return is_tcp() & col("tcp_state").has(words.TCP_STATES[word])
    if word in words.CAUSES:
        return col("cause").is_in(words.CAUSES[word])
    return STATES[word]()


def _first() -> Value:
    return col("status_sequence") == 0


def _connected() -> Value:
    """Tell which flows were answered: by any packet, as in Argus, also by a reset."""
    established = is_tcp() & col("tcp_state").has(TcpState.ESTABLISHED)
    return established | (is_ip() & sent("src") & sent("dst"))


def _message(kind: int, code: int | None = None) -> Value:
    """Tell which records are ICMP messages of a type, or of flows that such an error was about."""
    own = col("src_port") // 256 == kind
    mapped = col("icmp_error_type") == kind
    if code is not None:
        own &= col("src_port") % 256 == code
        mapped &= col("icmp_error_code") == code
    return ((col("protocol") == ICMP) & own) | ((col("icmp_error") > 0) & mapped)


def _icmp(kind: int, kind6: int, error: IcmpError) -> Value:
    own6 = (col("protocol") == ICMPV6) & (col("src_port") // 256 == kind6)
    return _message(kind) | own6 | col("icmp_error").has(error)


def _group_message() -> Value:
    return is_ip() & (col("protocol") == IGMP)


def _echo() -> Value:
    kind, protocol = col("src_port") // 256, col("protocol")
    return ((protocol == ICMP) & kind.is_in([0, 8])) | ((protocol == ICMPV6) & kind.is_in([128, 129]))


STATES: dict[str, Callable[[], Value]] = {
    "start": _first,
    "init": _first,
    "status": lambda: ~_first(),
    "est": _connected,
    "con": _connected,
    "avail": _connected,
    "icmpmap": lambda: col("icmp_error") > 0,
    "echo": _echo,
    "redirect": lambda: _icmp(5, 137, IcmpError.REDIRECT),
    "timexed": lambda: _icmp(11, 3, IcmpError.TIME_EXCEEDED),
    "unreach": lambda: _icmp(3, 1, IcmpError.UNREACHABLE),
    "unr": lambda: _icmp(3, 1, IcmpError.UNREACHABLE),
    "rtr": lambda: _group_message() & (col("src_port") // 256 == QUERY),
    "mbr": lambda: _group_message() & (col("src_port") // 256 != QUERY),
    "lvg": lambda: _group_message() & (col("src_port") // 256 == LEAVE),
    "cocode": lambda: any_of(col("labels").label(key).known() for key in ("sco", "dco")),
    "svc": lambda: col("labels").label("svc").known(),
    "baseline": lambda: NEVER,
    "match": lambda: NEVER,
    "primary": lambda: col("verdict") != FURTHER,
    "further": lambda: col("verdict") == FURTHER,
    "inbound": lambda: (_locality("dst") > 0.0) & (_locality("src") <= 0.0),
    "outbound": lambda: (_locality("src") > 0.0) & (_locality("dst") <= 0.0),
}


@expression.register
def _(node: tree.Flag) -> Value:
    return _sides(node.direction, lambda side: _flag(side, node.word))


def _flag(side: str, word: str) -> Value:
    if word in words.TCP_FLAGS:
        return is_tcp() & side_column(side, "tcp_flags").has(words.TCP_FLAGS[word])
    if word in words.TROUBLE:
        return is_tcp() & col("tcp_state").has(words.TROUBLE[word][SIDES.index(side)])
    if word in words.TO_MANY:
        return _to_many(side, *words.TO_MANY[word])
    if word in words.PDUS:
        return NEVER
    if word in words.LOCALITY:
        return _locality(side) > 0.0 if word == "local" else _locality(side) <= 0.0
    flags = col("flow_flags")
    if word == "frag":
        return (side_column(side, "fragments") > 0) | flags.has(FlowFlags.FRAGMENTS)
    if word == "fragonly":
        return flags.has(FlowFlags.PARTIAL_FRAGMENT)
    return flags.has(FlowFlags.MULTIPLE_MACS)


def _to_many(side: str, layers: str, word: str) -> Value:
    mac, address = side_column(side, "mac"), side_column(side, "address")
    if word == words.BROADCAST:
        of_link = _hardware(side, BROADCAST)
        of_ip = address.ip_within(BROADCAST_IPV4)
    else:
        text = mac.mac_text().or_else("")
        link = when(is_link()).then(address.mac_text(is_link())).otherwise(text)
        of_link = link.character(1).is_in(ODD).sure() & ~_hardware(side, BROADCAST)
        of_ip = any_of(address.ip_within(group) for group in GROUPS)
    return {"link": of_link, "ip": ~is_link() & of_ip}.get(layers, of_link | (~is_link() & of_ip))


@expression.register
def _(node: tree.Encapsulated) -> Value:
    return _sides(node.direction, lambda side: side_column(side, "encapsulations").has(node.bits))


@expression.register
def _(node: tree.Observed) -> Value:
    columns = {"sid": "probe", "inf": "interface", "site": "site", "node": "site"}
    if node.word in columns:
        return col(columns[node.word]) == node.name
    return (col("probe") == node.name) | (field("srcid").expression() == node.name)


@expression.register
def _(node: tree.Router) -> Value:
    return (col("icmp_error") > 0) & col("icmp_error_router").ip_within(node.network)


@expression.register
def _(node: tree.Compared) -> Value:
    known = field(node.field)
    scale = known.format.scale
    constant = node.constant * scale if isinstance(node.constant, float | int) and scale != 1 else node.constant
    return _compared(known.expression(), node.comparison, constant)


@expression.register
def _(node: tree.Listed) -> Value:
    return field(node.field).expression().is_in(node.constants).sure()


@expression.register
def _(node: tree.PortListed) -> Value:
    return _with_ports() & _sides(node.direction, lambda side: side_column(side, "port").is_in(node.ports))


@expression.register
def _(node: tree.Matched) -> Value:
    known = field(node.field)
    text = known.expression()
    if known.format.holds == "bytes":
        text = text.latin_text()
    return text.matches(node.pattern).sure()
