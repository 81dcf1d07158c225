"""Sockets that exporters send to: UDP, and IPFIX over TCP and, where the kernel has it, SCTP."""

from __future__ import annotations

import selectors
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from probes.exporters.binding import bind
from probes.exporters.framing import Framing
from probes.exporters.receiving import MOST_DATAGRAMS, Receiving
from topics.address_text import IPV4_MAPPED

if TYPE_CHECKING:
    from collections.abc import Callable

    from probes.exporters.collector import Collector

LARGEST = 65536
AT_ONCE = 512  # datagrams of one socket before the next has its turn
MOST_CONNECTIONS = 256
MOST_ADDRESSES = 65536
BACKLOG = 16
PAUSE_SECONDS = 0.005  # while few come: to be called for each of them costs more than to read it
FEW = 32


class Listener:
    """Hears exporters for a collector. `endpoints` are kind (netflow, ipfix, sflow), host and port; a port may be 0.

    A host that is empty is every address. Raises InterfaceError naming an endpoint that cannot be had.
    """

    def __init__(
        self,
        endpoints: tuple[tuple[str, str, int], ...],
        collector: Collector,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.kernel_dropped: dict[int, int] = {}
        self.ports: dict[tuple[str, str], int] = {}
        self._endpoints, self._collector, self._clock = endpoints, collector, clock
        self._selector = selectors.DefaultSelector()
        self._addresses: dict[str, bytes] = {}
        self._receiving = Receiving()
        self._connections = self._taken = 0
        self._waking, self._awake = socket.socketpair()
        self._stopped = False

    def open(self) -> None:
        """Bind all sockets."""
        self._awake.setblocking(False)  # noqa: FBT003 - as the socket has it
        self._selector.register(self._awake, selectors.EVENT_READ, self._stop_seen)
        for kind, host, port in self._endpoints:
            sockets = bind(kind, host, port)
            for name, bound in sockets.items():
                self.ports[kind, name] = bound.getsockname()[1]
                if name == "udp":
                    what = "sflow" if kind == "sflow" else "netflow"
                    self._selector.register(bound, selectors.EVENT_READ, self._datagrams(what, bound))
                else:
                    bound.listen(BACKLOG)
                    self._selector.register(bound, selectors.EVENT_READ, self._connecting(bound))

    def poll(self, timeout: float) -> bool:
        """Give the collector what came, waiting up to `timeout` seconds for it; return False after `stop`."""
        self._taken = 0
        for key, _ in self._selector.select(timeout):
            if self._collector.work.full:
                break
            key.data()
        if 0 < self._taken < FEW and not self._stopped:
            time.sleep(min(PAUSE_SECONDS, timeout))
        return not self._stopped

    def stop(self) -> None:
        """Let `poll` return False; may be called by a signal handler."""
        self._stopped = True
        with suppress(OSError):
            self._waking.send(b"\0")

    def close(self) -> None:
        """Close all sockets."""
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr] # sockets are all that was registered
        self._selector.close()
        self._waking.close()

    @property
    def dropped(self) -> int:
        """How many datagrams the kernel had no room for, as far as later ones told."""
        return sum(self.kernel_dropped.values())

    def _stop_seen(self) -> None:
        with suppress(OSError):
            self._awake.recv(64)

    def _datagrams(self, what: str, heard: socket.socket) -> Callable[[], None]:
        collector, receiving, number = self._collector, self._receiving, heard.fileno()

        def take() -> None:
            for _ in range(AT_ONCE // MOST_DATAGRAMS):
                if collector.work.full:
                    return
                count = receiving.take(number)
                now, append = self._clock(), collector.work.append
                for sender, data in receiving.datagrams(count):
                    begin, end = append(data)
                    collector.received(what, sender, begin, end, now)
                if (dropped := receiving.dropped(count)) is not None:
                    self.kernel_dropped[number] = dropped
                self._taken += count
                if count < MOST_DATAGRAMS:
                    return

        return take

    def _address(self, text: str) -> bytes:
        found = self._addresses.get(text)
        if found is None:
            if len(self._addresses) >= MOST_ADDRESSES:
                self._addresses.clear()
            found = self._addresses[text] = packed(text)
        return found

    def _connecting(self, listening: socket.socket) -> Callable[[], None]:
        def take() -> None:
            with suppress(OSError):
                connection, sender = listening.accept()
                if self._connections >= MOST_CONNECTIONS:
                    self._collector.counts["refused_connections"] += 1
                    connection.close()
                    return
                connection.setblocking(False)  # noqa: FBT003 - as the socket has it
                self._connections += 1
                taker = self._stream(connection, self._address(sender[0]))
                self._selector.register(connection, selectors.EVENT_READ, taker)

        return take

    def _stream(self, connection: socket.socket, sender: bytes) -> Callable[[], None]:
        framing = Framing()

        def take() -> None:
            try:
                data = connection.recv(LARGEST)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            for message in framing.take(data):
                self._collector.take("netflow", sender, message, self._clock())
            if not data or framing.lost:
                self._collector.counts["broken_streams"] += framing.lost
                self._connections -= 1
                self._selector.unregister(connection)
                connection.close()

        return take


def packed(text: str) -> bytes:
    """Return an address as 16 bytes, IPv4 mapped into IPv6."""
    if ":" in text:
        return socket.inet_pton(socket.AF_INET6, text.partition("%")[0])
    return IPV4_MAPPED + socket.inet_pton(socket.AF_INET, text)
