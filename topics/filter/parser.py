"""The grammar: words to a tree.

    expression := term { (and | or) (term | value) }     both bind alike, from left to right, as in Argus
    term       := not term | ( expression ) | [protocol] [direction] [type] [comparison] value | a word alone
                | [protocol] [direction] type in FILE | FIELD comparison value | FIELD ~ PATTERN | FIELD in FILE
    direction  := src | dst | src or dst | src and dst | lcl | rmt | lcl or rmt | lcl and rmt

A value without a type takes the one before it: `port 80 or 443`. Without a direction either will do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from topics.errors import FilterError
from topics.filter import lists, tree, values, words
from topics.filter.vocabulary import FLOWS
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.filter.lexer import Token
    from topics.filter.vocabulary import Vocabulary

MAX_DEPTH = 64
MAX_TURNS = 128
IP_NUMBERS = {"tcp": 6, "udp": 17, "sctp": 132}


class Head(NamedTuple):
    """What stands before a value: protocol, direction and type, each perhaps left out."""

    protocol: str = ""
    direction: tree.Direction | None = None
    kind: str = ""

    @property
    def either(self) -> tree.Direction:
        """The direction, either when none was given."""
        return self.direction or "either"


# Fields that the language has words of its own for.
FIELD_HEADS = {
    "saddr": Head("", "src", "addr"),
    "daddr": Head("", "dst", "addr"),
    "sport": Head("", "src", "port"),
    "dport": Head("", "dst", "port"),
    "smac": Head("ether", "src", "host"),
    "dmac": Head("ether", "dst", "host"),
}


class Parser:
    """Reads one expression; raises FilterError naming the word that does not fit and its column.

    `vocabulary` has the fields that may be compared, those of flow records unless others are given.
    """

    def __init__(self, tokens: list[Token], length: int, vocabulary: Vocabulary = FLOWS) -> None:
        self._tokens = tokens
        self._vocabulary = vocabulary
        self._end = length + 1
        self._position = 0
        self._depth = self._turns = 0
        self._last: Head | None = None  # of the value before, for the next one without a type

    def parse(self) -> tree.Node:
        """Return the tree of the whole expression."""
        node = self._expression()
        token = self._peek()
        if token is not None:
            raise FilterError(_unjoined(token, self._vocabulary))
        return node

    def _peek(self, ahead: int = 0) -> Token | None:
        position = self._position + ahead
        return self._tokens[position] if position < len(self._tokens) else None

    def _word(self, ahead: int = 0) -> str:
        """Return the next word if it may be a reserved one, else nothing."""
        token = self._peek(ahead)
        return "" if token is None or token.literal else token.text

    def _take(self, what: str) -> Token:
        token = self._peek()
        if token is None:
            raise FilterError(f"filter: ends at column {self._end} where {what} is expected")
        self._position += 1
        return token

    def _expression(self) -> tree.Node:
        node = self._term()
        while self._word() in {"and", "or"}:
            join = tree.All if self._take("").text == "and" else tree.Any
            if not isinstance(node, join):
                self._turn(join)
            right = self._term()
            node = join((*node.parts, right) if isinstance(node, join) else (node, right))
        return node

    def _turn(self, join: type[tree.All | tree.Any]) -> None:
        """Count how often `and` and `or` take turns: each time the tree grows a level."""
        self._turns += 1
        if self._turns > MAX_TURNS:
            word = "and" if join is tree.All else "or"
            column = self._tokens[self._position - 1].column
            raise FilterError(f"filter: '{word}' at column {column}: and, or take turns more than {MAX_TURNS} times")

    def _nested(self, read: Callable[[], tree.Node], token: Token) -> tree.Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FilterError(f"filter: {token.shown} is nested deeper than {MAX_DEPTH} levels")
        node = read()
        self._depth -= 1
        return node

    def _term(self) -> tree.Node:
        token = self._peek()
        if token is None:
            raise FilterError(f"filter: ends at column {self._end} where a condition is expected")
        if self._word() == "not":
            self._position += 1
            return tree.Not(self._nested(self._term, token))
        if self._word() == "(":
            self._position += 1
            node = self._nested(self._expression, token)
            self._close(token)
            return node
        return self._condition(token)

    def _close(self, opening: Token) -> None:
        token = self._take(f"the ')' for '(' at column {opening.column}")
        if token.text != ")":
            raise FilterError(_unjoined(token, self._vocabulary))

    def _condition(self, token: Token) -> tree.Node:
        if self._is_field():
            return self._of_field(self._take("a field"))
        protocol = self._protocol()
        direction = self._direction()
        word = self._word()
        if word in words.VALUE_TYPES and self._is_type(word):
            self._position += 1
            return self._typed(Head(protocol, direction, word))
        if word in words.FLAGS:
            self._position += 1
            return _within(protocol, tree.Flag(word, direction or "either"))
        if word in {words.BROADCAST, words.MULTICAST}:
            self._position += 1
            return _to_many(protocol, word, direction or "either")
        if protocol and direction is None and not self._starts_value() and not self._is_single(word):
            self._last = None
            return self._alone(protocol, token)
        if direction is None and self._is_single(word):
            self._position += 1
            self._last = None
            return _within(protocol, tree.State(word))
        return self._untyped(protocol, direction)

    def _is_field(self) -> bool:
        """Tell whether the next words are a printable field and what asks something of it."""
        word, operator = self._word(), self._word(1)
        if operator not in words.MATCHES and (
            word in words.VALUE_TYPES or (operator not in words.COMPARISONS and operator != "in")
        ):
            return False
        return word in self._vocabulary.names()

    def _of_field(self, token: Token) -> tree.Node:
        name, operator = token.text, self._word()
        form = self._vocabulary.form(name)
        self._last = None
        if operator in words.MATCHES:
            self._position += 1
            matched = tree.Matched(name, values.pattern(self._take("a pattern"), name, form))
            return matched if words.MATCHES[operator] else tree.Not(matched)
        if name in FIELD_HEADS:
            return self._typed(FIELD_HEADS[name])
        self._position += 1
        value = self._take(f"a value for '{name}'")
        if operator == "in":
            return lists.field_listed(name, value, form)
        comparison = cast("tree.Comparison", words.COMPARISONS[operator])
        return tree.Compared(name, comparison, values.constant(value, name, form))

    def _protocol(self) -> str:
        word = self._word()
        if word not in words.PROTOCOLS:
            return ""
        self._position += 1
        return word

    def _direction(self) -> tree.Direction | None:
        first = self._word()
        if first not in words.DIRECTIONS:
            return None
        self._position += 1
        join, second = self._word(), self._word(1)
        if join in {"and", "or"} and second in words.DIRECTIONS and second != first:
            self._position += 2
            return "both" if join == "and" else "either"
        return cast("tree.Direction", words.NEAREST.get(first, first))

    def _is_type(self, word: str) -> bool:
        """Tell whether a word that may also stand alone is followed by what makes it a type: `synack gt 0.1`."""
        alone = word in words.STATES or word in words.TCP_OPTIONS
        return not alone or self._word(1) in words.COMPARISONS

    def _is_single(self, word: str) -> bool:
        return word in words.STATES or word in words.UNREACHABLE or word in words.TCP_OPTIONS or word in words.RECORDS

    def _starts_value(self) -> bool:
        token = self._peek()
        return token is not None and (token.literal or values.is_address(token) or values.is_mac(token))

    def _alone(self, protocol: str, token: Token) -> tree.Node:
        if protocol in words.LINK:
            raise FilterError(f"filter: {token.shown} needs an address or 'proto' after it")
        return tree.Protocol(protocol)

    def _untyped(self, protocol: str, direction: tree.Direction | None) -> tree.Node:
        """Read a value that no type precedes: that of the condition before, else it has to be an address."""
        token = self._take("a value")
        self._position -= 1
        addressed = values.is_address(token) or values.is_mac(token)
        if protocol or direction is not None or self._last is None:
            if not addressed:
                raise FilterError(_misplaced(token, self._vocabulary, after_direction=direction is not None))
            return self._typed(Head(protocol, direction, "net" if "/" in token.text else "host"))
        if addressed and self._last.kind not in {*words.ADDRESS_TYPES, *words.OBSERVED}:
            return self._typed(Head(kind="net" if "/" in token.text else "host"))
        known = self._word() in words.COMPARISONS or token.literal or values.is_number(token) or addressed
        if not known and self._last.kind not in {"port", "proto", "encaps", "dsb", "dsbyte", *words.OBSERVED}:
            raise FilterError(_misplaced(token, self._vocabulary, after_direction=False))
        return self._typed(self._last)

    def _typed(self, head: Head) -> tree.Node:
        self._last = head
        if head.kind == "inode" and self._word() in {"host", "net", "addr"}:
            self._position += 1
        if self._word() == "(":
            return self._group(head)
        if self._word() == "in":
            self._position += 1
            return self._listed(head)
        comparison = words.COMPARISONS.get(self._word(), "")
        if comparison:
            self._position += 1
        node = self._value(head, cast("tree.Comparison", comparison or "eq"))
        self._last = head
        return node

    def _group(self, head: Head) -> tree.Node:
        """Read the values of one type in parentheses: `port (80 or 443)`."""
        opening = self._take("'('")
        node = self._nested(self._expression, opening)
        self._close(opening)
        self._last = head
        return node

    def _value(self, head: Head, comparison: tree.Comparison) -> tree.Node:
        token = self._take(f"a value for '{head.kind}'")
        if token.text == ")" or (token.text in {"and", "or", "not"} and not token.literal):
            raise FilterError(f"filter: {token.shown} stands where a value for '{head.kind}' is expected")
        node = self._leaf(head, comparison, token)
        return tree.Not(node) if comparison == "neq" and not isinstance(node, tree.Measure) else node

    def _listed(self, head: Head) -> tree.Node:
        file = self._take("the name of a file")
        kind = words.ADDRESS_TYPES.get(head.kind, head.kind)
        if kind in {"host", "net", "addr"} and head.protocol not in words.LINK:
            return _within(head.protocol, lists.addresses_listed(head.either, file))
        if kind == "inode":
            return lists.addresses_listed("router", file)
        if kind == "port":
            return _within(head.protocol, lists.ports_listed(head.either, file))
        raise FilterError(f"filter: {file.shown}: '{head.kind}' takes no list; fields, hosts, nets and ports do")

    def _leaf(self, head: Head, comparison: tree.Comparison, token: Token) -> tree.Node:
        kind = head.kind
        if kind in words.ADDRESS_TYPES:
            if comparison not in {"eq", "neq"}:
                raise FilterError(f"filter: {token.shown} is an address, which can be equal or not, nothing else")
            return self._address(head, words.ADDRESS_TYPES[kind], token)
        if kind == "class":
            return tree.Address(head.either, values.address_class(token))
        if kind == "co":
            return _country(head.either, token)
        if kind in words.OBSERVED:
            return tree.Observed(kind, token.written)
        if kind == "port":
            return _within(head.protocol, _ports(head, comparison, token))
        if kind == "proto":
            of_link = head.protocol in words.LINK or values.is_ethertype(token)
            number = values.protocol(token, of_link=of_link)
            return tree.ProtocolNumber("eq" if comparison == "neq" else comparison, number, of_link)
        if kind == "encaps":
            return tree.Encapsulated(head.either, _encapsulation(token))
        number_of = values.code_point if kind in {"dsb", "dsbyte"} else values.number
        return _within(head.protocol, tree.Measure(kind, head.direction, comparison, number_of(token)))

    def _address(self, head: Head, kind: str, token: Token) -> tree.Node:
        if values.is_mac(token) or head.protocol in words.LINK:
            return tree.Hardware(head.either, values.mac(token))
        mask = None
        if self._word() == "mask":
            self._position += 1
            mask = self._take("a network mask")
        whole = mask is None and "/" not in token.text and kind != "net"
        found = values.host(token) if whole else values.network(token, mask)
        if kind == "inode":
            return tree.Router(found)
        return _within(head.protocol, tree.Address(head.either, found))


def _within(protocol: str, node: tree.Node) -> tree.Node:
    return tree.All((tree.Protocol(protocol), node)) if protocol and protocol not in words.LINK else node


def _to_many(protocol: str, word: str, direction: tree.Direction) -> tree.Node:
    layer = "link" if protocol in words.LINK else "ip" if protocol else ""
    return _within(protocol, tree.Flag(f"{layer} {word}".strip(), direction))


def _ports(head: Head, comparison: tree.Comparison, token: Token) -> tree.Node:
    ranges = values.ports(token, IP_NUMBERS.get(head.protocol))
    if comparison in {"eq", "neq"}:
        return tree.Ports(head.either, ranges)
    compared = [(protocol, *_bounds(comparison, low, high)) for protocol, low, high in ranges]
    return tree.Ports(head.either, tuple(compared))


def _bounds(comparison: tree.Comparison, low: int, high: int) -> tuple[int, int]:
    if comparison in {"gt", "gte"}:
        return (high + 1 if comparison == "gt" else low), values.MAX_PORT
    return 0, (low - 1 if comparison == "lt" else high)


def _country(direction: tree.Direction, token: Token) -> tree.Node:
    parts = tuple(tree.Compared(f"{side[0]}co", "eq", token.written.upper()) for side in ("src", "dst"))
    if direction in {"src", "dst"}:
        return parts[0 if direction == "src" else 1]
    return tree.All(parts) if direction == "both" else tree.Any(parts)


def _encapsulation(token: Token) -> int:
    if token.text in words.ENCAPSULATIONS:
        return int(words.ENCAPSULATIONS[token.text])
    if values.is_number(token):
        return int(values.number(token))
    raise FilterError(f"filter: unknown encapsulation {token.shown}{suggestion(token.text, words.ENCAPSULATIONS)}")


def _unjoined(token: Token, vocabulary: Vocabulary) -> str:
    if token.literal or values.is_number(token) or token.text in words.every_word() or not token.text.isalpha():
        return f"filter: {token.shown} is not expected here, 'and' or 'or' is missing before it"
    near = suggestion(token.text, ("and", "or")) or suggestion(token.text, _known(vocabulary))
    return f"filter: unknown word {token.shown}{near}"


def _misplaced(token: Token, vocabulary: Vocabulary, *, after_direction: bool) -> str:
    if values.is_number(token):
        return f"filter: the number {token.shown} needs to be told what of: port, pkts, ttl, ..."
    if after_direction and token.text in words.every_word():
        return f"filter: {token.shown} cannot follow a direction"
    if token.text in words.every_word() or not token.text.isalnum():
        return f"filter: {token.shown} is not expected here"
    if token.text in vocabulary.names():
        return f"filter: {token.shown} is a field, to be compared: {token.text} eq VALUE, {token.text} in FILE, ..."
    return f"filter: unknown word {token.shown}{suggestion(token.text, _known(vocabulary))}"


def _known(vocabulary: Vocabulary) -> set[str]:
    return words.every_word() | set(vocabulary.names())
