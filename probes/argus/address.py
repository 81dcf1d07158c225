"""Where an argus or radium is: HOST[:561], the path of a UNIX socket, or argus-udp://[HOST]:PORT to listen on."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

from topics.errors import UsageError

PORT = 561
UDP = "argus-udp://"
ADDRESS = re.compile(r"(?:argus(?:-tcp)?://)?(?P<host>[\w.-]+|\[[0-9A-Fa-f:.]+\])?(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Address:
    """`kind` is tcp, unix or udp; `host` the path of a UNIX socket."""

    kind: str
    host: str
    port: int = PORT

    @property
    def text(self) -> str:
        """Return the address as it is written in messages."""
        return self.host if self.kind == "unix" else f"{self.host}:{self.port}"

    def connected(self, seconds: float) -> socket.socket:
        """Return a socket that is connected, or bound for UDP; raises OSError."""
        if self.kind == "unix":
            stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            stream.settimeout(seconds)
            stream.connect(self.host)
            return stream
        if self.kind == "udp":
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            stream = socket.socket(family, socket.SOCK_DGRAM)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            stream.bind((self.host, self.port))
            return stream
        return socket.create_connection((self.host, self.port), seconds)


def parsed(text: str) -> Address:
    """Return the address that a text means; raises UsageError."""
    if text.startswith(UDP):
        found, kind, host = ADDRESS.fullmatch(text.removeprefix(UDP)), "udp", "127.0.0.1"
    elif "/" in text and "://" not in text:
        return Address("unix", text)
    else:
        found, kind, host = ADDRESS.fullmatch(text), "tcp", ""
    if found is None or not (found["host"] or host) or int(found["port"] or PORT) > 65535:
        raise UsageError(f"option --argus takes HOST[:{PORT}], the path of a socket or {UDP}[HOST]:PORT, not '{text}'")
    return Address(kind, (found["host"] or host).strip("[]"), int(found["port"] or PORT))
