"""Lists in files: `src host in FILE`, `port in FILE`, `FIELD in FILE`. One entry a line, `#` begins a comment."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, NetmaskValueError
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_pton
from typing import TYPE_CHECKING, Literal

from topics.errors import FilterError
from topics.expression.networks import NetworkSet
from topics.filter import tree, values
from topics.filter.lexer import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.filter.vocabulary import Form

MAX_LINE = 4096


def addresses_listed(direction: tree.Direction | Literal["router"], file: Token) -> tree.Node:
    """Return the condition that an address is in a file of addresses, networks and ranges; raises FilterError."""
    return tree.AddressListed(direction, read_networks(file.written))


def ports_listed(direction: tree.Direction, file: Token) -> tree.Node:
    """Return the condition that a port is in a file of numbers and names; raises FilterError."""
    ports: set[int] = set()
    for number, word in _entries(file.written):
        try:
            ports.update(port for _, low, high in values.ports(Token(word, 1), None) for port in range(low, high + 1))
        except FilterError:
            raise FilterError(f"filter: {file.written}: line {number}: '{word}' is no port") from None
    return tree.PortListed(direction, file.written, tuple(sorted(ports)))


def field_listed(name: str, file: Token, form: Form) -> tree.Node:
    """Return the condition that a field has a value of a file; raises FilterError."""
    if form.holds == "text":
        return tree.Listed(name, file.written, tuple(dict.fromkeys(word for _, word in _entries(file.written))))
    if form.holds != "number":
        raise FilterError(f"filter: {file.shown}: '{name}' takes no list")
    numbers = []
    for number, word in _entries(file.written):
        try:
            numbers.append(values.number(Token(word, 1)) * form.scale)
        except FilterError:
            raise FilterError(f"filter: {file.written}: line {number}: '{word}' is no number") from None
    return tree.Listed(name, file.written, tuple(dict.fromkeys(numbers)))


def read_networks(path: str) -> NetworkSet:
    """Return the addresses, networks (`10.0.0.0/8`) and ranges (`10.0.0.1-10.0.0.9`) of a file; raises FilterError."""
    ranges = []
    for number, word in _entries(path):
        try:
            ranges.append(_range(word))
        except (OSError, ValueError, AddressValueError, NetmaskValueError):
            raise FilterError(f"filter: {path}: line {number}: '{word[:80]}' is no address or network") from None
    return NetworkSet(ranges, path)


def _entries(path: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the first word of each line that has one."""
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), ""), start=1):
                word = line.partition("#")[0].split(None, 1)
                if word:
                    yield number, word[0]
    except OSError as error:
        raise FilterError(f"filter: {path}: {error.strerror}") from error


def _range(word: str) -> tuple[bytes, bytes]:
    """Return the first and last address; plain addresses, nearly all of a long list, take the short way."""
    if "/" in word:
        network = IPv6Network(word, strict=False) if ":" in word else IPv4Network(word, strict=False)
        return network.network_address.packed, network.broadcast_address.packed
    if "-" in word:
        first, last = (IPv6Address(end) if ":" in end else IPv4Address(end) for end in word.split("-"))
        if first.version != last.version or first.packed > last.packed:
            raise ValueError(word)
        return first.packed, last.packed
    address = inet_pton(AF_INET6 if ":" in word else AF_INET, word)
    return address, address
