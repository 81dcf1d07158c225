"""What the data of resource records is made of, piece by piece, as text of master files (RFC 1035 5.1)."""

from __future__ import annotations

import base64
import string
from datetime import UTC, datetime
from socket import AF_INET, AF_INET6, inet_ntop
from typing import TYPE_CHECKING

from topics.dns.numbers import type_text

if TYPE_CHECKING:
    from collections.abc import Callable

    Name = Callable[[bytes, int], tuple[str, int]]

# By type. n a name, b, h and w a number of 8, 16 or 32 bits, t a type, d a date, c a string, s strings to the end,
# g a string that has no quotes, q all that is left as one string, x as hexadecimal, k as base 64, l octets that are
# counted as hexadecimal, o as base 32, m a map of types, p parameters of SVCB.
LAYOUTS = {
    **dict.fromkeys((2, 3, 4, 5, 7, 8, 9, 12, 39), "n"),
    6: "nnwwwww",
    13: "ss",
    14: "nn",
    15: "hn",
    16: "s",
    17: "nn",
    18: "hn",
    25: "hbbk",
    26: "hnn",
    33: "hhhn",
    35: "hhcccn",  # RFC 3403
    36: "hn",
    37: "hhbk",
    **dict.fromkeys((43, 59), "hbbx"),  # RFC 4034
    44: "bbx",
    46: "tbbwddhnk",
    47: "nm",
    **dict.fromkeys((48, 60), "hbbk"),
    50: "bbhlom",  # RFC 5155
    51: "bbhl",
    52: "bbbx",
    **dict.fromkeys((64, 65), "hnp"),  # RFC 9460
    99: "s",
    256: "hhq",
    257: "bgq",  # RFC 8659
}
PARAMETERS = ("mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath")
PLAIN = frozenset((string.ascii_letters + string.digits + string.punctuation).encode()) - frozenset(b'.\\"')
TAG = frozenset((string.ascii_letters + string.digits).encode())


def name_at(data: bytes, at: int) -> tuple[str, int]:
    """Return the unpacked name at a place, and where it ends; raises IndexError or ValueError when it is none."""
    labels = []
    while size := data[at]:
        if at + 1 + size > len(data):
            raise ValueError
        labels.append("".join(map(_escaped, data[at + 1 : at + 1 + size])))
        at += 1 + size
    return ".".join(labels) or ".", at + 1


def texts(layout: str, data: bytes, at: int, end: int, name: Name = name_at) -> list[str]:
    """Return the pieces of the data from a place up to an end, names as `name` reads them.

    Raises ValueError or IndexError when they are not all there, or something is left.
    """
    found = []
    for piece in layout:
        text, at = name(data, at) if piece == "n" else READERS[piece](data[:end], at)
        if at > end:
            raise ValueError
        found.append(text)
    if at < end:
        raise ValueError
    return [text for text in found if text]


def _taken(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise ValueError
    return data[at : at + size]


def _number(size: int) -> Name:
    return lambda data, at: (str(int.from_bytes(_taken(data, at, size))), at + size)


def _rest(text: Callable[[bytes], str]) -> Name:
    return lambda data, at: (text(data[at:]), len(data))


def _counted(text: Callable[[bytes], str]) -> Name:
    return lambda data, at: (text(_taken(data, at + 1, data[at])), at + 1 + data[at])


def _type(data: bytes, at: int) -> tuple[str, int]:
    return type_text(int.from_bytes(_taken(data, at, 2))), at + 2


def _date(data: bytes, at: int) -> tuple[str, int]:
    return datetime.fromtimestamp(int.from_bytes(_taken(data, at, 4)), UTC).strftime("%Y%m%d%H%M%S"), at + 4


def _strings(data: bytes, at: int) -> tuple[str, int]:
    found = []
    while at < len(data):
        stop = at + 1 + data[at]
        found.append(quoted(data[at + 1 : stop]))
        at = stop
    return " ".join(found), len(data)


def _tag(data: bytes) -> str:
    if not data or not TAG.issuperset(data):
        raise ValueError
    return data.decode()


def _types(data: bytes, at: int) -> tuple[str, int]:
    """Return the types of windows of 256 (RFC 4034 4.1.2)."""
    found = []
    while at < len(data):
        window, size = _taken(data, at, 2)
        for place, octet in enumerate(_taken(data, at + 2, size)):
            found += [type_text(window << 8 | place << 3 | bit) for bit in range(8) if octet & 0x80 >> bit]
        at += 2 + size
    return " ".join(found), at


def _parameters(data: bytes, at: int) -> tuple[str, int]:
    found = []
    while at < len(data):
        key, size = (int.from_bytes(_taken(data, at + place, 2)) for place in (0, 2))
        found.append(_parameter(key, _taken(data, at + 4, size)))
        at += 4 + size
    return " ".join(found), at


def _parameter(key: int, value: bytes) -> str:
    name = _key(key)
    match name:
        case "mandatory":
            text = ",".join(_key(int.from_bytes(_taken(value, at, 2))) for at in range(0, len(value), 2))
        case "alpn":
            text = _strings(value, 0)[0].replace('" "', ",")
        case "port":
            text = str(int.from_bytes(_taken(value, 0, 2)))
        case "ipv4hint" | "ipv6hint":
            family, size = (AF_INET, 4) if name == "ipv4hint" else (AF_INET6, 16)
            text = ",".join(inet_ntop(family, value[at : at + size]) for at in range(0, len(value), size))
        case "ech":
            text = _base64(value)
        case _:
            text = quoted(value) if value else ""
    return f"{name}={text}" if text else name


def _key(number: int) -> str:
    return PARAMETERS[number] if number < len(PARAMETERS) else f"key{number}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _hexadecimal(data: bytes) -> str:
    return data.hex().upper()


def _escaped(byte: int) -> str:
    if byte in b".\\":
        return "\\" + chr(byte)
    return chr(byte) if 33 <= byte <= 126 else f"\\{byte:03d}"


def quoted(text: bytes) -> str:
    r"""Return a string between quotes, what is not plain as `\DDD`."""
    return '"' + "".join(chr(byte) if byte in PLAIN or byte in b" ." else f"\\{byte:03d}" for byte in text) + '"'


READERS: dict[str, Name] = {
    "b": _number(1),
    "h": _number(2),
    "w": _number(4),
    "t": _type,
    "d": _date,
    "c": _counted(quoted),
    "s": _strings,
    "g": _counted(_tag),
    "q": _rest(quoted),
    "x": _rest(_hexadecimal),
    "k": _rest(_base64),
    "l": _counted(lambda salt: _hexadecimal(salt) or "-"),
    "o": _counted(lambda digest: base64.b32hexencode(digest).decode().rstrip("=")),
    "m": _types,
    "p": _parameters,
}
