"""What SQLite says in words of its own. Functions that it lacks are ours, for the connections that we open."""

from __future__ import annotations

import functools
import json
import math
import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from topics.expression.label_text import plain
from topics.expression.networks import sixteen
from topics.expression.sql import DOUBLE, INTEGER, LINK_COLUMNS, named, where

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from ipaddress import IPv4Network, IPv6Network

    from topics.expression.networks import NetworkSet
    from topics.expression.sql import Writer
    from topics.expression.value import Value


def _is_in(writer: Writer, value: Value, constants: tuple[Any, ...]) -> str:
    if not constants:
        return "FALSE"
    return f"({writer.write(value)} IN (SELECT value FROM json_each({writer.bare(json.dumps(constants))})))"  # noqa: S608 - ours


def ignoring_null(function: str) -> Callable[..., str]:
    """Return what writes a function of two values that leaves nulls out, where the database's own does not."""

    def write(writer: Writer, *values: Value) -> str:
        first, *others = values
        if not others:
            return writer.write(first)
        parts = [writer.write(first), write(writer, *others)]
        parts += [writer.write(first), write(writer, *others)]  # parameters go with each mention
        return f"COALESCE({function}({parts[0]}, {parts[1]}), {parts[2]}, {parts[3]})"

    return write


def _function(name: str) -> Callable[..., str]:
    def write(writer: Writer, value: Value, *constants: object) -> str:
        text = writer.write(value)
        return f"{name}({', '.join([text, *map(writer.bare, constants)])})"

    return write


def _remainder(writer: Writer, left: Value, right: Value) -> str:
    parts = [writer.write(part) for part in (left, right)]
    return f"({parts[0]} % {parts[1]})"


def _quotient(writer: Writer, left: Value, right: Value) -> str:
    parts = [writer.cast(writer.write(part), INTEGER) for part in (left, right)]
    return f"({parts[0]} / {parts[1]})"


def _divided(writer: Writer, left: Value, right: Value) -> str:
    parts = [writer.cast(writer.write(part), DOUBLE) for part in (left, right)]
    return f"({parts[0]} / {parts[1]})"


def _ip_text(_writer: Writer, value: Value, condition: Value | None) -> str:
    return where(_writer, condition, named(value))


def _mac_text(writer: Writer, value: Value, condition: Value | None) -> str:
    name = named(value)
    return where(writer, condition, LINK_COLUMNS.get(name, name))


def _mac_is(writer: Writer, value: Value, mac: bytes) -> str:
    name = named(value)
    return f"COALESCE({LINK_COLUMNS.get(name, name)} = {writer.bare(mac.hex(':'))}, FALSE)"


def _ip_within(writer: Writer, value: Value, network: IPv4Network | IPv6Network) -> str:
    name = named(value)
    if network.prefixlen == network.max_prefixlen:
        return f"COALESCE({name} = {writer.bare(str(network.network_address))}, FALSE)"
    ends = [writer.bare(end.packed) for end in (network.network_address, network.broadcast_address)]
    return f"COALESCE(argosy_packed({name}, {network.version}) BETWEEN {ends[0]} AND {ends[1]}, FALSE)"


def _ip_among(writer: Writer, value: Value, networks: NetworkSet) -> str:
    from topics.address_text import ip_text

    name = named(value)
    hosts = [ip_text(first) for first, last in networks.ranges if first == last]
    text = [f"{name} IN (SELECT value FROM json_each({writer.bare(json.dumps(hosts))}))"]  # noqa: S608 - ours
    for first, last in networks.ranges:
        if first != last:
            text.append(f"argosy_packed({name}, 0) BETWEEN {writer.bare(first)} AND {writer.bare(last)}")
    return f"COALESCE({' OR '.join(text)}, FALSE)"


OPERATIONS: dict[str, Callable[..., str]] = {
    "is in": _is_in,
    "least": ignoring_null("min"),
    "greatest": ignoring_null("max"),
    "remainder": _remainder,
    "quotient": _quotient,
    "divide": _divided,
    "bit count": _function("argosy_bit_count"),
    "square root": _function("argosy_sqrt"),
    "matches": _function("argosy_matches"),
    "label": _function("argosy_label"),
    "number": _function("argosy_number"),
    "size": lambda writer, value: f"COALESCE(length(CAST({writer.write(value)} AS BLOB)), 0)",
    "ip text": _ip_text,
    "mac text": _mac_text,
    "mac is": _mac_is,
    "ip within": _ip_within,
    "ip among": _ip_among,
    "hex text": lambda _, value: f"lower(hex({named(value)}))",
}
DECIMAL = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?")


def add_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that conditions use."""
    functions: dict[str, tuple[int, Callable[..., Any]]] = {
        "argosy_bit_count": (1, lambda number: None if number is None else int(number).bit_count()),
        "argosy_sqrt": (1, lambda number: None if number is None or number < 0 else math.sqrt(number)),
        "argosy_matches": (2, _matches),
        "argosy_label": (2, _label),
        "argosy_number": (1, _number),
        "argosy_packed": (2, _packed),
    }
    for name, (parameters, function) in functions.items():
        connection.create_function(name, parameters, function, deterministic=True)


def _matches(text: str | None, pattern: str) -> bool | None:
    return None if text is None else re.search(pattern, text) is not None


def _label(text: str | None, key: str) -> str | None:
    found = None if text is None else re.search(f"(?:^|:){key}=([^:]*)", text)
    return None if found is None else plain(found[1])


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and DECIMAL.fullmatch(text) else None


@functools.lru_cache(65_536)
def _packed(text: str | None, version: int) -> bytes | None:
    """Return the bytes of an address, null for one of another version; 16 of either for version 0."""
    if text is None:
        return None
    address = ip_address(text)
    if not version:
        return sixteen(address.packed)
    return address.packed if address.version == version else None
