"""DNS, multicast DNS, LLMNR and NetBIOS names (RFC 1035, RFC 1002), as far as a payload was kept."""

from __future__ import annotations

import struct

import dpkt

from processors.payload.message import Message, Octets, Short, Wrong
from topics.dns.numbers import OPCODES, code_text, type_text
from topics.dns.pieces import LAYOUTS, texts
from topics.dns.text import data_text, readable

ANSWER, AUTHORITATIVE, CUT, RECURSE = 0x8000, 0x0400, 0x0200, 0x0100
MOST_RECORDS = 16
NETBIOS_ONLY = (32, 33)  # types whose data is another with DNS
NETBIOS_NAME = 32


def read(octets: Octets, message: Message, *, stream: bool) -> None:
    """Read a message; over TCP it has its length in front."""
    if stream:
        octets = Octets(octets.data[2 : 2 + octets.number(2)])
    number, flags = octets.number(2), octets.number(2)
    counts = [octets.number(2) for _ in range(4)]
    message.note("id", number)
    opcode = flags >> 11 & 15
    marks = "".join(letter for bit, letter in ((AUTHORITATIVE, "*"), (CUT, "|"), (RECURSE, "+")) if flags & bit)
    message.say(f"{number}{marks}", "" if not opcode else OPCODES.get(opcode, f"OPCODE{opcode}"))
    if flags & ANSWER:
        message.note("rcode", code_text(flags & 15))
        message.say(code_text(flags & 15) if flags & 15 else "")
    for place in range(min(counts[0], MOST_RECORDS)):
        _question(octets, message, first=not place, answer=bool(flags & ANSWER))
    if flags & ANSWER:
        message.note("answers", counts[1])
        message.say("/".join(map(str, counts[1:])))
        _answers(octets, message, counts[1])


def _question(octets: Octets, message: Message, *, first: bool, answer: bool) -> None:
    name = _name(octets, message)
    if first:
        message.note("name", name)
    kind = type_text(octets.number(2), message.protocol)
    octets.take(2)
    if first:
        message.note("type", kind)
    message.say(f"{kind}? {readable(name)}" if not answer else f"{kind} {readable(name)}:")


def _answers(octets: Octets, message: Message, count: int) -> None:
    shown: list[str] = []
    try:
        for _ in range(min(count, MOST_RECORDS)):
            _name(octets, message)
            kind = octets.number(2)
            octets.take(6)
            size, start = octets.number(2), octets.at
            octets.take(size)
            known = 0 if message.protocol == "netbios" and kind in NETBIOS_ONLY else kind
            text = _data(octets.data, known, start, size)
            shown.append(f"{type_text(kind, message.protocol)} {text}")
    finally:
        message.note("data", ", ".join(shown))
        message.say(", ".join(shown))
    if count > MOST_RECORDS:
        message.say(f"and {count - MOST_RECORDS} more")


def _data(payload: bytes, kind: int, start: int, size: int) -> str:
    layout = LAYOUTS.get(kind, "")
    if size and "n" in layout:
        try:
            return " ".join(texts(layout, payload, start, start + size, _unpacked))
        except (ValueError, IndexError):
            pass
    return data_text(kind, payload[start : start + size])


def _name(octets: Octets, message: Message) -> str:
    name, octets.at = _unpacked(octets.data, octets.at)
    return _netbios(name) if message.protocol == "netbios" else name


def _unpacked(payload: bytes, at: int) -> tuple[str, int]:
    """Return the name at a place and where it ends; dpkt follows the pointers, and no loop of them."""
    try:
        name, end = dpkt.dns.unpack_name(payload, at)
    except (dpkt.NeedData, IndexError, struct.error):
        raise Short from None
    except (dpkt.UnpackError, UnicodeDecodeError, ValueError):
        raise Wrong("a name that cannot be") from None
    if end > len(payload):
        raise Short
    return name or ".", end


def _netbios(name: str) -> str:
    """Return a name that NetBIOS spread over twice its letters (RFC 1001 14.1)."""
    letters = name.split(".", 1)[0]
    if len(letters) != NETBIOS_NAME or not all("A" <= letter <= "P" for letter in letters):
        return name
    raw = bytes((ord(letters[at]) - 65) << 4 | (ord(letters[at + 1]) - 65) for at in range(0, NETBIOS_NAME, 2))
    return f"{raw[:15].rstrip(b' ').decode('latin-1')}<{raw[15]:02x}>"
