"""What manages networks: SNMP (RFC 3416, RFC 3412) and BGP (RFC 4271)."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import NamedTuple

from processors.payload.message import MOST_ITEMS, Fact, Message, Octets, Short, Wrong, printable

SNMP_VERSIONS = {0: "v1", 1: "v2c", 3: "v3"}
SNMP_KINDS = {
    0xA0: "get",
    0xA1: "get-next",
    0xA2: "response",
    0xA3: "set",
    0xA4: "trap",
    0xA5: "get-bulk",
    0xA6: "inform",
    0xA7: "trap",
    0xA8: "report",
}
INTEGER, OCTETS, OBJECT_ID, SEQUENCE, OLD_TRAP = 0x02, 0x04, 0x06, 0x30, 0xA4
LARGEST_NUMBER, LONGEST_OID = 8, 128
BGP_MARKER = b"\xff" * 16
BGP_KINDS = {1: "OPEN", 2: "UPDATE", 3: "NOTIFICATION", 4: "KEEPALIVE", 5: "ROUTE-REFRESH"}
BGP_ERRORS = {
    1: "message header",
    2: "open",
    3: "update",
    4: "hold timer expired",
    5: "state machine",
    6: "cease",
    7: "route refresh",
}
AS_PATH, NEXT_HOP = 2, 3
WIDE_AS = 65  # capability of RFC 6793


class Element(NamedTuple):
    """An element of BER: its tag and content, which is `short` where the payload ends before it does."""

    tag: int
    content: Octets
    short: bool


def read_snmp(octets: Octets, message: Message) -> None:
    """Read a message of SNMP up to its variables."""
    whole = _element(octets)
    if whole.tag != SEQUENCE:
        raise Wrong("no sequence of BER")
    inside = whole.content
    version = _integer(inside)
    word = SNMP_VERSIONS.get(version, f"version {version}")
    message.note("version", word)
    message.say(f"SNMP{word}")
    if version == 3:
        _version_three(inside, message)
        return
    community = message.secret(printable(_wanted(inside, OCTETS).rest()))
    message.note("community", community)
    message.say(f"community={community}")
    _request(inside, message)


def _version_three(octets: Octets, message: Message) -> None:
    header, parameters = _wanted(octets, SEQUENCE), _wanted(octets, OCTETS)
    for _ in range(2):
        _integer(header)
    flags = _wanted(header, OCTETS).number(1)
    security = _wanted(parameters, SEQUENCE)
    engine = _wanted(security, OCTETS).rest().hex()
    for _ in range(2):
        _integer(security)
    user = printable(_wanted(security, OCTETS).rest())
    for name, value in {"engine": engine, "user": user}.items():
        message.note(name, value)
        message.say(f"{name}={value}" if value else "")
    message.say("encrypted" if flags & 2 else "", "authenticated" if flags & 1 else "")
    if not flags & 2:
        scoped = _wanted(octets, SEQUENCE)
        for _ in range(2):
            _wanted(scoped, OCTETS)
        _request(scoped, message)


def _request(octets: Octets, message: Message) -> None:
    request = _element(octets)
    kind = SNMP_KINDS.get(request.tag, f"type 0x{request.tag:02x}")
    message.note("request", kind)
    message.say(kind)
    inside = request.content
    if request.tag == OLD_TRAP:
        message.note("oids", _oid(_wanted(inside, OBJECT_ID).rest()))
        message.say(str(message.facts.get("snmp.oids", "")))
        return
    for _ in range(3):
        _integer(inside)
    listed, found = _wanted(inside, SEQUENCE), list[str]()
    try:
        while listed.left and len(found) < MOST_ITEMS:
            found.append(_oid(_wanted(_wanted(listed, SEQUENCE), OBJECT_ID).rest()))
    finally:
        message.note("oids", " ".join(found))
        message.say(*found[:4], f"and {len(found) - 4} more" if len(found) > 4 else "")
    if request.short:
        raise Short


def _element(octets: Octets) -> Element:
    """Return the next element; its length is checked against what there is."""
    tag, length = octets.number(1), octets.number(1)
    if length & 0x80:
        size = length & 0x7F
        if not 0 < size <= 4:
            raise Wrong("a length that BER does not allow here")
        length = octets.number(size)
    short = length > octets.left
    return Element(tag, Octets(octets.take(min(length, octets.left))), short)


def _wanted(octets: Octets, tag: int) -> Octets:
    element = _element(octets)
    if element.tag != tag:
        raise Wrong(f"BER type 0x{element.tag:02x} instead of 0x{tag:02x}")
    return element.content


def _integer(octets: Octets) -> int:
    content = _wanted(octets, INTEGER).rest()
    if not content:
        raise Short
    if len(content) > LARGEST_NUMBER:
        raise Wrong("a number of more than 64 bits")
    return int.from_bytes(content, signed=True)


def _oid(data: bytes) -> str:
    numbers, value = list[int](), 0
    for octet in data[:LONGEST_OID]:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(value)
            value = 0
        elif value >> 32:
            raise Wrong("an object id of more than 32 bits a number")
    first = [] if not numbers else [min(numbers[0] // 40, 2), numbers[0] - 40 * min(numbers[0] // 40, 2)]
    return ".".join(map(str, [*first, *numbers[1:]]))


def read_bgp(octets: Octets, message: Message) -> None:
    """Read the messages of BGP that a payload begins with."""
    for number in range(MOST_ITEMS):
        if number and octets.left < 19:
            return
        if octets.take(16) != BGP_MARKER:
            raise Wrong("no marker")
        length, kind = octets.number(2), octets.number(1)
        if not 19 <= length <= 65_535:
            raise Wrong(f"a length of {length}")
        word = BGP_KINDS.get(kind, f"type {kind}")
        message.note("message", word)
        message.say(word)
        short = length - 19 > octets.left
        body = Octets(octets.take(min(length - 19, octets.left)))
        if kind in BGP_READERS:
            BGP_READERS[kind](body, message)
        if short:
            raise Short


def _open(octets: Octets, message: Message) -> None:
    octets.take(1)
    number, hold, router = octets.number(2), octets.number(2), str(IPv4Address(octets.take(4)))
    number = _wide_as(octets.sized(1)) or number
    facts: dict[str, Fact] = {"as": number, "hold": hold, "router": router}
    for name, value in facts.items():
        message.note(name, value)
        message.say(f"{name}={value}")


def _wide_as(parameters: Octets) -> int:
    """Return the number of four bytes that a capability tells, 0 for none (RFC 5492, RFC 6793)."""
    while parameters.left >= 2:
        kind, content = parameters.number(1), parameters.sized(1)
        while kind == 2 and content.left >= 2:
            code, value = content.number(1), content.sized(1)
            if code == WIDE_AS and value.left == 4:
                return value.number(4)
    return 0


def _update(octets: Octets, message: Message) -> None:
    withdrawn = _prefixes(octets.sized(2))
    attributes = octets.sized(2)
    while attributes.left >= 3:
        flags, kind = attributes.number(1), attributes.number(1)
        value = attributes.sized(2 if flags & 0x10 else 1)
        if kind == NEXT_HOP and value.left == 4:
            message.note("hop", str(IPv4Address(value.take(4))))
        elif kind == AS_PATH:
            message.note("path", _path(value))
    announced = _prefixes(octets)
    for name, prefixes in {"withdrawn": withdrawn, "announced": announced}.items():
        message.note(name, " ".join(prefixes))
        message.say(f"{name} {' '.join(prefixes[:4])}" if prefixes else "")
        message.say(f"and {len(prefixes) - 4} more" if len(prefixes) > 4 else "")
    for name in ("path", "hop"):
        known = message.facts.get(f"bgp.{name}")
        message.say(f"{name}={known}" if known else "")


def _path(octets: Octets) -> str:
    """Return a path of AS numbers; whether they have two bytes or four is told by which fits."""
    for size in (4, 2):
        attempt, found = Octets(octets.data), list[int]()
        try:
            while attempt.left:
                attempt.take(1)
                count = attempt.number(1)
                found += [attempt.number(size) for _ in range(count)]
        except Short:
            continue
        return " ".join(map(str, found[:MOST_ITEMS]))
    return ""


def _prefixes(octets: Octets) -> list[str]:
    found = list[str]()
    while octets.left and len(found) < MOST_ITEMS:
        bits = octets.number(1)
        if bits > 32:
            raise Wrong(f"a prefix of {bits} bits")
        found.append(f"{IPv4Address(octets.take((bits + 7) // 8).ljust(4, bytes(1)))}/{bits}")
    return found


def _notification(octets: Octets, message: Message) -> None:
    code, detail = octets.number(1), octets.number(1)
    message.note("error", f"{BGP_ERRORS.get(code, code)}/{detail}")
    message.say(f"{BGP_ERRORS.get(code, code)}/{detail}")


BGP_READERS = {1: _open, 2: _update, 3: _notification}
