"""The nodes: an operation and its parts. Operators build them, as they do in Polars and SQLAlchemy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from ipaddress import IPv4Network, IPv6Network

    from topics.expression.networks import NetworkSet

Literal = int | float | str | bytes | bool | None
"""A constant: in SQL a parameter, never text."""


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """One value of each record: a column, a constant, or an operation on other values.

    Nothing that is missing takes part: an operation on null is null, and `least`, `greatest` and `total_of` leave
    nulls out. Integers never overflow the 64 bits they are computed in.
    """

    operation: str
    parts: tuple[object, ...]

    def __add__(self, other: Value | float) -> Value:
        return Value("add", (self, lit(other)))

    def __sub__(self, other: Value | float) -> Value:
        return Value("subtract", (self, lit(other)))

    def __mul__(self, other: Value | float) -> Value:
        return Value("multiply", (self, lit(other)))

    def __truediv__(self, other: Value | float) -> Value:
        return Value("divide", (self, lit(other)))

    def __floordiv__(self, other: Value | int) -> Value:
        return Value("quotient", (self, lit(other)))

    def __mod__(self, other: Value | int) -> Value:
        return Value("remainder", (self, lit(other)))

    def __and__(self, other: Value) -> Value:
        return all_of((self, other))

    def __or__(self, other: Value) -> Value:
        return any_of((self, other))

    def __invert__(self) -> Value:
        return Value("not", (self,))

    def __eq__(self, other: Value | Literal) -> Value:  # type: ignore[override]  # builds a comparison, as in Polars
        return Value("equal", (self, lit(other)))

    def __ne__(self, other: Value | Literal) -> Value:  # type: ignore[override]  # as above
        return Value("unequal", (self, lit(other)))

    def __lt__(self, other: Value | Literal) -> Value:
        return Value("less", (self, lit(other)))

    def __le__(self, other: Value | Literal) -> Value:
        return Value("less or equal", (self, lit(other)))

    def __gt__(self, other: Value | Literal) -> Value:
        return Value("greater", (self, lit(other)))

    def __ge__(self, other: Value | Literal) -> Value:
        return Value("greater or equal", (self, lit(other)))

    __hash__ = object.__hash__

    def is_in(self, constants: Iterable[float | str]) -> Value:
        """Tell whether the value is one of these."""
        return Value("is in", (self, tuple(constants)))

    def is_between(self, low: int, high: int) -> Value:
        """Tell whether the value lies between these, both included."""
        return Value("between", (self, low, high))

    def has(self, bits: int) -> Value:
        """Tell whether an integer has any of these bits."""
        return Value("has", (self, int(bits)))

    def bits(self, mask: int) -> Value:
        """Return those of these bits that an integer has."""
        return Value("bits", (self, int(mask)))

    def joined(self, other: Value) -> Value:
        """Return the bits that either of two integers has."""
        return Value("joined bits", (self, other))

    def bit_count(self) -> Value:
        """Return how many bits of an integer are set."""
        return Value("bit count", (self,))

    def known(self) -> Value:
        """Tell whether there is a value."""
        return Value("known", (self,))

    def or_else(self, other: Value | Literal) -> Value:
        """Return another value where there is none."""
        return Value("or else", (self, lit(other)))

    def sure(self) -> Value:
        """Return a condition that is false where it cannot be told."""
        return self.or_else(NEVER)

    def clip(self, low: int) -> Value:
        """Return the value, `low` where it is less."""
        return when(self < low).then(low).otherwise(self)

    def sqrt(self) -> Value:
        """Return the square root."""
        return Value("square root", (self,))

    def abs(self) -> Value:
        """Return the value without its sign."""
        return Value("absolute", (self,))

    def number_text(self) -> Value:
        """Return an integer in decimal digits."""
        return Value("number text", (self,))

    def title(self) -> Value:
        """Return a word with a capital."""
        return Value("title", (self,))

    def starting(self, length: int) -> Value:
        """Return the first so many characters of a text."""
        return Value("start of", (self, length))

    def size(self) -> Value:
        """Return how many bytes there are."""
        return Value("size", (self,))

    def matches(self, pattern: str) -> Value:
        """Tell whether a regular expression is found in a text."""
        return Value("matches", (self, pattern))

    def latin_text(self) -> Value:
        """Return bytes as text, each the character of its number."""
        return Value("latin text", (self,))

    def label(self, key: str) -> Value:
        """Return what labels (`key=value:key=value`) say of a key, null where they do not."""
        return Value("label", (self, key))

    def number(self) -> Value:
        """Return a text as the number it is, null where it is none."""
        return Value("number", (self,))

    def character(self, place: int) -> Value:
        """Return one character of a text."""
        return Value("character", (self, place))

    def slice(self, start: int, length: int) -> Value:
        """Return some of the bytes."""
        return Value("slice", (self, start, length))

    def ip_text(self, where: Value | None = None) -> Value:
        """Return the 16 bytes of an address as text, null where the condition does not hold."""
        return Value("ip text", (self, where))

    def class_network(self, where: Value) -> Value:
        """Return the network that an IPv4 address was in when networks had classes, IPv6 addresses as they are."""
        return Value("class network", (self, where))

    def ip_within(self, network: IPv4Network | IPv6Network) -> Value:
        """Tell whether 16 bytes are an address of a network."""
        return Value("ip within", (self, network))

    def ip_among(self, networks: NetworkSet) -> Value:
        """Tell whether 16 bytes are an address of one of many networks."""
        return Value("ip among", (self, networks))

    def mac_text(self, where: Value | None = None) -> Value:
        """Return 6 bytes, or the last 6 of 16, as a MAC address, null where the condition does not hold."""
        return Value("mac text", (self, where))

    def mac_is(self, mac: bytes) -> Value:
        """Tell whether 6 bytes, or the last 6 of 16, are this MAC address."""
        return Value("mac is", (self, mac))

    def hex_text(self) -> Value:
        """Return bytes as hexadecimal digits."""
        return Value("hex text", (self,))


def col(name: str) -> Value:
    """Return a column of topics/frame.py. Times are integers (ns), words and labels text, absent times null."""
    return Value("column", (name,))


def lit(constant: Value | Literal) -> Value:
    """Return a constant as a value; a value as it is."""
    return constant if isinstance(constant, Value) else Value("constant", (constant,))


ALWAYS, NEVER = Value("constant", (True,)), Value("constant", (False,))


def all_of(conditions: Iterable[Value]) -> Value:
    """Tell whether all conditions hold."""
    return Value("and", tuple(conditions))


def any_of(conditions: Iterable[Value]) -> Value:
    """Tell whether one of the conditions holds."""
    return Value("or", tuple(conditions))


def least(*values: Value) -> Value:
    """Return the least of the values there are."""
    return Value("least", values)


def greatest(*values: Value) -> Value:
    """Return the greatest of the values there are."""
    return Value("greatest", values)


def first_of(*values: Value) -> Value:
    """Return the first of the values there are."""
    first, *others = values
    for other in others:
        first = first.or_else(other)
    return first


def total_of(values: Iterable[Value]) -> Value:
    """Return the sum of several values."""
    first, *others = values
    for other in others:
        first += other
    return first


def concat(*texts: Value | str) -> Value:
    """Return texts one after the other."""
    return Value("concatenated", tuple(lit(text) for text in texts))


def lookup(value: Value, words: Mapping[int, str], default: Value | str | None) -> Value:
    """Return the word for an integer, `default` where it has none."""
    return Value("word", (value, words, lit(default)))


def community_id() -> Value:
    """Return the community id of each flow with IP addresses; the same for others means nothing."""
    names = ("src_address", "dst_address", "src_port", "dst_port", "protocol", "dst_packets")
    return Value("community id", tuple(map(col, names)))


class _Then:
    def __init__(self, choices: tuple[object, ...], condition: Value) -> None:
        self._choices, self._condition = choices, condition

    def then(self, value: Value | Literal) -> Case:
        return Case((*self._choices, self._condition, lit(value)))


class Case(Value):
    """A choice: the value of the first condition that holds, null without one."""

    __slots__ = ()

    def __init__(self, choices: tuple[object, ...]) -> None:
        super().__init__("case", choices)

    def when(self, condition: Value) -> _Then:
        """Add a condition."""
        return _Then(self.parts, condition)

    def otherwise(self, value: Value | Literal) -> Value:
        """Say what it is where no condition holds."""
        return Value("case", (*self.parts, lit(value)))


def when(condition: Value) -> _Then:
    """Begin a choice: `when(condition).then(value)`, perhaps `.when(...).then(...)`, perhaps `.otherwise(value)`."""
    return _Then((), condition)


def column_names(value: Value) -> set[str]:
    """Return the names of all columns that a value is made of."""
    return {str(node.parts[0]) for node in _nodes(value) if node.operation == "column"}


def _nodes(value: Value) -> Iterator[Value]:
    waiting = [value]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [part for part in node.parts if isinstance(part, Value)]
