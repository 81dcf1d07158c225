"""Values as SQL over the table `flows` of the databases we write (see sinks/sql): constants become parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from topics.errors import FilterError
from topics.expression.label_text import ESCAPED
from topics.expression.networks import MAPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from ipaddress import IPv4Network, IPv6Network

    from topics.expression.networks import NetworkSet
    from topics.expression.value import Value

Dialect = Literal["duckdb", "postgresql", "sqlite", "mysql"]
PLACEHOLDERS: dict[Dialect, str] = {"duckdb": "?", "postgresql": "%s", "sqlite": "?", "mysql": "%s"}
EMPTY_TEXT = ("labels", "site", "probe", "interface")
LINK_COLUMNS = {"src_address": "src_link_address", "dst_address": "dst_link_address"}
INTEGER, DOUBLE, TEXT = "bigint", "double precision", "text"
MYSQL_TYPES = {INTEGER: "SIGNED", DOUBLE: "DOUBLE", TEXT: "CHAR"}


class Statement(NamedTuple):
    """A condition as SQL, with a placeholder for each of its parameters in order."""

    text: str
    parameters: list[Any]


@dataclass
class Writer:
    """Writes one statement and gathers its parameters, in the order in which they are written."""

    dialect: Dialect
    parameters: list[Any] = field(default_factory=list)

    def write(self, value: Value) -> str:
        """Return a value as SQL."""
        own = _own_operations(self.dialect)
        return (own.get(value.operation) or OPERATIONS[value.operation])(self, *value.parts)

    def parameter(self, constant: object, kind: str) -> str:
        """Return what stands for a constant of a type."""
        return self.cast(self.bare(constant), kind)

    def bare(self, constant: object) -> str:
        """Return what stands for a constant as the driver hands it over."""
        self.parameters.append(constant)
        return PLACEHOLDERS[self.dialect]

    def cast(self, text: str, kind: str) -> str:
        """Return a value as one of another type."""
        return f"CAST({text} AS {MYSQL_TYPES[kind] if self.dialect == 'mysql' else kind})"

    @property
    def is_postgresql(self) -> bool:
        """Whether it is written for PostgreSQL."""
        return self.dialect == "postgresql"


def _own_operations(dialect: Dialect) -> Mapping[str, Callable[..., str]]:
    """Return what a dialect says in words of its own."""
    if dialect == "mysql":
        from topics.expression.sql_mysql import OPERATIONS as MYSQL

        return MYSQL
    if dialect == "sqlite":
        from topics.expression.sql_sqlite import OPERATIONS as SQLITE

        return SQLITE
    return {}


def statement(value: Value, dialect: Dialect) -> Statement:
    """Return a condition as SQL; raises FilterError for what a database cannot be asked."""
    writer = Writer(dialect)
    text = writer.write(value)
    return Statement(text, writer.parameters)


def _column(_: Writer, name: str) -> str:
    if name in EMPTY_TEXT:
        return f"COALESCE({name}, '')"
    return name


def _constant(writer: Writer, constant: Any) -> str:  # noqa: ANN401 - any literal
    if constant is None:
        return "NULL"
    if isinstance(constant, bool):
        return "TRUE" if constant else "FALSE"
    if isinstance(constant, str):
        return writer.parameter(constant, "text")
    if isinstance(constant, int):
        return writer.parameter(constant, INTEGER)
    return writer.parameter(float(constant), DOUBLE)


def _infix(sign: str, kind: str = "") -> Callable[[Writer, Value, Value], str]:
    def write(writer: Writer, left: Value, right: Value) -> str:
        parts = [writer.write(part) for part in (left, right)]
        if kind:
            parts = [writer.cast(part, kind) for part in parts]
        return f"({parts[0]} {sign} {parts[1]})"

    return write


def _quotient(writer: Writer, left: Value, right: Value) -> str:
    parts = [writer.write(part) for part in (left, right)]
    return f"({parts[0]} {'/' if writer.is_postgresql else '//'} {parts[1]})"


def _joined(word: str) -> Callable[..., str]:
    def write(writer: Writer, *parts: Value) -> str:
        return "(" + f" {word} ".join(writer.write(part) for part in parts) + ")"

    return write


def _call(name: str) -> Callable[..., str]:
    def write(writer: Writer, *parts: Value) -> str:
        return f"{name}({', '.join(writer.write(part) for part in parts)})"

    return write


def _is_in(writer: Writer, value: Value, constants: tuple[Any, ...]) -> str:
    if not constants:
        return "FALSE"
    text = writer.write(value)
    if all(isinstance(constant, str) for constant in constants):
        kind = "text"
    else:
        kind = INTEGER if all(isinstance(constant, int) for constant in constants) else DOUBLE
    return f"({text} = ANY({writer.parameter(list(constants), f'{kind}[]')}))"


def _between(writer: Writer, value: Value, low: int, high: int) -> str:
    text = writer.write(value)
    return f"({text} BETWEEN {writer.parameter(low, INTEGER)} AND {writer.parameter(high, INTEGER)})"


def _bits(writer: Writer, value: Value, mask: int) -> str:
    text = writer.write(value)
    return f"({writer.cast(text, INTEGER)} & {writer.parameter(mask, INTEGER)})"


def _bit_count(writer: Writer, value: Value) -> str:
    text = writer.cast(writer.write(value), INTEGER)
    return f"bit_count({text}::bit(64))" if writer.is_postgresql else f"bit_count({text})"


def _case(writer: Writer, *parts: Value) -> str:
    pairs = len(parts) // 2
    text = "CASE"
    for index in range(pairs):
        condition = writer.write(parts[2 * index])
        text += f" WHEN {condition} THEN {writer.write(parts[2 * index + 1])}"
    if len(parts) % 2:
        text += f" ELSE {writer.write(parts[-1])}"
    return f"{text} END"


def _word(writer: Writer, value: Value, words: Mapping[int, str], default: Value) -> str:
    numbers: dict[str, list[int]] = {}
    for number, word in words.items():
        numbers.setdefault(word, []).append(number)
    text = "CASE"
    for word, group in numbers.items():
        text += f" WHEN {writer.write(value.is_in(group))} THEN {writer.parameter(word, 'text')}"
    return f"{text} ELSE {writer.write(default)} END"


def _title(writer: Writer, value: Value) -> str:
    first = writer.write(value)
    return f"(upper(substr({first}, 1, 1)) || substr({writer.write(value)}, 2))"


def _part(writer: Writer, value: Value, start: int, length: int) -> str:
    return f"substr({writer.write(value)}, {int(start) + 1}, {int(length)})"


def _matches(writer: Writer, value: Value, pattern: str) -> str:
    text = writer.write(value)
    if writer.is_postgresql:
        return f"({text} ~ {writer.parameter(pattern, 'text')})"
    return f"regexp_matches({text}, {writer.parameter(pattern, 'text')})"


def _label(writer: Writer, value: Value, key: str) -> str:
    pattern = f"(?:^|:){key}=([^:]*)"
    text = writer.write(value)
    if writer.is_postgresql:
        return plain_label(writer, f"substring({text} from {writer.parameter(pattern, 'text')})")
    found = f"regexp_matches({text}, {writer.parameter(pattern, 'text')})"
    whole = f"CASE WHEN {found} THEN regexp_extract({writer.write(value)}, {writer.parameter(pattern, 'text')}, 1) END"
    return plain_label(writer, whole)


def plain_label(writer: Writer, text: str, kind: str = "text") -> str:
    """Write the value of a label with the characters that stand as their number in it."""
    for number, character in ESCAPED.items():
        text = f"replace({text}, {writer.parameter(number, kind)}, {writer.parameter(character, kind)})"
    return text


def _number(writer: Writer, value: Value) -> str:
    text = writer.write(value)
    if not writer.is_postgresql:
        return f"TRY_CAST({text} AS {DOUBLE})"
    decimal = r"'^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?$'"
    again = writer.write(value)
    return f"CASE WHEN {text} ~ {decimal} THEN CAST({again} AS {DOUBLE}) END"


def named(value: Value) -> str:
    """Return the column that a value is; raises FilterError when it is more than that."""
    if value.operation != "column":
        raise FilterError("filter: that part of a record cannot be asked of a database")
    return str(value.parts[0])


def where(writer: Writer, condition: Value | None, text: str) -> str:
    """Return SQL that is null where a condition does not hold."""
    return text if condition is None else f"CASE WHEN {writer.write(condition)} THEN {text} END"


def _ip_text(writer: Writer, value: Value, condition: Value | None) -> str:
    name = named(value)
    return where(writer, condition, f"host({name})" if writer.is_postgresql else name)


def _mac_text(writer: Writer, value: Value, condition: Value | None) -> str:
    name = named(value)
    return where(writer, condition, f"CAST({LINK_COLUMNS.get(name, name)} AS text)")


def _mac_is(writer: Writer, value: Value, mac: bytes) -> str:
    name = named(value)
    kind = "macaddr" if writer.is_postgresql else "text"
    return f"COALESCE({LINK_COLUMNS.get(name, name)} = {writer.parameter(mac.hex(':'), kind)}, FALSE)"


def _ip_within(writer: Writer, value: Value, network: IPv4Network | IPv6Network) -> str:
    name = named(value)
    if writer.is_postgresql:
        sign = "=" if network.prefixlen == network.max_prefixlen else "<<="
        return f"COALESCE({name} {sign} {writer.parameter(str(network), 'inet')}, FALSE)"
    if network.prefixlen == network.max_prefixlen:
        return f"COALESCE({name} = {writer.parameter(str(network.network_address), 'text')}, FALSE)"
    first, last = network.network_address.packed.hex(), network.broadcast_address.packed.hex()
    bounds = f"BETWEEN {writer.parameter(first, 'text')} AND {writer.parameter(last, 'text')}"
    return f"COALESCE({_hexadecimal(name, network.version)} {bounds}, FALSE)"


def _hexadecimal(name: str, version: int) -> str:
    """Return the digits of an address that DuckDB has as text, null for one of the other version."""
    if version == 4:
        octets = f"list_transform(string_split({name}, '.'), lambda x: printf('%02x', TRY_CAST(x AS integer)))"
        return f"CASE WHEN NOT contains({name}, ':') THEN array_to_string({octets}, '') END"
    parts = [
        f"list_transform(list_filter(string_split({half}, ':'), lambda x: x <> ''), lambda x: lpad(x, 4, '0'))"
        for half in (f"split_part({name}, '::', 1)", f"split_part({name}, '::', 2)")
    ]
    left, right = (f"array_to_string({part}, '')" for part in parts)
    zeros = f"repeat('0', 32 - length({left}) - length({right}))"
    return f"CASE WHEN contains({name}, ':') AND NOT contains({name}, '.') THEN {left} || {zeros} || {right} END"


def _ip_among(writer: Writer, value: Value, networks: NetworkSet) -> str:
    name = named(value)
    hosts = [_address(first) for first, last in networks.ranges if first == last]
    ranges = [pair for pair in networks.ranges if pair[0] != pair[1]]
    if writer.is_postgresql:
        listed = f"{name} = ANY({writer.parameter(hosts, 'inet[]')})"
        low, high = ([_address(pair[end]) for pair in ranges] for end in (0, 1))
        bounds = f"unnest({writer.parameter(low, 'inet[]')}, {writer.parameter(high, 'inet[]')}) AS listed(low, high)"
        within = f"family({name}) = family(low) AND {name} BETWEEN low AND high"
        return f"COALESCE({listed} OR EXISTS (SELECT 1 FROM {bounds} WHERE {within}), FALSE)"  # noqa: S608 - ours
    text = [f"{name} = ANY({writer.parameter(hosts, 'text[]')})"]
    for first, last in ranges:
        version = 4 if first.startswith(MAPPED) else 6
        size = 8 if version == 4 else 32
        low_end, high_end = (writer.parameter(end.hex()[-size:], "text") for end in (first, last))
        text.append(f"{_hexadecimal(name, version)} BETWEEN {low_end} AND {high_end}")
    return f"COALESCE({' OR '.join(text)}, FALSE)"


def _address(sixteen: bytes) -> str:
    from topics.address_text import ip_text

    return ip_text(sixteen)


def _hex_text(_: Writer, value: Value) -> str:
    return f"replace(CAST({named(value)} AS text), '-', '')"


def _impossible(what: str) -> Callable[..., str]:
    def refuse(_: Writer, *__: object) -> str:
        raise FilterError(f"filter: {what} cannot be asked of a database")

    return refuse


OPERATIONS: dict[str, Callable[..., str]] = {
    "column": _column,
    "constant": _constant,
    "add": _infix("+"),
    "subtract": _infix("-"),
    "multiply": _infix("*"),
    "divide": _infix("/", DOUBLE),
    "quotient": _quotient,
    "remainder": _call("mod"),
    "equal": _infix("="),
    "unequal": _infix("<>"),
    "less": _infix("<"),
    "less or equal": _infix("<="),
    "greater": _infix(">"),
    "greater or equal": _infix(">="),
    "and": _joined("AND"),
    "or": _joined("OR"),
    "not": lambda writer, part: f"(NOT {writer.write(part)})",
    "is in": _is_in,
    "between": _between,
    "has": lambda writer, value, bits: f"({writer.write(value.bits(bits))} <> 0)",
    "bits": _bits,
    "joined bits": _infix("|", INTEGER),
    "bit count": _bit_count,
    "known": lambda writer, value: f"({writer.write(value)} IS NOT NULL)",
    "or else": _call("COALESCE"),
    "square root": _call("sqrt"),
    "absolute": _call("abs"),
    "number text": lambda writer, value: writer.cast(writer.write(value), TEXT),
    "latin text": _impossible("payload"),
    "title": _title,
    "start of": lambda writer, value, length: _part(writer, value, 0, length),
    "character": lambda writer, value, place: _part(writer, value, place, 1),
    "slice": _impossible("the ends of a tunnel"),
    "size": lambda writer, value: f"COALESCE(octet_length({writer.write(value)}), 0)",
    "matches": _matches,
    "label": _label,
    "number": _number,
    "least": _call("least"),
    "greatest": _call("greatest"),
    "concatenated": _joined("||"),
    "word": _word,
    "case": _case,
    "ip text": _ip_text,
    "community id": _impossible("a community id"),
    "class network": _impossible("a network by class"),
    "ip within": _ip_within,
    "ip among": _ip_among,
    "mac text": _mac_text,
    "mac is": _mac_is,
    "hex text": _hex_text,
    "in spans": _impossible("a time range with wildcards"),
}
