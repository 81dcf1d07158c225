"""Messages that others send to sockets: UDP, TCP, and those of the host itself, without a thread for each sender."""

from __future__ import annotations

import re
import selectors
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

LONGEST = 8192  # bytes of a message; RFC 5424 asks for 2048
MOST_CONNECTIONS = 64
MOST_AT_ONCE = 10_000
PIECE = 65_536
DATAGRAMS = {"udp", "unixgram"}
LOCAL = {"unix", "unixgram"}
_COUNT = re.compile(rb"(\d{1,7}) ")


class Frames:
    """Cuts a stream of bytes into messages: counted, or ended by newlines (RFC 6587)."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._data = bytearray()
        self._skipping = False

    def take(self, piece: bytes) -> list[bytes]:
        """Add bytes; return what messages they complete. Of one that is too long the beginning is taken."""
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
            if size <= self._longest:
                return self._cut(counted.end() + size, counted.end()) if len(data) >= counted.end() + size else None
        end = data.find(b"\n")
        if end < 0:
            if len(data) <= self._longest:
                return None
            message = b"" if self._skipping else bytes(data[: self._longest])
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


class Listener:
    """Hears messages at `(transport, host, port)`: udp, tcp, or unix and unixgram with a path as the host.

    Raises OSError where it cannot listen. What `heard` does with a message is for others to say; `dropped` counts
    those that nobody heard.
    """

    def __init__(self, addresses: list[tuple[str, str, int]], longest: int = LONGEST) -> None:
        self._longest = longest
        self._selector = selectors.DefaultSelector()
        self._connections = 0
        self._paths: list[Path] = []
        self.dropped = 0
        self.ports: list[int] = []
        try:
            for transport, host, port in addresses:
                self._listen(transport, host, port)
        except BaseException:
            self.close()
            raise

    def heard(self, data: bytes, sender: str, transport: str) -> None:
        """Take a message."""
        raise NotImplementedError

    def hear(self, seconds: float) -> None:
        """Wait for at most so long and take what came."""
        for key, _ in self._selector.select(seconds):
            kind, transport, *others = key.data
            if kind == "datagrams":
                self._datagrams(key.fileobj, transport)
            elif kind == "listen":
                self._accept(key.fileobj, transport)
            else:
                self._stream(key.fileobj, transport, *others)

    def close(self) -> None:
        """Listen no more."""
        for key in list(self._selector.get_map().values()):
            with suppress(OSError, AttributeError):
                key.fileobj.close()  # type: ignore[union-attr]  # all are sockets
        self._selector.close()
        for path in self._paths:
            with suppress(OSError):
                path.unlink()

    def _listen(self, transport: str, host: str, port: int) -> None:
        kind = socket.SOCK_DGRAM if transport in DATAGRAMS else socket.SOCK_STREAM
        family, where = _local(host) if transport in LOCAL else _remote(host, port, kind)
        listener = socket.socket(family, kind)
        try:
            if transport == "tcp":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            if transport in LOCAL:
                self._paths.append(Path(host))
            if transport not in DATAGRAMS:
                listener.listen(16)
            listener.setblocking(False)  # noqa: FBT003 - as the socket has it
            way = "datagrams" if transport in DATAGRAMS else "listen"
            self._selector.register(listener, selectors.EVENT_READ, (way, transport))
        except BaseException:
            listener.close()
            raise
        self.ports.append(0 if transport in LOCAL else listener.getsockname()[1])

    def _datagrams(self, listener: Any, transport: str) -> None:  # noqa: ANN401 - a socket, which selectors do not know
        for _ in range(MOST_AT_ONCE):
            try:
                data, where = listener.recvfrom(max(PIECE, self._longest))
            except OSError:
                return
            self.heard(data, _host(where), transport)

    def _accept(self, listener: Any, transport: str) -> None:  # noqa: ANN401 - as above
        with suppress(OSError):
            connection, where = listener.accept()
            if self._connections >= MOST_CONNECTIONS:
                connection.close()
                self.dropped += 1
                return
            self._connections += 1
            connection.setblocking(False)  # noqa: FBT003 - as the socket has it
            data = ("stream", transport, Frames(self._longest), _host(where))
            self._selector.register(connection, selectors.EVENT_READ, data)

    def _stream(self, connection: Any, transport: str, frames: Frames, sender: str) -> None:  # noqa: ANN401 - as above
        try:
            piece = connection.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        for message in frames.take(piece or b"\n"):
            self.heard(message, sender, transport)
        if not piece:
            self._connections -= 1
            self._selector.unregister(connection)
            connection.close()


def _remote(host: str, port: int, kind: socket.SocketKind) -> tuple[int, Any]:
    family, _, _, _, where = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
    return family, where


def _local(path: str) -> tuple[int, str]:
    """Make place for a socket: one that somebody left there is removed, anything else is not."""
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(Path(path).lstat().st_mode):
            Path(path).unlink()
    return socket.AF_UNIX, path


def _host(where: Any) -> str:  # noqa: ANN401 - as the family of the socket has it
    """Return the address of a sender; none of the host itself."""
    return str(where[0]) if isinstance(where, tuple) else ""
