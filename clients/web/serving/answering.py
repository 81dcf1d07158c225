"""From questions to answers: work bounded, done once for all who ask the same, given up with the request, kept."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clients.web.asking.asked import Asked
from clients.web.columns.kept import Kept
from clients.web.errors import BusyError, ParameterError, SupersededError
from clients.web.serving.replies import encoded, kept_answer, parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from clients.web.serving.lasting import Lasting

SECONDS = 10.0
AT_ONCE = 4  # questions of one client
THREADS = 16
WAITING = 64  # questions of one client that wait for others of its own
RESULTS_MEMORY = 64 << 20
GONE = 0.2  # seconds between looks whether the client is still there
_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class _Shared:
    """Work that several wait for: it is given up when the last of them has left."""

    def __init__(self, asked: Asked) -> None:
        self.asked, self.waiting = asked, 0
        self.task: asyncio.Task[Any]


class Answering:
    """Runs questions on threads of its own: few at once of each client, the newer in place of the older of an id.

    `who` tells clients apart.
    """

    def __init__(
        self,
        seconds: float = SECONDS,
        who: Callable[[Request], str] | None = None,
        lasting: Lasting | None = None,
    ) -> None:
        self.seconds, self._who, self._lasting = seconds, who or _client, lasting
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
        self,
        request: Request,
        state: object,
        make: Callable[[dict[str, str], Asked], dict[str, Any]],
        *,
        lasting: bool = False,
    ) -> Response:
        """Answer a question, or return what was answered before while `state` was the same.

        What is `lasting` lies on disk, too, for as long as the files are the same.
        """
        said = parameters(request)
        _name_in(said)  # what is refused is refused where an answer is known already, too
        asking = {name: value for name, value in said.items() if name != "id"}
        moving = asking.get("t", "").lstrip("xincs").startswith("-") and asking.get("anchor") != "end"
        path = request.url.path
        key = (path, state, tuple(sorted(asking.items())))
        found = None if moving else self._results.get(key)
        if found is None:
            of = self._lasting_state(path) if lasting and not moving else ""
            found = await self._once(request, said, key, lambda asked: self._made(make, path, asking, of, asked))
            if found[1]:
                self._results.put(key, found, len(found[0]) + 256)
        return kept_answer(found[0])

    def foresee(
        self,
        path: str,
        said: dict[str, str],
        state: object,
        make: Callable[[dict[str, str], Asked], dict[str, Any]],
        asked: Asked,
    ) -> None:
        """Answer a question that is likely to be asked; raises what it raises."""
        found = self._made(make, path, said, self._lasting_state(path), asked)
        if found[1]:
            self._results.put((path, state, tuple(sorted(said.items()))), found, len(found[0]) + 256)

    def _lasting_state(self, path: str) -> str:
        return self._lasting.state_of(path) if self._lasting else ""

    def _made(
        self,
        make: Callable[[dict[str, str], Asked], dict[str, Any]],
        path: str,
        said: dict[str, str],
        of: str,
        asked: Asked,
    ) -> tuple[bytes, bool]:
        """Return an answer, and whether it is all there; one that lies on disk for this state of the files as it is."""
        before = self._lasting.get(of, path, said) if self._lasting else None
        if before is not None:
            return before, True
        content, complete = _timed(make, said, asked)
        if complete and self._lasting:
            self._lasting.put(of, path, said, content)
        return content, complete

    async def _once(
        self, request: Request, said: Mapping[str, str], key: Hashable, work: Callable[[Asked], Any]
    ) -> tuple[bytes, bool]:
        """Do work once for all who ask the same at the same time; it goes on while one of them waits."""
        client, own = self._who(request), Asked(self.seconds)
        with self._named(client, _name_in(said), own), self._counted(client):
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
        with self._named(client, _name_in(said), asked), self._counted(client):
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


def _name_in(said: Mapping[str, str]) -> str:
    """Return the name that a client gives a question, or ""; raises ParameterError."""
    name = said.get("id", "")
    if name and not _ID.fullmatch(name):
        raise ParameterError("'id' takes at most 64 letters, digits, dots, - and _", "id")
    return name


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
