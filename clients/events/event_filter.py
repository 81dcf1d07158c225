"""The filter language over events: `tcp and dst port 443 and user = ann`, asked of each row of an event's tables.

A row has its own columns and those of its event. Words about packets, which events have none of, are refused.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from functools import singledispatch
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

from topics import filter as filters
from topics.errors import FilterError
from topics.events.codec import EVENT_RECORD
from topics.expression.networks import sixteen
from topics.filter import tree, words
from topics.filter.compiler import COMPARISONS
from topics.filter.vocabulary import Vocabulary
from topics.schema import schema_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from topics.expression.networks import NetworkSet

Row = dict[str, Any]

SECOND = 1_000_000_000
NUMBERS = {"int", "long", "double", "float"}
TIMES = {"start", "end", "stime", "ltime", "time", "received", "opened"}
SIDES: dict[str, tuple[str, ...]] = {
    "src": ("local", "source", "sender", "address"),
    "dst": ("remote", "destination"),
    "local": ("local", "address"),
    "remote": ("remote",),
}
PORTS: dict[str, tuple[str, ...]] = {
    "src": ("local_port", "source_port"),
    "dst": ("remote_port", "destination_port"),
    "local": ("local_port",),
    "remote": ("remote_port",),
}
PLACES = {"srcid": ("probe",), "sid": ("probe",), "inf": ("interface",), "site": ("site",), "node": ("site",)}
WITH_PORTS = (6, 17)


class Held(NamedTuple):
    """What a field of events holds."""

    holds: str
    scale: float = 1


class Scope(NamedTuple):
    """A row and its event, each as `raevent -M json` shows it."""

    row: Row
    event: Row

    def values(self, name: str) -> list[Any]:
        """Return what a name means here: of the row, and of the event."""
        alias = {"stime": "start", "ltime": "end"}.get(name, name)
        return [part[alias] for part in self if alias in part and not isinstance(part[alias], dict | list)]


@functools.cache
def forms() -> dict[str, Held]:
    """Return what may be asked of events: all columns of their schema, and those of the envelope."""
    found = {name: Held("text") for name in ("probe", "site", "kind", "source", "status", "reason", "errors", "output")}
    found |= {name: Held("number") for name in ("dur", "size", "missed", "part", "sequence", "boot_id", "exit_status")}
    found |= {name: Held("text") for name in ("table", "name")} | {"value": Held("either")}
    found |= {name: Held("time") for name in ("start", "end", "stime", "ltime")}
    for name, kind in _columns():
        found.setdefault(name, Held("time" if name in TIMES else "number" if kind in NUMBERS else "text"))
    return found


def _columns() -> Iterator[tuple[str, str]]:
    fields = {field["name"]: field for field in schema_json(EVENT_RECORD)["fields"]}
    for body in fields["body"]["type"][1:]:
        for field in body["fields"]:
            kind = field["type"]
            if isinstance(kind, dict) and kind["type"] == "array":
                yield from ((row["name"], str(row["type"])) for row in kind["items"]["fields"])
            elif not isinstance(kind, dict):
                yield field["name"], str(kind)


EVENTS = Vocabulary(forms, lambda name: forms()[name])


def event_filter(text: str) -> Callable[[Row, Row], bool] | None:
    """Return what tells whether a row of an event is wanted, None for an empty filter; raises FilterError."""
    node = filters.parse(text, EVENTS)
    if node is None:
        return None
    asks = asked(node)
    return lambda row, event: asks(Scope(row, event))


@singledispatch
def asked(node: tree.Node) -> Callable[[Scope], bool]:
    """Return what a condition asks of a row; raises FilterError for what events cannot answer."""
    words_of = re.sub(r"(?<!^)([A-Z])", r" \1", type(node).__name__).lower()
    word = getattr(node, "word", "")
    raise FilterError(f"filter: '{word or words_of}' is about the packets of a flow, which events do not have")


@asked.register
def _(node: tree.All) -> Callable[[Scope], bool]:
    parts = [asked(part) for part in node.parts]
    return lambda scope: all(part(scope) for part in parts)


@asked.register
def _(node: tree.Any) -> Callable[[Scope], bool]:
    parts = [asked(part) for part in node.parts]
    return lambda scope: any(part(scope) for part in parts)


@asked.register
def _(node: tree.Not) -> Callable[[Scope], bool]:
    part = asked(node.part)
    return lambda scope: not part(scope)


@asked.register
def _(node: tree.State) -> Callable[[Scope], bool]:
    if node.word not in words.RECORDS:
        raise FilterError(f"filter: '{node.word}' is about the packets of a flow, which events do not have")
    return lambda _: node.word == "event"


@asked.register
def _(node: tree.Protocol) -> Callable[[Scope], bool]:
    if node.word in words.ANY:
        return lambda _: True
    if node.word in words.IP_VERSIONS:
        versions = {"ip": {4, 6}, "ipv4": {4}, "ipv6": {6}}[node.word]
        return lambda scope: any(_version(text) in versions for text in _sided(scope, "either", SIDES))
    if node.word not in words.IP_PROTOCOLS:
        raise FilterError(f"filter: '{node.word}' is about the packets of a flow, which events do not have")
    return lambda scope: scope.row.get("protocol") in words.IP_PROTOCOLS[node.word]


@asked.register
def _(node: tree.ProtocolNumber) -> Callable[[Scope], bool]:
    compare = COMPARISONS[node.comparison]
    return lambda scope: "protocol" in scope.row and compare(scope.row["protocol"], node.number)


@asked.register
def _(node: tree.Address) -> Callable[[Scope], bool]:
    return _directed(node.direction, SIDES, lambda text: _within(text, node.network))


@asked.register
def _(node: tree.AddressListed) -> Callable[[Scope], bool]:
    if node.direction == "router":
        raise FilterError("filter: 'inode' is about the packets of a flow, which events do not have")
    return _directed(node.direction, SIDES, lambda text: _among(text, node.networks))


@asked.register
def _(node: tree.Hardware) -> Callable[[Scope], bool]:
    return lambda scope: scope.row.get("mac") == node.mac.hex(":")


@asked.register
def _(node: tree.Ports) -> Callable[[Scope], bool]:
    def in_ranges(scope: Scope) -> Callable[[Any], bool]:
        protocol = scope.row.get("protocol")
        ranges = [each for each in node.ranges if protocol == each[0] or (each[0] is None and protocol in WITH_PORTS)]
        return lambda port: any(low <= port <= high for _, low, high in ranges)

    return lambda scope: _directed(node.direction, PORTS, in_ranges(scope))(scope)


@asked.register
def _(node: tree.PortListed) -> Callable[[Scope], bool]:
    ports = frozenset(node.ports)
    return _directed(node.direction, PORTS, lambda port: port in ports)


@asked.register
def _(node: tree.Measure) -> Callable[[Scope], bool]:
    if node.word != "dur" or node.direction is not None:
        raise FilterError(f"filter: '{node.word}' is about the packets of a flow, which events do not have")
    compare = COMPARISONS[node.comparison]
    return lambda scope: compare(scope.event["end"] - scope.event["start"], node.number)


@asked.register
def _(node: tree.Observed) -> Callable[[Scope], bool]:
    return lambda scope: any(node.name == value for name in PLACES[node.word] for value in scope.values(name))


@asked.register
def _(node: tree.Compared) -> Callable[[Scope], bool]:
    is_time = forms()[node.field].holds == "time"
    constant = _plain(node.constant / SECOND if is_time and not isinstance(node.constant, str) else node.constant)
    compare = COMPARISONS[node.comparison]
    together = all if node.comparison == "neq" else any

    def holds(scope: Scope) -> bool:
        values = [_alike(value, constant) for value in scope.values(node.field)]
        known = [value for value in values if value is not None]
        return bool(known) and together(compare(value, constant) for value in known)

    return holds


@asked.register
def _(node: tree.Listed) -> Callable[[Scope], bool]:
    constants = frozenset(map(_plain, node.constants))
    return lambda scope: any(_plain(value) in constants for value in scope.values(node.field))


@asked.register
def _(node: tree.Matched) -> Callable[[Scope], bool]:
    pattern = re.compile(node.pattern)
    return lambda scope: any(pattern.search(str(value)) for value in scope.values(node.field))


def _directed(
    direction: str, columns: Mapping[str, tuple[str, ...]], holds: Callable[[Any], bool]
) -> Callable[[Scope], bool]:
    if direction == "both":
        return lambda scope: all(any(map(holds, _sided(scope, side, columns))) for side in ("src", "dst"))
    return lambda scope: any(map(holds, _sided(scope, direction, columns)))


def _sided(scope: Scope, direction: str, columns: Mapping[str, tuple[str, ...]]) -> Iterable[Any]:
    names = (*columns["src"], *columns["dst"]) if direction == "either" else columns[direction]
    return [scope.row[name] for name in names if name in scope.row]


@functools.lru_cache(65_536)
def _packed(text: str) -> bytes:
    """Return the bytes of an address, none of what is no address: `*`, or the name of a source."""
    try:
        return ip_address(text).packed
    except ValueError:
        return b""


def _version(text: str) -> int:
    return {4: 4, 16: 6}.get(len(_packed(text)), 0)


def _within(text: str, network: tree.Network) -> bool:
    return _version(text) == network.version and ip_address(text) in network


def _among(text: str, networks: NetworkSet) -> bool:
    packed = sixteen(_packed(text))
    return bool(_packed(text)) and any(first <= packed <= last for first, last in networks.ranges)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a number or a text
    """Return an address as it is printed, everything else as it is."""
    packed = _packed(value) if isinstance(value, str) and (":" in value or "." in value) else b""
    return str(ip_address(packed)) if packed else value


def _alike(value: Any, constant: Any) -> Any:  # noqa: ANN401 - numbers or texts
    """Return a value as what it is compared with, None where it cannot be that."""
    if isinstance(constant, str):
        return _plain(str(value))
    try:
        return float(value)
    except ValueError:
        return None
