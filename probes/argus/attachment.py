"""One argus or radium that is followed: what it sends is decoded, and when it goes away it is called again."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from topics.argus import layout as at
from topics.argus.decoder import ArgusDecoder
from topics.argus.event import read_event
from topics.argus.management import NEEDS_SASL, SIZE, read_management
from topics.errors import ArgusError, InputError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from probes.argus.address import Address
    from topics.argus.event import ArgusEvent
    from topics.argus.management import Management
    from topics.batch import FlowBatch

CONNECT_SECONDS = 10.0
LOOK_SECONDS = 0.25  # how often it is looked whether to stop
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # between two calls
SILENT_INTERVALS = 3  # management records missed in a row: the connection is dead
READ_AT_ONCE = 1 << 20
ANSWERS = {b"SY": "a syntax error", b"TI": "a timeout", b"ER": "an error"}


class RefusedError(InputError):
    """An argus that does not let us in or does not take the filter; names its address."""


class Attachment:
    """Follows one address until `stop`; `run` is for a thread of its own.

    `take` gets each batch, `note` each management record, `tell` each event, `say` what there is to log (a text, a
    reason). Counts since the beginning: `calls` that got through, `records`, `events`, `damaged` datagrams.
    """

    def __init__(
        self,
        address: Address,
        expression: str,
        site: str,
        take: Callable[[FlowBatch], None],
        note: Callable[[Management], None],
        tell: Callable[[ArgusEvent], None],
        say: Callable[[str, str], None],
    ) -> None:
        self.address = address
        self.calls = self.records = self.events = self.damaged = 0
        self._expression, self._site = expression, site
        self._take, self._note, self._tell, self._say = take, note, tell, say
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let `run` end soon; for any thread or signal handler."""
        self._stopped.set()

    def run(self) -> None:
        """Follow the address; whatever goes wrong is said and tried again."""
        pause = FIRST_PAUSE
        while not self._stopped.is_set():
            before = self.calls
            try:
                with self.address.connected(CONNECT_SECONDS) as stream:
                    self._follow(stream)
                reason = "it closed the connection"
            except (OSError, InputError) as error:
                reason = str(error) or type(error).__name__
            if self._stopped.is_set():
                return
            pause = FIRST_PAUSE if self.calls > before else min(2 * pause, LONGEST_PAUSE)
            self._say(f"{self.address.text} is away, called again in {pause:g} s", reason)
            self._stopped.wait(pause)

    def _follow(self, stream: socket.socket) -> None:
        decoder = self._decoder()
        if self.address.kind == "udp":
            self._follow_datagrams(stream, decoder)
            return
        hello, interval = self._greeting(stream)
        self._hand_on(decoder, hello)
        if self._expression:
            self._filter(stream)
        stream.sendall(b"START: user='argosy',cmd='argosy probe'")
        self.calls += 1
        self._say(f"attached to {self.address.text}", "")
        stream.settimeout(LOOK_SECONDS)
        heard, patience = time.monotonic(), max(float(SILENT_INTERVALS * interval), CONNECT_SECONDS)
        while not self._stopped.is_set():
            try:
                data = stream.recv(READ_AT_ONCE)
            except TimeoutError:
                if time.monotonic() - heard > patience:
                    raise ArgusError(self.address.text, decoder.offset, f"nothing came for {patience:.0f} s") from None
                continue
            if not data:
                decoder.end()
                return
            heard = time.monotonic()
            self._hand_on(decoder, data)
        stream.sendall(b"DONE: ")

    def _follow_datagrams(self, stream: socket.socket, decoder: ArgusDecoder) -> None:
        stream.settimeout(LOOK_SECONDS)
        self.calls += 1
        while not self._stopped.is_set():
            try:
                data = stream.recv(1 << 16)
            except TimeoutError:
                continue
            try:
                self._hand_on(decoder, data)
                decoder.end()
            except ArgusError as error:
                self.damaged += 1
                self._say("a datagram was left out", str(error))
                decoder = self._decoder()

    def _decoder(self) -> ArgusDecoder:
        return ArgusDecoder(self.address.text, self._site, source=self.address.host)

    def _greeting(self, stream: socket.socket) -> tuple[bytes, int]:
        """Return the first management record, and the seconds between two of them."""
        hello = b""
        while len(hello) < SIZE and (data := stream.recv(SIZE - len(hello))):
            hello += data
        management = read_management(hello)
        if management is None or hello[0] >> 4 != at.MANAGEMENT:
            raise RefusedError(f"{self.address.text}: does not begin as an argus or radium does")
        if management.cause == at.ERROR:
            raise RefusedError(f"{self.address.text}: lets nobody else in")
        if management.status & NEEDS_SASL:
            raise RefusedError(f"{self.address.text}: asks for SASL, which is not spoken here")
        return hello, management.status_interval

    def _filter(self, stream: socket.socket) -> None:
        stream.sendall(f"FILTER: man or event or ({self._expression})".encode())
        answer = stream.recv(2)
        if answer != b"OK":
            told = ANSWERS.get(answer, "nothing")
            raise RefusedError(f"{self.address.text}: answers the filter '{self._expression}' with {told}")

    def _hand_on(self, decoder: ArgusDecoder, data: bytes) -> None:
        for batch in decoder.feed(data):
            self.records += len(batch)
            self._take(batch)
        for management in decoder.managements:
            self._note(management)
        decoder.managements.clear()
        for event in decoder.events:
            self.events += 1
            self._tell(read_event(event))
        decoder.events.clear()
