"""Values in a filter expression: numbers, addresses, ports, names of protocols."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, NetmaskValueError
from typing import TYPE_CHECKING

from topics.errors import FilterError, UsageError
from topics.fields.names import ETHERTYPES as ETHERTYPE_NAMES
from topics.fields.names import code_points, ip_protocols
from topics.fields.services import all_service_names, service_ports
from topics.filter.words import ADDRESS_CLASSES
from topics.nearest import suggestion

if TYPE_CHECKING:
    from topics.filter.lexer import Token
    from topics.filter.tree import Network
    from topics.filter.vocabulary import Form

MAX_PORT = 0xFFFF
_INTEGER = re.compile(r"[+-]?(0x[0-9a-f]+|\d+)")
_FLOAT = re.compile(r"[+-]?(\d+\.\d*|\.\d+)(e[+-]?\d+)?|[+-]?\d+e[+-]?\d+")
_RANGE = re.compile(r"(0x[0-9a-f]+|\d+)-(0x[0-9a-f]+|\d+)")
_MAC = re.compile(r"[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}")
_DOTTED = re.compile(r"\d+(\.\d+){1,3}(/\d+)?")
MAX_DIGITS = 300
MAX_PATTERN = 1000
# Look-around, back references, Unicode classes and word boundaries: not all engines have them, or mean the same.
_NOT_EVERYWHERE = re.compile(r"\(\?|\\[1-9bBAZzpPkyQE<>]|[*+?}]\+|\[\[")


def is_number(token: Token) -> bool:
    """Tell whether a word is a number, or a range of numbers."""
    text = token.text
    return not token.literal and any(kind.fullmatch(text) for kind in (_INTEGER, _FLOAT, _RANGE))


def is_mac(token: Token) -> bool:
    """Tell whether a word is a MAC address."""
    return bool(_MAC.fullmatch(token.text))


def is_address(token: Token) -> bool:
    """Tell whether a word looks like an IP address or network, right or wrong."""
    text = token.text
    return bool(_DOTTED.fullmatch(text)) or (":" in text and not is_mac(token))


def mac(token: Token) -> bytes:
    """Return the 6 bytes of a MAC address; raises FilterError."""
    if not is_mac(token):
        raise FilterError(f"filter: {token.shown} is no MAC address")
    return bytes(int(octet, 16) for octet in token.text.split(":"))


def number(token: Token) -> float:
    """Return a number: decimal, 0x hexadecimal, octal after a 0, or with a fraction; raises FilterError."""
    text = token.text
    if len(text) > MAX_DIGITS:
        raise FilterError(f"filter: the number at column {token.column} has more than {MAX_DIGITS} digits")
    if not token.literal and _INTEGER.fullmatch(text):
        return _integer(text, token)
    if not token.literal and _FLOAT.fullmatch(text):
        return float(text)
    raise FilterError(f"filter: {token.shown} is no number")


def _integer(text: str, token: Token) -> int:
    digits = text.lstrip("+-")
    base = 16 if digits.startswith("0x") else 8 if digits.startswith("0") and len(digits) > 1 else 10
    try:
        value = int(digits, base)
    except ValueError:
        raise FilterError(f"filter: {token.shown} is no octal number, which a leading 0 makes of it") from None
    return -value if text.startswith("-") else value


def network(token: Token, mask: Token | None = None) -> Network:
    """Return an address or network, of a host when no length is given; raises FilterError."""
    text = token.text
    if mask is not None:
        text = f"{text}/{mask.text}"
    elif re.fullmatch(r"\d+(\.\d+){0,2}(/\d+)?", text):
        text = _completed(text)
    try:
        return IPv6Network(text, strict=False) if ":" in text else IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        raise FilterError(f"filter: {token.shown} is no IP address{_hint(token)}") from None


def _completed(text: str) -> str:
    """Make 10.1.0.0/16 of 10.1."""
    start, _, length = text.partition("/")
    octets = start.split(".")
    return ".".join([*octets, *["0"] * (4 - len(octets))]) + f"/{length or 8 * len(octets)}"


def _hint(token: Token) -> str:
    named = any(character.isalpha() for character in token.text) and ":" not in token.text
    return ", and names are not looked up" if named else ""


def host(token: Token) -> Network:
    """Return a whole address as a network of one; raises FilterError."""
    try:
        address = IPv6Address(token.text) if ":" in token.text else IPv4Address(token.text)
    except (AddressValueError, ValueError):
        raise FilterError(f"filter: {token.shown} is no IP address{_hint(token)}") from None
    return IPv4Network(address) if isinstance(address, IPv4Address) else IPv6Network(address)


def ports(token: Token, protocol: int | None) -> tuple[tuple[int | None, int, int], ...]:
    """Return the (protocol, lowest, highest) that a port, a range `a-b` or the name of a service stands for."""
    if _RANGE.fullmatch(token.text):
        low, high = (_port(_integer(part, token), token) for part in token.text.split("-"))
        return ((protocol, min(low, high), max(low, high)),)
    if is_number(token):
        port = _port(number(token), token)
        return ((protocol, port, port),)
    known = [(number, port) for number, port in service_ports(token.text) if protocol in (None, number)]
    if not known and service_ports(token.text):
        raise FilterError(f"filter: {token.shown} is no service of that protocol")
    if not known:
        raise FilterError(f"filter: unknown service {token.shown}{suggestion(token.text, all_service_names())}")
    return tuple((number, port, port) for number, port in sorted(known))


def _port(value: float, token: Token) -> int:
    if value != int(value) or not 0 <= value <= MAX_PORT:
        raise FilterError(f"filter: {token.shown} is no port, which goes from 0 to {MAX_PORT}")
    return int(value)


def is_ethertype(token: Token) -> bool:
    """Tell whether a word names an ethertype and no IP protocol: `proto arp`."""
    return token.text in ETHERTYPE_NAMES.values() and token.text not in ip_protocols().values()


def protocol(token: Token, *, of_link: bool) -> int:
    """Return the number of an IP protocol, of an ethertype for `of_link`, from a number or a name."""
    if is_number(token):
        return int(number(token))
    table = ETHERTYPE_NAMES if of_link else {**ip_protocols(), 4: "ipip", 6: "tcp"}
    names = {name: value for value, name in table.items()}
    if token.text not in names:
        kind = "ethertype" if of_link else "protocol"
        raise FilterError(f"filter: unknown {kind} {token.shown}{suggestion(token.text, names)}")
    return names[token.text]


def code_point(token: Token) -> float:
    """Return a DiffServ code point from its number or name."""
    names = {name: value for value, name in code_points().items()}
    if token.text in names:
        return names[token.text]
    if not is_number(token):
        raise FilterError(f"filter: unknown code point {token.shown}{suggestion(token.text, names)}")
    return number(token)


def address_class(token: Token) -> Network:
    """Return the addresses that were once a class: a, b, c, d or e; raises FilterError."""
    if token.text not in ADDRESS_CLASSES:
        raise FilterError(f"filter: {token.shown} is no class of addresses; there are a, b, c, d and e")
    return IPv4Network(ADDRESS_CLASSES[token.text])


def constant(token: Token, name: str, form: Form) -> float | str:
    """Return what a field is compared with: a number, an instant in ns, or text; raises FilterError."""
    holds = form.holds
    if holds == "number" or (holds == "either" and is_number(token) and not _RANGE.fullmatch(token.text)):
        return number(token)
    if holds == "time":
        return instant(token)
    if holds == "bytes":
        raise FilterError(f"filter: {token.shown}: '{name}' is payload, which can be searched with ~ only")
    return token.written


def instant(token: Token) -> int:
    """Return a time in ns since 1970: seconds since then, or a date and time as in a time range; raises FilterError."""
    from topics.timerange import begin

    if is_number(token) and not _RANGE.fullmatch(token.text):
        return int(number(token) * 1_000_000_000)
    try:
        return begin(token.written)
    except UsageError:
        raise FilterError(f"filter: {token.shown} is no time; write 1700000000 or 2026/03/10.09:00:00") from None


def pattern(token: Token, name: str, form: Form) -> str:
    """Return a regular expression that Polars, DuckDB and PostgreSQL all understand alike; raises FilterError."""
    if form.holds not in {"text", "bytes", "either"}:
        raise FilterError(f"filter: {token.shown}: '{name}' holds no text to search")
    text = token.written
    if len(text) > MAX_PATTERN:
        raise FilterError(f"filter: the pattern at column {token.column} has more than {MAX_PATTERN} characters")
    found = _NOT_EVERYWHERE.search(text.removeprefix("(?i)"))
    if found:
        raise FilterError(f"filter: '{found[0]}' in the pattern at column {token.column} is not understood everywhere")
    try:
        re.compile(text)
    except re.error as error:
        raise FilterError(f"filter: {token.shown} is no regular expression: {error.msg}") from None
    return text
