"""The listener: who may come in, how many at a time, and a thread for each of them."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any

from clients.radium.peer import GoneError, Peer
from topics.argus import layout as at
from topics.errors import ArgosyError, OutputError
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from clients.radium.feeds import Feed, Status

LOOP = "listening"
MOST_CLIENTS = 128  # as radium
LOOK_SECONDS = 0.25
TLS_SECONDS = 10.0
DENIED, FULL = 1, 2


class Server:
    """Accepts clients until `stop`. `allowed` are the networks they may be in, `tls` wraps their connections.

    Counts since the beginning: `clients` that started, those `refused`, those that went away `early`.
    Raises OutputError when the address cannot be had.
    """

    def __init__(
        self,
        place: tuple[str, int],
        feed: Feed,
        status: Callable[[], Status],
        allowed: Sequence[IPv4Network | IPv6Network] = (),
        tls: ssl.SSLContext | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.clients = self.refused = self.early = self.serving = 0
        self._lock = threading.Lock()
        self._feed, self._status, self._allowed, self._tls, self._say = feed, status, allowed, tls, say
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        try:
            self._listener = socket.create_server(place, family=family, backlog=MOST_CLIENTS)
        except OSError as error:
            raise OutputError(f"{place[0]}:{place[1]}: {error.strerror}") from error
        self._listener.settimeout(LOOK_SECONDS)
        self.port: int = self._listener.getsockname()[1]

    def stop(self) -> None:
        """Let `run` end soon."""
        self._stopped.set()

    def run(self) -> None:
        """Accept clients, then wait for those there are to get what is on its way."""
        with self._listener:
            VITALS.settle(LOOP, f"port {self.port}")
            while not self._stopped.is_set():
                VITALS.turned(LOOP)
                try:
                    stream, address = self._listener.accept()
                except (TimeoutError, ConnectionError):
                    continue
                self._threads = [thread for thread in self._threads if thread.is_alive()]
                thread = threading.Thread(target=self._serve, args=(stream, address), daemon=True)
                self._threads.append(thread)
                thread.start()
        self._feed.stop()
        for thread in self._threads:
            thread.join(LOOK_SECONDS * 8)

    def _serve(self, stream: socket.socket, address: Any) -> None:  # noqa: ANN401 - as sockets have it
        name = f"{address[0]}:{address[1]}"
        try:
            with self._secured(stream) as connection:
                why = self._objection(address[0])
                hello = self._status().record(at.ERROR if why else at.START)
                if why:
                    self.refused += 1
                    self._say(f"{name} was refused: {'no more clients are taken' if why == FULL else 'not allowed'}")
                    connection.sendall(hello[:1] + bytes((at.ERROR << 4 | why,)) + hello[2:])
                    return
                peer = Peer(connection, name)
                peer.negotiate(hello)
                self.clients += 1
                self._count(1)
                try:
                    self._feed.serve(peer)
                finally:
                    self._count(-1)
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        except (GoneError, ArgosyError, OSError) as error:
            self.early += 1
            self._say(f"{name} is gone: {error}")

    def _count(self, more: int) -> None:
        with self._lock:
            self.serving += more

    def _secured(self, stream: socket.socket) -> socket.socket:
        if self._tls is None:
            return stream
        stream.settimeout(TLS_SECONDS)
        try:
            return self._tls.wrap_socket(stream, server_side=True)
        except OSError:
            stream.close()
            raise

    def _objection(self, host: str) -> int:
        """Return why a client may not come in, 0 when it may."""
        address = ip_address(host.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if self._allowed and not any(address in network for network in self._allowed):
            return DENIED
        return FULL if len(self._threads) > MOST_CLIENTS else 0
