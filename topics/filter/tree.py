"""A filter expression, understood: what it asks of a record, without how to find out."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Literal

from topics.filter.condition import Condition

if TYPE_CHECKING:
    from topics.expression.networks import NetworkSet

Comparison = Literal["eq", "neq", "gt", "gte", "lt", "lte"]
Direction = Literal["src", "dst", "either", "both", "local", "remote"]
Network = IPv4Network | IPv6Network


class All(Condition):
    """Every part holds."""

    parts: tuple[Node, ...]


class Any(Condition):
    """Some part holds."""

    parts: tuple[Node, ...]


class Not(Condition):
    """The part does not hold."""

    part: Node


class Protocol(Condition):
    """The record is of a protocol, by the word for it."""

    word: str


class ProtocolNumber(Condition):
    """The IP protocol, or the ethertype, compares so with a number."""

    comparison: Comparison
    number: int
    of_link: bool = False


class Address(Condition):
    """An IP address of the record lies in a network."""

    direction: Direction
    network: Network


class Hardware(Condition):
    """A MAC address of the record is this one."""

    direction: Direction
    mac: bytes


class Ports(Condition):
    """A port lies in one of these ranges: (protocol, lowest, highest), both ends included, protocol None for any."""

    direction: Direction
    ranges: tuple[tuple[int | None, int, int], ...]


class Measure(Condition):
    """A measured value compares so with a number; `word` names it in topics/filter/words.py."""

    word: str
    direction: Direction | None
    comparison: Comparison
    number: float


class State(Condition):
    """Something happened in the flow, by the word for it."""

    word: str


class Flag(Condition):
    """Something happened in a direction of the flow, by the word for it."""

    word: str
    direction: Direction


class Encapsulated(Condition):
    """The flow came in an encapsulation, given as bits."""

    direction: Direction
    bits: int


class Observed(Condition):
    """The record was made at a place: `srcid` compares probe and interface, `sid`, `inf` and `site` one name."""

    word: str
    name: str


class Router(Condition):
    """An ICMP error about the flow came from this network."""

    network: Network


class Compared(Condition):
    """A printable field compares so with a constant: a number in the unit that is printed, or a text."""

    field: str
    comparison: Comparison
    constant: float | str


class Matched(Condition):
    """A regular expression is found in the text of a printable field."""

    field: str
    pattern: str


class AddressListed(Condition):
    """An IP address of the record, or that of the router that sent an ICMP error, is in a list."""

    direction: Direction | Literal["router"]
    networks: NetworkSet


class Listed(Condition, hidden=("constants",)):
    """A printable field has one of the values of a list, which was read from a file."""

    field: str
    source: str
    constants: tuple[float | str, ...]


class PortListed(Condition, hidden=("ports",)):
    """A port of the record is in a list."""

    direction: Direction
    source: str
    ports: tuple[int, ...]


Node = (
    All
    | Any
    | Not
    | Protocol
    | ProtocolNumber
    | Address
    | Hardware
    | Ports
    | Measure
    | State
    | Flag
    | Encapsulated
    | Observed
    | Router
    | Compared
    | Matched
    | AddressListed
    | Listed
    | PortListed
)
