"""Where messages of IPFIX go: UDP, TCP, or TLS over TCP."""

from __future__ import annotations

import os
import re
import socket
import ssl
import sys
import time
from contextlib import suppress
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import TYPE_CHECKING, NamedTuple, Self

from topics.errors import OutputError, UsageError

if TYPE_CHECKING:
    from types import TracebackType

ADDRESS = re.compile(r"(?P<scheme>udp|tcp|tls)://(?P<host>[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?")
PORTS = {"udp": 4739, "tcp": 4739, "tls": 4740}  # IANA: ipfix and ipfixs
LARGEST = {"udp": 1400, "tcp": 65535, "tls": 65535}  # bytes of a message
SECONDS = 30.0
LOOK_SECONDS = 0.01


class Credentials(NamedTuple):
    """Files for TLS: who vouches for the collector (empty: the system's), and our own certificate and key."""

    authority: str = ""
    certificate: str = ""
    key: str = ""


class Destination:
    """A collector; a context manager. Raises OutputError naming it when it cannot be had, or goes away."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        found = ADDRESS.fullmatch(url)
        if found is None or int(found["port"] or 0) > 65535:
            raise UsageError(f"a collector is udp://HOST[:PORT], tcp://HOST[:PORT] or tls://HOST[:PORT], not '{url}'")
        self.url, self.scheme = url, found["scheme"]
        self._place = found["host"].strip("[]"), int(found["port"] or PORTS[self.scheme])
        self._credentials = credentials
        self._socket: socket.socket | None = None

    @property
    def largest(self) -> int:
        """Bytes of the largest message it should get."""
        return LARGEST[self.scheme]

    @property
    def is_stream(self) -> bool:
        """Whether whatever was sent arrives, and templates need to be sent but once."""
        return self.scheme != "udp"

    def __enter__(self) -> Self:
        try:
            if not self.is_stream:
                self._socket = self._datagrams()
            else:
                plain = socket.create_connection(self._place, SECONDS)
                self._socket = self._secured(plain) if self.scheme == "tls" else plain
        except (OSError, ssl.SSLError) as error:
            raise self._failed(error) from None
        return self

    def send(self, message: bytes) -> None:
        """Send a message."""
        assert self._socket is not None  # noqa: S101 - inside the context
        try:
            if self.is_stream:
                self._socket.sendall(message)
            else:
                with suppress(ConnectionRefusedError):  # the answer to an earlier datagram: nobody listens yet
                    self._socket.send(message)
        except (OSError, ssl.SSLError) as error:
            raise self._failed(error) from None

    @property
    def unconfirmed(self) -> int:
        """Bytes of a stream that the host of the collector has not confirmed yet; of UDP nothing is ever confirmed."""
        if self._socket is None or not self.is_stream:
            return 0
        try:
            broken = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            waiting = int.from_bytes(ioctl(self._socket.fileno(), TIOCOUTQ, bytes(4)), sys.byteorder)
        except OSError as error:
            raise self._failed(error) from None
        if broken:
            raise self._failed(OSError(broken, os.strerror(broken)))
        return waiting

    def drain(self) -> None:
        """Wait until everything is confirmed."""
        end = time.monotonic() + SECONDS
        while self.unconfirmed:
            if time.monotonic() > end:
                raise OutputError(f"{self.url}: does not confirm what was sent for {SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            with suppress(OSError):
                if self.is_stream:
                    self._socket.shutdown(socket.SHUT_WR)
            self._socket.close()

    def _datagrams(self) -> socket.socket:
        family, kind, protocol, _, place = socket.getaddrinfo(*self._place, type=socket.SOCK_DGRAM)[0]
        found = socket.socket(family, kind, protocol)
        found.connect(place)
        return found

    def _secured(self, plain: socket.socket) -> socket.socket:
        context = ssl.create_default_context(cafile=self._credentials.authority or None)
        if self._credentials.certificate:
            context.load_cert_chain(self._credentials.certificate, self._credentials.key or None)
        return context.wrap_socket(plain, server_hostname=self._place[0])

    def _failed(self, error: OSError) -> OutputError:
        return OutputError(f"{self.url}: {error.strerror or error}")


def open_destination(url: str, credentials: Credentials = Credentials()) -> Destination:  # noqa: B008 - immutable
    """Return a collector by its address; raises UsageError for what is none."""
    return Destination(url, credentials)
