"""Protocols that are lines of text: HTTP (RFC 9112), SIP (RFC 3261), and how SSH, FTP, SMTP and the like greet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from processors.payload.message import Message, Octets, Short, Wrong, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_HEAD = 8192
HTTP_METHODS = (
    *(b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"TRACE", b"PATCH"),
    *(b"PROPFIND", b"SEARCH", b"NOTIFY", b"M-SEARCH", b"SUBSCRIBE", b"REPORT", b"MKCOL"),
)
SIP_METHODS = (
    *(b"REGISTER", b"INVITE", b"ACK", b"BYE", b"CANCEL", b"OPTIONS", b"SUBSCRIBE", b"NOTIFY", b"INFO", b"UPDATE"),
    *(b"PRACK", b"REFER", b"MESSAGE", b"PUBLISH"),
)
HTTP_START = re.compile(rb"(?:" + b"|".join(HTTP_METHODS) + rb") [^ \r\n]|HTTP/[12]\.[0-9] ")
SIP_START = re.compile(rb"(?:" + b"|".join(SIP_METHODS) + rb") sips?:|SIP/2\.0 ", re.IGNORECASE)
STATUS = re.compile(rb"(?:HTTP|SIP)/([0-9.]{1,5}) +([0-9]{3})(?: +([^\r\n]*))?")
REQUEST = re.compile(rb"([A-Z-]{1,16}) +([^ \r\n]+)(?: +(?:HTTP|SIP)/([0-9.]{1,5}))?")
HTTP_HEADERS = {
    b"host": "host",
    b"user-agent": "agent",
    b"server": "server",
    b"content-type": "type",
    b"content-length": "length",
    b"location": "location",
    b"referer": "referer",
    b"authorization": "authorization",
}
SIP_HEADERS = {
    b"from": "from",
    b"f": "from",
    b"to": "to",
    b"t": "to",
    b"call-id": "call",
    b"i": "call",
    b"user-agent": "agent",
    b"server": "agent",
    b"contact": "contact",
    b"m": "contact",
}
SHOWN = {"http": ("host", "location", "agent", "server", "type"), "sip": ("from", "to", "agent")}


def read_http(octets: Octets, message: Message) -> None:
    """Read the head of a request or of an answer."""
    _read(octets, message, HTTP_HEADERS, "uri")


def read_sip(octets: Octets, message: Message) -> None:
    """Read the head of a request or of an answer."""
    _read(octets, message, SIP_HEADERS, "uri")


def read_line(octets: Octets, message: Message) -> None:
    """Take the first line, as servers greet and clients answer."""
    line = re.split(rb"[\r\n]", octets.data[:LONGEST_HEAD], maxsplit=1)[0]
    message.note("line", printable(line))
    message.say(printable(line))


def _read(octets: Octets, message: Message, wanted: dict[bytes, str], target: str) -> None:
    head, end, _ = octets.data[:LONGEST_HEAD].partition(b"\r\n\r\n")
    first, *lines = head.split(b"\n")
    status, request = STATUS.match(first), REQUEST.match(first)
    if status:
        message.note("version", status[1].decode())
        message.note("status", int(status[2]))
        message.say(status[2].decode(), printable(status[3] or b"").rstrip("."))
    elif request:
        message.note("method", request[1].decode())
        message.note(target, printable(request[2]))
        message.note("version", (request[3] or b"").decode())
        message.say(request[1].decode(), printable(request[2]))
    else:
        raise Wrong("no first line")
    _headers(lines if end else lines[:-1], message, wanted)
    if not end and len(octets.data) < LONGEST_HEAD:
        raise Short


def _headers(lines: Iterable[bytes], message: Message, wanted: dict[bytes, str]) -> None:
    """Note the headers of lines that are there in full."""
    for line in lines:
        name, colon, value = line.partition(b":")
        fact = wanted.get(name.strip().lower())
        text = printable(value.strip())
        if fact and colon:
            message.note(fact, int(text) if fact == "length" and text.isdecimal() else text)
    for fact in SHOWN[message.protocol]:
        shown = message.facts.get(f"{message.protocol}.{fact}")
        message.say(f"{fact}={shown}" if shown else "")
