"""One client of Argus that is served: what it says until it starts, and what it is sent from then on."""

from __future__ import annotations

import re
import threading
from collections import deque
from typing import TYPE_CHECKING

from topics.errors import ArgosyError

if TYPE_CHECKING:
    import socket

    import polars as pl

LONGEST_COMMAND = 8192  # bytes
HANDSHAKE_SECONDS = 60.0  # for a client to start
TAKE_SECONDS = 60.0  # for a client to take what was sent to it
MOST_QUEUED = 32 << 20  # bytes that wait for one client
FILTER, DONE, START = b"FILTER: ", b"DONE: ", re.compile(rb"START: ")
PRINTABLE = re.compile(rb"[\t\r\n\x20-\x7e\x00]*")


class GoneError(Exception):
    """A client that went away, said something unprintable or did not start in time."""


class Peer:
    """The connection of one client; `name` is its address."""

    def __init__(self, stream: socket.socket, name: str) -> None:
        self.name = name
        self.expression = ""
        self.wanted: pl.Expr | None = None
        self.sent = 0
        self._stream = stream

    def negotiate(self, hello: bytes) -> None:
        """Send the first management record, heed filters, and return when the client starts.

        Raises GoneError when it goes away instead.
        """
        self._stream.settimeout(HANDSHAKE_SECONDS)
        try:
            self._stream.sendall(hello)
            while not self._heed(self._stream.recv(LONGEST_COMMAND)):
                pass
            self._stream.settimeout(TAKE_SECONDS)
        except OSError as error:
            raise GoneError(str(error)) from error

    def _heed(self, said: bytes) -> bool:
        """Do what a client says; tell whether it starts."""
        if not said:
            raise GoneError("it went away before it started")
        if not PRINTABLE.fullmatch(said):
            raise GoneError("it said something that is no command")
        command, *started = START.split(said, maxsplit=1)
        if command.startswith(FILTER):
            self._stream.sendall(self._filter(command.removeprefix(FILTER).strip(b"\0\r\n ").decode("ascii")))
        return bool(started)

    def _filter(self, text: str) -> bytes:
        from topics import filter as filters

        try:
            self.wanted = filters.compile(text)
        except ArgosyError:
            return b"SY"
        self.expression = text
        return b"OK"

    def send(self, data: bytes) -> None:
        """Send bytes, waiting as long as a client may take; raises GoneError."""
        try:
            self._stream.sendall(data)
        except OSError as error:
            raise GoneError(str(error)) from error
        self.sent += len(data)

    def wait(self, seconds: float) -> None:
        """Wait, unless the client goes away or says that it is done: then raises GoneError."""
        self._stream.settimeout(seconds)
        try:
            said = self._stream.recv(LONGEST_COMMAND)
        except TimeoutError:
            return
        except OSError as error:
            raise GoneError(str(error)) from error
        finally:
            self._stream.settimeout(TAKE_SECONDS)
        if not said or said.startswith(DONE):
            raise GoneError("it is done")


class Queue:
    """Bytes on their way to a client that is not waited for: when too many wait, it is `overrun`."""

    def __init__(self) -> None:
        self.overrun = False
        self._waiting: deque[bytes] = deque()
        self._bytes, self._closed = 0, False
        self._changed = threading.Condition()

    def put(self, data: bytes) -> None:
        """Add bytes, unless too many wait already."""
        with self._changed:
            if self._bytes + len(data) > MOST_QUEUED:
                self.overrun = self._closed = True
            elif not self._closed:
                self._waiting.append(data)
                self._bytes += len(data)
            self._changed.notify()

    def close(self) -> None:
        """Let `take` return nothing once all is taken."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take(self) -> bytes:
        """Wait for bytes and return all there are; none when the queue was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            data = b"" if self.overrun else b"".join(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            return data
