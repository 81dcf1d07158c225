"""The port of a program: /metrics, /healthz and /readyz."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import structlog

from clients.telemetry.health import answer
from clients.telemetry.version import installed_version
from topics.errors import SettingsError
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.registry import Collector

    from clients.telemetry.exposition import Reading

Page = tuple[int, str, bytes]
JSON, TEXT = "application/json", "text/plain; charset=utf-8"
PATIENCE_SECONDS = 10.0  # for a client to say what it wants
log = structlog.get_logger()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    pages: dict[str, Callable[[str], Page]]


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for a few pages, and nothing else."""

    server: _Server
    server_version, sys_version = "argosy", ""
    timeout = PATIENCE_SECONDS

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        known = " ".join(self.server.pages)
        missing = (404, TEXT, f"there are {known}\n".encode())
        status, kind, body = missing if page is None else page(self.headers.get("Accept", ""))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class has
        """Say nothing of requests: they come every few seconds."""


@contextmanager
def serving(
    address: str | None, program: str, readings: Callable[[], Iterable[Reading]] = tuple
) -> Iterator[tuple[str, int] | None]:
    """Answer at `[HOST]:PORT` while the block runs, and yield where; nothing without an address.

    `readings` says what is read from the state of the program at each scrape. Raises SettingsError.
    """
    if not address:
        yield None
        return
    from clients.telemetry.exposition import registry
    from probes.settings import host_port

    version = installed_version()
    try:
        server = _server(*host_port(address))
    except (ValueError, OSError) as error:
        raise SettingsError(f"option --metrics names '{address}': {getattr(error, 'strerror', error)}") from None
    server.pages = _pages(program, version, registry(program, version, readings))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics", daemon=True)
    thread.start()
    where = str(server.server_address[0]), server.server_port
    log.info("metrics served", address=f"{where[0]}:{where[1]}", port=where[1])
    try:
        yield where
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _server(host: str, port: int) -> _Server:
    class Bound(_Server):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    return Bound((host, port), _Handler)


def _pages(program: str, version: str, registry: Collector) -> dict[str, Callable[[str], Page]]:
    from prometheus_client.exposition import choose_encoder

    def metrics(accept: str) -> Page:
        encode, kind = choose_encoder(accept)
        return 200, kind, encode(registry)

    def alive(_: str) -> Page:
        status, body = answer(program, version, VITALS.alive())
        return status, JSON, body

    def ready(_: str) -> Page:
        status, body = answer(program, version, VITALS.ready())
        return status, JSON, body

    return {"/metrics": metrics, "/healthz": alive, "/readyz": ready}
