"""The registry over HTTP, one that is away, and one that refuses."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from topics import registry as registry_module
from topics.errors import BusError, DecodeError, SettingsError
from topics.registry import CachedRegistry, HttpRegistry, MockRegistry, registry_at

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = '{"type": "record", "name": "R", "fields": []}'


class Handler(BaseHTTPRequestHandler):
    """As much of Confluent's interface as we use; user u with password p."""

    schemas = MockRegistry()
    asked: list[str] = []  # noqa: RUF012 - one list for the one server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(self.path)
        if self.headers["Authorization"] != "Basic dTpw":
            self.answer(401, {})
            return
        self.answer(200, {"id": self.schemas.register("", body["schema"])})

    def do_GET(self) -> None:
        self.asked.append(self.path)
        found = self.schemas.schema(int(self.path.rsplit("/", 1)[1]))
        self.answer(200 if found else 404, {"schema": found})

    def answer(self, status: int, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    Handler.schemas, Handler.asked[:] = MockRegistry(), []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_schemas_are_registered_and_fetched_once(url: str) -> None:
    registry = CachedRegistry(HttpRegistry(url + "/", "Basic dTpw"))
    assert registry.known_id("a.R", SCHEMA) is None
    registry.settle()
    assert [registry.known_id("a.R", SCHEMA) for _ in range(3)] == [1, 1, 1]
    assert [registry.schema(1) for _ in range(3)] == [SCHEMA] * 3
    for _ in range(3):
        with pytest.raises(DecodeError, match="unknown id 7"):
            registry.schema(7)
    assert Handler.asked == ["/subjects/a.R/versions", "/schemas/ids/1", "/schemas/ids/7"]


def test_a_registry_that_refuses_or_is_away_stops_no_writer(url: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{unused.getsockname()[1]}"
        for where in (url, away):
            now = [0.0]
            registry = CachedRegistry(HttpRegistry(where), lambda now=now: now[0])  # type: ignore[misc]
            for _ in range(3):
                assert registry.known_id("a.R", SCHEMA) is None
                registry.settle()
            assert len(Handler.asked) == 1, "not asked again at once"
            now[0] = registry_module.RETRY_SECONDS
            assert registry.known_id("a.R", SCHEMA) is None
            registry.settle()
            assert len(Handler.asked) == (2 if where == url else 1)
            Handler.asked[:] = [""]


def test_a_reader_waits_for_a_registry_that_is_away_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "PATIENCE_SECONDS", -1.0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(BusError, match=f"{away}: the schema registry does not answer"):
            CachedRegistry(HttpRegistry(away)).schema(1)


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry_at("mock://tests") is registry_at("mock://tests")
    with pytest.raises(SettingsError, match="ARGOSY_BUS_REGISTRY: 'ftp://x' is no schema registry"):
        registry_at("ftp://x")
    monkeypatch.setenv("ARGOSY_BUS_REGISTRY", "mock://tests")
    assert registry_module.configured_registry() is registry_at("mock://tests")
    monkeypatch.delenv("ARGOSY_BUS_REGISTRY")
    assert registry_module.configured_registry() is None
