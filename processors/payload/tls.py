"""Hellos of TLS (RFC 8446, RFC 5246): names, versions, ciphers, and fingerprints of what a client offers: JA3, JA4."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from processors.payload.message import Message, Octets, Short, Wrong, printable

START = re.compile(rb"[\x14-\x18]\x03[\x00-\x04]")
HANDSHAKE, ALERT = 22, 21
CONTENTS = {20: "change cipher spec", 21: "alert", 23: "application data", 24: "heartbeat"}
CLIENT, SERVER = 1, 2
VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
JA4_VERSIONS = {0x0300: "s3", 0x0301: "10", 0x0302: "11", 0x0303: "12", 0x0304: "13"}
NAME, GROUPS, POINTS, SIGNATURES, ALPN, SUPPORTED = 0, 10, 11, 13, 16, 43
NOTHING = "000000000000"
MOST = 512
ALERTS = {
    0: "close notify",
    10: "unexpected message",
    40: "handshake failure",
    42: "bad certificate",
    45: "certificate expired",
    46: "certificate unknown",
    48: "unknown CA",
    70: "protocol version",
    80: "internal error",
    112: "unrecognized name",
    120: "no application protocol",
}


class Hello(NamedTuple):
    """What one side offers; extensions are in the order they came in, with their content."""

    version: int
    ciphers: list[int]
    extensions: list[tuple[int, bytes]]


def read(octets: Octets, message: Message) -> None:
    """Read the first record of a TLS connection."""
    content, version, size = octets.number(1), octets.number(2), octets.number(2)
    if content != HANDSHAKE:
        message.say(VERSIONS.get(version, f"0x{version:04x}"), CONTENTS.get(content, f"content {content}"))
        if content == ALERT and size == 2:
            _alert(octets, message)
        return
    kind, length = octets.number(1), octets.number(3)
    if kind not in (CLIENT, SERVER):
        message.say(VERSIONS.get(version, f"0x{version:04x}"), "handshake")
        return
    message.say("client hello" if kind == CLIENT else "server hello")
    body = Octets(octets.data[octets.at : octets.at + length])
    (_client if kind == CLIENT else _server)(body, message)


def _alert(octets: Octets, message: Message) -> None:
    octets.take(1)
    number = octets.number(1)
    message.note("alert", ALERTS.get(number, str(number)))
    message.say(ALERTS.get(number, str(number)))


def _client(octets: Octets, message: Message) -> None:
    hello = Hello(octets.number(2), [], [])
    try:
        octets.take(32)
        octets.sized(1)
        hello.ciphers.extend(_numbers(octets.sized(2), 2))
        octets.sized(1)
        _extensions(octets, hello)
    finally:
        _say_client(hello, message)
    message.note("ja3", ja3(hello))
    message.note("ja4", ja4(hello))
    message.say(f"ja4={ja4(hello)}")


def _say_client(hello: Hello, message: Message) -> None:
    best = max(_offered(hello), default=hello.version)
    facts = {"sni": _server_name(hello), "alpn": _readable(_alpn(hello)), "offered": _version(best)}
    for name, value in facts.items():
        message.note(name, value)
        message.say(f"{name}={value}" if value else "")
    if hello.ciphers:
        count = len(_plain(hello.ciphers))
        message.note("ciphers", " ".join(f"{each:04x}" for each in _plain(hello.ciphers)))
        message.say(f"ciphers={count}")


def _server(octets: Octets, message: Message) -> None:
    version = octets.number(2)
    octets.take(32)
    octets.sized(1)
    hello = Hello(version, [octets.number(2)], [])
    octets.take(1)
    try:
        _extensions(octets, hello)
    finally:
        chosen = max(_offered(hello), default=version)
        facts = {"version": _version(chosen), "cipher": f"{hello.ciphers[0]:04x}", "protocol": _readable(_alpn(hello))}
        for name, value in facts.items():
            message.note(name, value)
            message.say(f"{name}={value}" if value else "")
    message.note("ja3s", _ja3s(hello))


def _extensions(octets: Octets, hello: Hello) -> None:
    """Take the extensions that are there in full; raises Short when one is not."""
    if not octets.left:
        return
    octets.take(2)
    while octets.left:
        if len(hello.extensions) >= MOST:
            raise Wrong(f"more than {MOST} extensions")
        kind = octets.number(2)
        hello.extensions.append((kind, octets.sized(2).data))


def ja3(hello: Hello) -> str:
    """Return the fingerprint JA3: MD5 over version, ciphers, extensions, groups and point formats, without GREASE."""
    parts = [
        [hello.version],
        _plain(hello.ciphers),
        _plain([kind for kind, _ in hello.extensions]),
        _plain(_listed(hello, GROUPS, 2, 2)),
        _listed(hello, POINTS, 1, 1),
    ]
    return _md5(parts)


def _ja3s(hello: Hello) -> str:
    return _md5([[hello.version], hello.ciphers, [kind for kind, _ in hello.extensions]])


def _md5(parts: list[list[int]]) -> str:
    text = ",".join("-".join(map(str, part)) for part in parts)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def ja4(hello: Hello) -> str:
    """Return the fingerprint JA4 of a hello over TCP: what it offers, and hashes of ciphers and extensions, sorted."""
    ciphers, kinds = _plain(hello.ciphers), _plain([kind for kind, _ in hello.extensions])
    best = max(_offered(hello), default=hello.version)
    protocols = _alpn(hello)
    letters = _ends(protocols[0]) if protocols else "00"
    named = "d" if NAME in kinds else "i"
    head = f"t{JA4_VERSIONS.get(best, '00')}{named}{min(len(ciphers), 99):02}{min(len(kinds), 99):02}{letters}"
    others = ",".join(f"{kind:04x}" for kind in sorted(kinds) if kind not in (NAME, ALPN))
    signatures = ",".join(f"{each:04x}" for each in _listed(hello, SIGNATURES, 2, 2))
    after = others + (f"_{signatures}" if signatures else "")
    return "_".join([head, _sha(",".join(f"{each:04x}" for each in sorted(ciphers))), _sha(after)])


def _ends(protocol: str) -> str:
    """Return the first and the last character of a protocol, of its hexadecimal form where one is not a letter."""
    ends = protocol[0] + protocol[-1]
    whole = protocol.encode("latin-1").hex()
    return ends if ends.isascii() and ends.isalnum() else whole[0] + whole[-1]


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else NOTHING


def _plain(numbers: list[int]) -> list[int]:
    """Return numbers without those that only keep servers tolerant (GREASE, RFC 8701)."""
    return [each for each in numbers if each & 0x0F0F != 0x0A0A or each >> 8 != each & 0xFF]


def _content(hello: Hello, wanted: int) -> Octets | None:
    return next((Octets(content) for kind, content in hello.extensions if kind == wanted), None)


def _listed(hello: Hello, wanted: int, size: int, each: int) -> list[int]:
    """Return the numbers that an extension lists; none when it is malformed."""
    content = _content(hello, wanted)
    try:
        return [] if content is None else _numbers(content.sized(size), each)
    except Short:
        return []


def _numbers(octets: Octets, size: int) -> list[int]:
    return [octets.number(size) for _ in range(min(octets.left // size, MOST))]


def _offered(hello: Hello) -> list[int]:
    """Return the versions that the extension for them names: a list from a client, one from a server."""
    content = _content(hello, SUPPORTED)
    if content is not None and content.left == 2:
        return [content.number(2)]
    return _plain(_listed(hello, SUPPORTED, 1, 2))


def _server_name(hello: Hello) -> str:
    content = _content(hello, NAME)
    try:
        if content is None or not content.left:
            return ""
        content.take(3)
        return printable(content.sized(2).data)
    except Short:
        return ""


def _alpn(hello: Hello) -> list[str]:
    content, found = _content(hello, ALPN), list[str]()
    try:
        names = Octets(b"") if content is None else content.sized(2)
        while names.left and len(found) < 16:
            found.append(names.sized(1).data.decode("latin-1"))
    except Short:
        pass
    return [name for name in found if name]


def _readable(names: list[str]) -> str:
    return printable(",".join(names).encode("latin-1"))


def _version(number: int) -> str:
    return VERSIONS.get(number, f"0x{number:04x}")
