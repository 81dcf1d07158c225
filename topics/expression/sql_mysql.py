"""What MySQL and MariaDB say in words of their own: addresses there are 16 bytes, IPv4 ones mapped into IPv6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from topics.errors import FilterError
from topics.expression.networks import MAPPED, sixteen
from topics.expression.sql import DOUBLE, INTEGER, LINK_COLUMNS, TEXT, named, plain_label, where
from topics.expression.sql_sqlite import ignoring_null

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Network, IPv6Network

    from topics.expression.networks import NetworkSet
    from topics.expression.sql import Writer
    from topics.expression.value import Value

DECIMAL = r"^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]{1,2})?$"
MAPPED_ENDS = MAPPED + bytes(4), MAPPED + b"\xff\xff\xff\xff"


def _is_in(writer: Writer, value: Value, constants: tuple[Any, ...]) -> str:
    if not constants:
        return "FALSE"
    text = writer.write(value)
    return f"({text} IN ({', '.join(map(writer.bare, constants))}))"


def _quotient(writer: Writer, left: Value, right: Value) -> str:
    parts = [writer.write(part) for part in (left, right)]
    return f"({parts[0]} DIV {parts[1]})"


def _bits(writer: Writer, value: Value, mask: int) -> str:
    text = writer.write(value)
    return f"CAST(CAST({text} AS SIGNED) & {writer.parameter(mask, INTEGER)} AS SIGNED)"


def _joined_bits(writer: Writer, left: Value, right: Value) -> str:
    parts = [writer.write(part) for part in (left, right)]
    return f"CAST(CAST({parts[0]} AS SIGNED) | CAST({parts[1]} AS SIGNED) AS SIGNED)"


def _matches(writer: Writer, value: Value, pattern: str) -> str:
    text = writer.write(value)
    return f"({text} REGEXP {writer.parameter(pattern, TEXT)})"


def _label(writer: Writer, value: Value, key: str) -> str:
    """Write what stands behind a key: there is no capture, so that what is found is cut."""
    condition = f"{writer.write(value)} REGEXP {writer.parameter(f'(?:^|:){key}=', TEXT)}"
    whole = _labelled(writer, value, key)
    said = f"CASE WHEN {condition} THEN substr({whole}, locate('=', {_labelled(writer, value, key)}) + 1) END"
    return plain_label(writer, said, TEXT)


def _labelled(writer: Writer, value: Value, key: str) -> str:
    return f"REGEXP_SUBSTR({writer.write(value)}, {writer.parameter(f'(?:^|:){key}=[^:]*', TEXT)})"


def _number(writer: Writer, value: Value) -> str:
    condition = f"{writer.write(value)} REGEXP {writer.parameter(DECIMAL, TEXT)}"
    return f"CASE WHEN {condition} THEN {writer.cast(writer.write(value), DOUBLE)} END"


def _ip_text(_writer: Writer, _value: Value, _condition: Value | None) -> str:
    raise FilterError(
        "filter: the text of an address cannot be asked of MySQL, which shortens addresses in its own way"
    )


def _mac_text(writer: Writer, value: Value, condition: Value | None) -> str:
    name = named(value)
    return where(writer, condition, writer.cast(LINK_COLUMNS.get(name, name), TEXT))


def _mac_is(writer: Writer, value: Value, mac: bytes) -> str:
    name = named(value)
    return f"COALESCE({LINK_COLUMNS.get(name, name)} = {writer.bare(mac.hex(':'))}, FALSE)"


def _bytes(writer: Writer, value: bytes) -> str:
    return f"UNHEX({writer.bare(value.hex())})"


def _range(writer: Writer, name: str, first: bytes, last: bytes) -> str:
    if first == last:
        return f"{name} = {_bytes(writer, first)}"
    return f"{name} BETWEEN {_bytes(writer, first)} AND {_bytes(writer, last)}"


def _ip_within(writer: Writer, value: Value, network: IPv4Network | IPv6Network) -> str:
    name = named(value)
    first, last = (sixteen(end.packed) for end in (network.network_address, network.broadcast_address))
    text = _range(writer, name, first, last)
    if network.version == 6 and first <= MAPPED_ENDS[0] and MAPPED_ENDS[1] <= last:
        text += f" AND NOT ({_range(writer, name, *MAPPED_ENDS)})"
    return f"COALESCE({text}, FALSE)"


def _ip_among(writer: Writer, value: Value, networks: NetworkSet) -> str:
    name = named(value)
    hosts = [first for first, last in networks.ranges if first == last]
    text = [f"{name} IN ({', '.join(_bytes(writer, host) for host in hosts)})"] if hosts else []
    text += [_range(writer, name, first, last) for first, last in networks.ranges if first != last]
    return f"COALESCE({' OR '.join(text)}, FALSE)" if text else "FALSE"


OPERATIONS: dict[str, Callable[..., str]] = {
    "is in": _is_in,
    "quotient": _quotient,
    "least": ignoring_null("least"),
    "greatest": ignoring_null("greatest"),
    "bits": _bits,
    "joined bits": _joined_bits,
    "matches": _matches,
    "label": _label,
    "number": _number,
    "ip text": _ip_text,
    "mac text": _mac_text,
    "mac is": _mac_is,
    "ip within": _ip_within,
    "ip among": _ip_among,
    "hex text": lambda _, value: f"lower(hex(CAST({named(value)} AS BINARY(16))))",
}
