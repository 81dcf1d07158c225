"""Servers on loopback that take what channels send."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from topics.alerts import RAISED, Alert

if TYPE_CHECKING:
    from email.message import Message

GATE_SECONDS = 60.0
ALERT = Alert(
    id="00c0ffee00c0ffee",
    revision=0,
    state=RAISED,
    rule="vertical-scan",
    severity="high",
    subject=(("saddr", "10.0.0.66"), ("daddr", "10.0.0.30")),
    summary='10.0.0.66 tried 97 ports of "10.0.0.30"',
    time=1_773_133_200_000_000_000,
    first=1_773_133_190_000_000_000,
    last=1_773_133_199_000_000_000,
    count=97,
    packets=190,
    bytes=11_400,
    value=97.0,
    limit=20.0,
    flow_ids=(bytes(range(16)),),
    query="-t 1773133190+10s - 'tcp'",
    tags={"team": "soc"},
)


@dataclass
class WebServer:
    """Takes posts; answers the statuses it is given, one after the other, then 200, while `gate` is open."""

    answers: deque[int] = field(default_factory=deque)
    headers: list[Message] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        keeper = self
        self.gate.set()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = keeper.answers.popleft() if keeper.answers else 200
                keeper.headers.append(self.headers)
                keeper.bodies.append(body)
                keeper.gate.wait(GATE_SECONDS)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the standard library calls it
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    @property
    def ids(self) -> list[str]:
        """Which alerts came, in order."""
        return [json.loads(body)["id"] for body in self.bodies]
