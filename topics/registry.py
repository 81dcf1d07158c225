"""A schema registry (Confluent's HTTP interface), for those who run one: schemas by id, looked up once.

A registry that is away stops nobody from writing: until it has answered, messages name their schema by fingerprint.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol
from urllib import error, parse, request

from topics.errors import BusError, DecodeError, SettingsError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

ANSWER_SECONDS = 5.0
RETRY_SECONDS = 30.0
PATIENCE_SECONDS = 30.0
MOST_BYTES = 4 * 1024 * 1024
MOST_UNKNOWN = 10_000
VARIABLE = "ARGOSY_BUS_REGISTRY"
CONTENT = "application/vnd.schemaregistry.v1+json"


class Registry(Protocol):
    """Where schemas have numbers. Both raise BusError when it does not answer."""

    def register(self, subject: str, schema: str) -> int:
        """Return the id of a schema, known from now on."""

    def schema(self, number: int) -> str | None:
        """Return the schema with an id, None when there is none."""


class HttpRegistry:
    """A registry at an http or https address."""

    def __init__(self, url: str, authorization: str = "", context: ssl.SSLContext | None = None) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Content-Type": CONTENT} | ({"Authorization": authorization} if authorization else {})
        self._context = context

    def register(self, subject: str, schema: str) -> int:
        """Return the id of a schema, known from now on."""
        body = json.dumps({"schema": schema}).encode()
        return int(self._ask(f"/subjects/{parse.quote(subject, safe='')}/versions", body)["id"])

    def schema(self, number: int) -> str | None:
        """Return the schema with an id, None when there is none."""
        try:
            return str(self._ask(f"/schemas/ids/{number}")["schema"])
        except FileNotFoundError:
            return None

    def _ask(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        asked = request.Request(self.url + path, data=body, headers=self._headers)  # noqa: S310 - see registry_at
        try:
            with request.urlopen(asked, timeout=ANSWER_SECONDS, context=self._context) as answer:  # noqa: S310
                found: dict[str, Any] = json.loads(answer.read(MOST_BYTES))
                return found
        except error.HTTPError as refusal:
            if refusal.code == 404 and body is None:
                raise FileNotFoundError from None
            raise BusError(f"{self.url}: the schema registry refuses: {refusal.code} {refusal.reason}") from None
        except (OSError, ValueError) as failure:
            reason = getattr(failure, "reason", None) or getattr(failure, "strerror", None) or failure
            raise BusError(f"{self.url}: the schema registry does not answer ({reason})") from None


class MockRegistry:
    """A registry in memory, for tests."""

    def __init__(self) -> None:
        self.schemas: list[str] = []

    def register(self, subject: str, schema: str) -> int:  # noqa: ARG002 - ids are the same for all subjects
        """Return the id of a schema, known from now on."""
        if schema not in self.schemas:
            self.schemas.append(schema)
        return self.schemas.index(schema) + 1

    def schema(self, number: int) -> str | None:
        """Return the schema with an id, None when there is none."""
        return self.schemas[number - 1] if 0 < number <= len(self.schemas) else None


class CachedRegistry:
    """Asks once. Writing never waits for the registry, reading does for what was not read before."""

    def __init__(self, registry: Registry, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry, self._clock = registry, clock
        self._ids: dict[str, int] = {}
        self._asked: dict[str, threading.Thread] = {}
        self._retry: dict[str, float] = {}
        self._schemas: dict[int, str] = {}
        self._unknown: set[int] = set()

    def known_id(self, subject: str, schema: str) -> int | None:
        """Return the id of a schema; None while the registry has not told, which it is asked in the background."""
        number = self._ids.get(subject)
        if number is None and subject not in self._asked and self._clock() >= self._retry.get(subject, 0.0):
            self._asked[subject] = threading.Thread(target=self._register, args=(subject, schema), daemon=True)
            self._asked[subject].start()
        return number

    def settle(self) -> None:
        """Wait for what is being asked."""
        for thread in list(self._asked.values()):
            thread.join()

    def schema(self, number: int) -> str:
        """Return the schema with an id; raises DecodeError when there is none, BusError when nobody answers."""
        if number not in self._schemas:
            self._schemas[number] = self._fetch(number)
        return self._schemas[number]

    def _register(self, subject: str, schema: str) -> None:
        try:
            self._ids[subject] = self._registry.register(subject, schema)
        except BusError:
            self._retry[subject] = self._clock() + RETRY_SECONDS
        finally:
            self._asked.pop(subject, None)

    def _fetch(self, number: int) -> str:
        if number in self._unknown:
            raise DecodeError(f"schema with the unknown id {number}", 1)
        deadline = self._clock() + PATIENCE_SECONDS
        while True:
            try:
                found = self._registry.schema(number)
                break
            except BusError:
                if self._clock() > deadline:
                    raise
                time.sleep(1.0)
        if found is None:
            if len(self._unknown) < MOST_UNKNOWN:
                self._unknown.add(number)
            raise DecodeError(f"schema with the unknown id {number}", 1)
        return found


@functools.cache
def registry_at(url: str) -> CachedRegistry:
    """Return the registry at an address, always the same one; raises SettingsError for no address of a registry."""
    scheme = parse.urlsplit(url).scheme
    if scheme == "mock":
        return CachedRegistry(MockRegistry())
    if scheme not in ("http", "https"):
        raise SettingsError(f"{VARIABLE}: '{url}' is no schema registry: write http://HOST:PORT or https://HOST:PORT")
    from topics.bus.security import security

    settings = security()
    password = settings.secret("registry_password")
    login = base64.b64encode(f"{settings.registry_username}:{password}".encode()).decode() if password else ""
    context = settings.ssl_context() if scheme == "https" and settings.tls else None
    return CachedRegistry(HttpRegistry(url, f"Basic {login}" if login else "", context))


def configured_registry() -> CachedRegistry | None:
    """Return the registry that the settings name, None when they name none."""
    if not any(name in os.environ for name in (VARIABLE, "ARGOSY_BUS_SETTINGS")):
        return None
    from topics.bus.security import security

    url = security().registry
    return registry_at(url) if url else None
