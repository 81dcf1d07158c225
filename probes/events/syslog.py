"""Messages of the system's log over UDP and TCP: RFC 5424, RFC 3164 and whatever else is sent to that port."""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from probes.events.parsing.text import address, short

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 8192  # bytes of a message; RFC 5424 asks for 2048
MOST_WAITING = 10_000
MOST_CONNECTIONS = 64
PIECE = 65_536
SECOND, MICROSECOND = 1_000_000_000, 1000
_PRIORITY = re.compile(r"<(\d{1,3})>")
_NEW = re.compile(r"1 (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) ")
_OLD = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (?:(\S{1,255}) )?")
_TAG = re.compile(r"([\w./-]{1,48})(?:\[(\w{1,32})\])?: ?")
_PARAMETER = re.compile(r' ([^ =\]"]{1,32})="((?:[^"\\\]]|\\.)*)"')
_ELEMENT = re.compile(r'\[([^ =\]"]{1,32})((?: [^ =\]"]{1,32}="(?:[^"\\\]]|\\.)*")*)\]')
_COUNT = re.compile(rb"(\d{1,7}) ")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
MOST_PARAMETERS = 64


def parse_message(data: bytes, received: int) -> dict[str, Any]:
    """Return a message as a row, without its sender; nothing is refused. `received` is in ns since the epoch."""
    text = data[:LONGEST].decode("utf-8", "replace").rstrip("\r\n\0")
    row: dict[str, Any] = {
        "received": received,
        "time": 0,
        "facility": -1,
        "severity": -1,
        "host": "",
        "application": "",
        "process": "",
        "message_id": "",
        "data": {},
    }
    found = _PRIORITY.match(text)
    if found and int(found[1]) < 192:
        row["facility"], row["severity"] = divmod(int(found[1]), 8)
        text = text[found.end() :]
    if found := _NEW.match(text):
        return row | _new(found, text[found.end() :])
    return row | _old(text, received)


def _new(found: re.Match[str], rest: str) -> dict[str, Any]:
    host, application, process, kind = ("" if word == "-" else word for word in found.groups()[1:])
    data: dict[str, str] = {}
    rest = rest.removeprefix("-")
    while element := _ELEMENT.match(rest):
        for name, value in _PARAMETER.findall(element[2])[:MOST_PARAMETERS]:
            data[f"{element[1]}.{name}"] = re.sub(r'\\(["\\\]])', r"\1", value)
        rest = rest[element.end() :]
    named = {"host": host, "application": application, "process": process, "message_id": kind}
    text = rest.removeprefix(" ").removeprefix("\ufeff")
    return named | {"time": _stamp(found[1]), "data": dict(list(data.items())[:MOST_PARAMETERS]), "text": text}


def _stamp(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return 0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return int(when.replace(microsecond=0).timestamp()) * SECOND + when.microsecond * MICROSECOND


def _old(text: str, received: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if found := _OLD.match(text):
        row = {"time": _dated(found, received), "host": found[6] or ""}
        text = text[found.end() :]
    if found := _TAG.match(text):
        row |= {"application": found[1], "process": found[2] or ""}
        text = text[found.end() :]
    return row | {"text": text}


def _dated(found: re.Match[str], received: int) -> int:
    """Return the time of a stamp without year and zone (RFC 3164): local time, of the year that brings it nearest."""
    now = datetime.fromtimestamp(received // SECOND).astimezone()
    try:
        month = MONTHS.index(found[1]) + 1
        day, hour, minute, second = (int(word) for word in found.groups()[1:5])
        when = datetime(now.year, month, day, hour, minute, second, tzinfo=now.tzinfo)
        if when - now > timedelta(days=180):
            when = when.replace(year=now.year - 1)
    except ValueError:
        return 0
    return int(when.timestamp()) * SECOND


class Frames:
    """Cuts a stream of TCP into messages: counted, or ended by newlines (RFC 6587)."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._skipping = False

    def take(self, piece: bytes) -> list[bytes]:
        """Add bytes; return what messages they complete. Of one longer than LONGEST the beginning is taken."""
        self._data += piece
        messages = []
        while (message := self._next()) is not None:
            if message:
                messages.append(message)
        return messages

    def _next(self) -> bytes | None:
        data = self._data
        counted = None if self._skipping else _COUNT.match(data)
        if counted and not self._skipping:
            size = int(counted[1])
            if size <= LONGEST:
                return self._cut(counted.end() + size, counted.end()) if len(data) >= counted.end() + size else None
        end = data.find(b"\n")
        if end < 0:
            if len(data) <= LONGEST:
                return None
            message = b"" if self._skipping else bytes(data[:LONGEST])
            data.clear()
            self._skipping = True
            return message
        line = self._cut(end + 1, 0)
        if self._skipping:
            self._skipping = False
            return b""
        return line.rstrip(b"\r\n")

    def _cut(self, end: int, start: int) -> bytes:
        message = bytes(self._data[start:end])
        del self._data[:end]
        return message


class SyslogListener:
    """Hears messages at `udp://HOST:PORT` and `tcp://HOST:PORT`. Raises OSError where it cannot listen.

    `clock` gives ns since the epoch. At most MOST_WAITING messages wait for `take`; what comes beyond is counted.
    """

    def __init__(self, addresses: list[tuple[str, str, int]], clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._waiting: deque[dict[str, Any]] = deque()
        self._dropped = 0
        self._connections = 0
        self.ports: list[int] = []
        try:
            for transport, host, port in addresses:
                self._listen(transport, host, port)
        except BaseException:
            self.close()
            raise

    def hear(self, seconds: float) -> None:
        """Wait for at most so long and take what came."""
        for key, _ in self._selector.select(seconds):
            kind, *others = key.data
            if kind == "udp":
                self._datagrams(key.fileobj)
            elif kind == "listen":
                self._accept(key.fileobj)
            else:
                self._stream(key.fileobj, *others)

    def take(self) -> dict[str, Any] | None:
        """Return what waits as the body of an event; None when nothing came."""
        if not self._waiting and not self._dropped:
            return None
        body = {"messages": list(self._waiting), "dropped": self._dropped}
        self._waiting.clear()
        self._dropped = 0
        return body

    def close(self) -> None:
        """Listen no more."""
        for key in list(self._selector.get_map().values()):
            with suppress(OSError, AttributeError):
                key.fileobj.close()  # type: ignore[union-attr]  # all are sockets
        self._selector.close()

    def _listen(self, transport: str, host: str, port: int) -> None:
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        family, _, _, _, where = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, kind)
        try:
            if transport == "tcp":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            if transport == "tcp":
                listener.listen(16)
            listener.setblocking(False)  # noqa: FBT003 - as the socket has it
            self._selector.register(listener, selectors.EVENT_READ, ("udp" if transport == "udp" else "listen",))
        except BaseException:
            listener.close()
            raise
        self.ports.append(listener.getsockname()[1])

    def _datagrams(self, listener: Any) -> None:  # noqa: ANN401 - a socket, which selectors do not know
        for _ in range(MOST_WAITING):
            try:
                data, where = listener.recvfrom(PIECE)
            except OSError:
                return
            self._add(data, where[0], "udp")

    def _accept(self, listener: Any) -> None:  # noqa: ANN401 - as above
        with suppress(OSError):
            connection, where = listener.accept()
            if self._connections >= MOST_CONNECTIONS:
                connection.close()
                self._dropped += 1
                return
            self._connections += 1
            connection.setblocking(False)  # noqa: FBT003 - as the socket has it
            self._selector.register(connection, selectors.EVENT_READ, ("stream", Frames(), where[0]))

    def _stream(self, connection: Any, frames: Frames, sender: str) -> None:  # noqa: ANN401 - as above
        try:
            piece = connection.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        for message in frames.take(piece or b"\n"):
            self._add(message, sender, "tcp")
        if not piece:
            self._connections -= 1
            self._selector.unregister(connection)
            connection.close()

    def _add(self, data: bytes, sender: str, transport: str) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._dropped += 1
            return
        row = parse_message(data, self._clock())
        row |= {name: short(row[name], LONGEST) for name in ("host", "application", "process", "message_id", "text")}
        packed = address(sender.removeprefix("::ffff:"))
        self._waiting.append(row | {"sender": packed, "transport": transport})
