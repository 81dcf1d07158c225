"""From requests to answers: parameters checked, work bounded and given up with the request, errors as JSON."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.responses import Response

from clients.web.asking.asked import Asked
from clients.web.columns.kept import Kept
from clients.web.errors import BusyError, ParameterError, SupersededError, TooLongError, WebError
from topics.errors import ArgosyError, FilterError, InputError, SettingsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from starlette.requests import Request

SECONDS = 10.0
AT_ONCE = 4  # questions of one client
THREADS = 16
WAITING = 64  # questions of one client that wait for others of its own
RESULTS_MEMORY = 64 << 20
MOST_PARAMETER = 8192
MOST_PARAMETERS = 32
MOST_BODY = 1 << 20
GONE = 0.2  # seconds between looks whether the client is still there
_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_COLUMN = re.compile(r"at column (\d+)")
_WORD = re.compile(r"'([^']*)' at column")
_SUGGESTION = re.compile(r"did you mean '([^']*)'")


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON does not know
    """Return what NumPy holds as JSON has it."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(type(value).__name__)


def encoded(value: Any) -> bytes:  # noqa: ANN401 - whatever JSON holds
    """Return JSON."""
    return json.dumps(value, default=plain, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8",
        "backslashreplace",  # a name on the wire may hold half a character
    )


def answer(value: Any, status: int = 200) -> Response:  # noqa: ANN401 - as above
    """Return a response that holds JSON."""
    return Response(encoded(value), status, media_type="application/json", headers={"cache-control": "no-store"})


def refusal(error: ArgosyError, parameter: str = "q") -> Response:
    """Return an error as pages have it."""
    return answer({"error": described(error, parameter)}, _status(error))


def _status(error: ArgosyError) -> int:
    return error.status if isinstance(error, WebError) else 400 if isinstance(error, UsageError) else 500


def described(error: ArgosyError, parameter: str = "q") -> dict[str, Any]:
    """Return what an error says: a mistake in a filter with the place of the word."""
    text = " ".join(str(error).split())
    said: dict[str, Any] = {"kind": "usage", "message": text}
    if isinstance(error, FilterError):
        said |= {"kind": "filter", "parameter": parameter}
        column, word = _COLUMN.search(text), _WORD.search(text)
        if column:
            said |= {"column": int(column[1]), "length": len(word[1]) if word else 1}
    elif isinstance(error, WebError):
        said["kind"] = error.kind
        if isinstance(error, ParameterError):
            said["parameter"] = error.parameter
    elif isinstance(error, SettingsError):
        said["kind"] = "rules"
    elif not isinstance(error, UsageError):
        said["kind"] = "input" if isinstance(error, InputError) else "internal"
    suggestion = _SUGGESTION.search(text)
    return {**said, "suggestion": suggestion[1]} if suggestion else said


def parameters(request: Request) -> dict[str, str]:
    """Return the parameters of a request; raises TooLongError, ParameterError for one given twice."""
    pairs = request.query_params.multi_items()
    if len(pairs) > MOST_PARAMETERS:
        raise TooLongError(f"more than {MOST_PARAMETERS} parameters")
    said: dict[str, str] = {}
    for name, value in pairs:
        if len(value) > MOST_PARAMETER:
            raise TooLongError(f"parameter '{name[:64]}' has {len(value)} characters, more than {MOST_PARAMETER}")
        if name in said:
            raise ParameterError(f"parameter '{name[:64]}' was given twice", name[:64])
        if "\0" in value:
            raise ParameterError(f"parameter '{name[:64]}' holds a null character", name[:64])
        said[name] = value
    return said


async def body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request; raises TooLongError, ParameterError."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BODY:
            raise TooLongError(f"a body of more than {MOST_BODY >> 20} MB")
    try:
        said = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        raise ParameterError("the body is no JSON", "body") from None
    if not isinstance(said, dict):
        raise ParameterError("the body is no object", "body")
    return said


class _Shared:
    """Work that several wait for: it is given up when the last of them has left."""

    def __init__(self, asked: Asked) -> None:
        self.asked, self.waiting = asked, 0
        self.task: asyncio.Task[Any]


class Answering:
    """Runs questions on threads of its own: few at once of each client, the newer in place of the older of an id.

    `who` tells clients apart.
    """

    def __init__(self, seconds: float = SECONDS, who: Callable[[Request], str] | None = None) -> None:
        self.seconds, self._who = seconds, who or _client
        self._threads = ThreadPoolExecutor(THREADS, "argosy-question")
        self._results = Kept(RESULTS_MEMORY)
        self._shared: dict[Hashable, _Shared] = {}
        self._clients: dict[str, asyncio.Semaphore] = {}
        self._waiting: Counter[str] = Counter()
        self._by_id: dict[tuple[str, str], Asked] = {}

    def close(self) -> None:
        """Work no more."""
        for asked in list(self._by_id.values()):
            asked.leave()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def kept(
        self, request: Request, state: object, make: Callable[[dict[str, str], Asked], dict[str, Any]]
    ) -> Response:
        """Answer a question, or return what was answered before while `state` was the same."""
        said = parameters(request)
        lasting = {name: value for name, value in said.items() if name != "id"}
        moving = lasting.get("t", "").lstrip("xincs").startswith("-") and lasting.get("anchor") != "end"
        key = (request.url.path, state, tuple(sorted(lasting.items())))
        found = None if moving else self._results.get(key)
        if found is None:
            found = await self._once(request, said, key, lambda asked: _timed(make, lasting, asked))
            if found[1]:
                self._results.put(key, found, len(found[0]) + 256)
        return Response(found[0], media_type="application/json", headers={"cache-control": "no-store"})

    async def _once(
        self, request: Request, said: Mapping[str, str], key: Hashable, work: Callable[[Asked], Any]
    ) -> tuple[bytes, bool]:
        """Do work once for all who ask the same at the same time; it goes on while one of them waits."""
        client, own = self._who(request), Asked(self.seconds)
        with self._named(client, said.get("id", ""), own), self._counted(client):
            shared = self._shared.get(key)
            if shared is None:
                shared = self._shared[key] = _Shared(Asked(self.seconds))
                shared.task = asyncio.create_task(self._shared_work(client, key, shared, work))
                shared.task.add_done_callback(_looked_at)
            shared.waiting += 1
            try:
                answered: tuple[bytes, bool] = await self._attended(request, asyncio.shield(shared.task), own)
                return answered
            finally:
                shared.waiting -= 1
                if not shared.waiting:
                    shared.asked.leave()
                    self._forget(key, shared)

    async def _shared_work(self, client: str, key: Hashable, shared: _Shared, work: Callable[[Asked], Any]) -> Any:  # noqa: ANN401 - as below
        try:
            async with self._clients.setdefault(client, asyncio.Semaphore(AT_ONCE)):
                shared.asked.check()
                return await asyncio.get_running_loop().run_in_executor(self._threads, work, shared.asked)
        finally:
            self._forget(key, shared)

    def _forget(self, key: Hashable, shared: _Shared) -> None:
        if self._shared.get(key) is shared:
            del self._shared[key]

    async def run(self, request: Request, said: Mapping[str, str], work: Callable[[Asked], Any]) -> Any:  # noqa: ANN401 - what the work returns
        """Do work on a thread, given up when the client leaves; raises what it raises, BusyError."""
        client = self._who(request)
        asked = Asked(self.seconds)
        with self._named(client, said.get("id", ""), asked), self._counted(client):
            async with self._clients.setdefault(client, asyncio.Semaphore(AT_ONCE)):
                asked.check()
                future = asyncio.get_running_loop().run_in_executor(self._threads, work, asked)
                return await self._attended(request, future, asked)

    async def _attended(self, request: Request, future: asyncio.Future[Any], asked: Asked) -> Any:  # noqa: ANN401 - as above
        try:
            while True:
                done, _ = await asyncio.wait([future], timeout=GONE)
                if done:
                    return future.result()
                asked.check()
                if await request.is_disconnected():
                    raise SupersededError("the client left")
        finally:
            if not future.done():
                asked.leave()
                future.add_done_callback(_looked_at)

    @contextmanager
    def _named(self, client: str, name: str, asked: Asked) -> Iterator[None]:
        if not name:
            yield
            return
        if not _ID.fullmatch(name):
            raise ParameterError("'id' takes at most 64 letters, digits, dots, - and _", "id")
        key = (client, name)
        older = self._by_id.get(key)
        if older is not None:
            older.leave()
        self._by_id[key] = asked
        try:
            yield
        finally:
            if self._by_id.get(key) is asked:
                del self._by_id[key]

    @contextmanager
    def _counted(self, client: str) -> Iterator[None]:
        if self._waiting[client] >= WAITING:
            raise BusyError(f"more than {WAITING} questions at once")
        self._waiting[client] += 1
        try:
            yield
        finally:
            self._waiting[client] -= 1
            if not self._waiting[client]:
                del self._waiting[client]
                self._clients.pop(client, None)


def _client(request: Request) -> str:
    """Return from which address a question comes."""
    return request.client.host if request.client else ""


def _looked_at(future: asyncio.Future[Any]) -> None:
    """Look at what went wrong with work that nobody waits for any more."""
    if not future.cancelled():
        future.exception()


def _timed(
    make: Callable[[dict[str, str], Asked], dict[str, Any]], said: dict[str, str], asked: Asked
) -> tuple[bytes, bool]:
    """Return an answer with how long it took, and whether it is all there."""
    begin = time.perf_counter()
    value = make(said, asked)
    value["took_ms"] = round(1000 * (time.perf_counter() - begin), 1)
    return encoded(value), value.get("prepared", 1.0) >= 1
