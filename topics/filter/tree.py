"""A filter expression, understood: what it asks of a record, without how to find out."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from topics.expression.networks import NetworkSet

Comparison = Literal["eq", "neq", "gt", "gte", "lt", "lte"]
Direction = Literal["src", "dst", "either", "both", "local", "remote"]
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Some part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Node


@dataclass(frozen=True, slots=True)
class Protocol:
    """The record is of a protocol, by the word for it."""

    word: str


@dataclass(frozen=True, slots=True)
class ProtocolNumber:
    """The IP protocol, or the ethertype, compares so with a number."""

    comparison: Comparison
    number: int
    of_link: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address of the record lies in a network."""

    direction: Direction
    network: Network


@dataclass(frozen=True, slots=True)
class Hardware:
    """A MAC address of the record is this one."""

    direction: Direction
    mac: bytes


@dataclass(frozen=True, slots=True)
class Ports:
    """A port lies in one of these ranges: (protocol, lowest, highest), both ends included, protocol None for any."""

    direction: Direction
    ranges: tuple[tuple[int | None, int, int], ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """A measured value compares so with a number; `word` names it in topics/filter/words.py."""

    word: str
    direction: Direction | None
    comparison: Comparison
    number: float


@dataclass(frozen=True, slots=True)
class State:
    """Something happened in the flow, by the word for it."""

    word: str


@dataclass(frozen=True, slots=True)
class Flag:
    """Something happened in a direction of the flow, by the word for it."""

    word: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class Encapsulated:
    """The flow came in an encapsulation, given as bits."""

    direction: Direction
    bits: int


@dataclass(frozen=True, slots=True)
class Observed:
    """The record was made at a place: `srcid` compares probe and interface, `sid`, `inf` and `site` one name."""

    word: str
    name: str


@dataclass(frozen=True, slots=True)
class Router:
    """An ICMP error about the flow came from this network."""

    network: Network


@dataclass(frozen=True, slots=True)
class Compared:
    """A printable field compares so with a constant: a number in the unit that is printed, or a text."""

    field: str
    comparison: Comparison
    constant: float | str


@dataclass(frozen=True, slots=True)
class Matched:
    """A regular expression is found in the text of a printable field."""

    field: str
    pattern: str


@dataclass(frozen=True, slots=True)
class AddressListed:
    """An IP address of the record, or that of the router that sent an ICMP error, is in a list."""

    direction: Direction | Literal["router"]
    networks: NetworkSet


@dataclass(frozen=True, slots=True)
class Listed:
    """A printable field has one of the values of a list, which was read from a file."""

    field: str
    source: str
    constants: tuple[float | str, ...] = dataclasses.field(repr=False)


@dataclass(frozen=True, slots=True)
class PortListed:
    """A port of the record is in a list."""

    direction: Direction
    source: str
    ports: tuple[int, ...] = dataclasses.field(repr=False)


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
