"""A server that answers while most of it is still loaded: the page, and what was answered before of the same files."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.routing import Route

from clients.web.serving.front import HANDLERS, Guarded, asset, session, shown
from clients.web.serving.lasting import META, Lasting
from clients.web.serving.replies import encoded, kept_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from clients.web.setup import Setup

KEPT = "argosy.kept"
MOST_QUERY = 4096
API = "/api/"
SESSION = f"{API}session"
PATIENCE = 1.0  # seconds in which a page that is kept may be asked for before anything else is loaded


def load(setup: Setup) -> Starlette:
    """Return the application, all of whose modules are loaded for it; raises what Site does."""
    from clients.web.serving.app import application
    from clients.web.site import Site

    return application(Site(setup))


class Opening:
    """An ASGI application in front of that of `load`, which is loaded on a thread from the start on.

    When that fails, `failed` is called, and `failure` says why.
    """

    def __init__(
        self, setup: Setup, failed: Callable[[], None] = lambda: None, load: Callable[[Setup], Starlette] = load
    ) -> None:
        self.failure: Exception | None = None
        self.looked = threading.Event()  # in which state the files are
        self._setup, self._failed, self._load = setup, failed, load
        self._whole: ASGIApp | None = None
        self._ready, self._wanted, self._seen = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._lasting: Lasting | None = None
        self._front = _front(setup)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by what is there, or when all is."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if self._whole is None and scope["path"].startswith(API) and scope["path"] != SESSION:
            await self._seen.wait()  # in which state the files are, which takes a moment
        if self._whole is None and self._is_there(scope):
            await self._front(scope, receive, send)
            return
        self._wanted.set()
        await self._ready.wait()
        await (self._whole or self._front)(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as stack:
            await receive()
            loading = asyncio.create_task(self._open(stack))
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self._wanted.set()
            await loading
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self, stack: AsyncExitStack) -> None:
        try:
            self._lasting = await asyncio.to_thread(_lasting, self._setup)
            self.looked.set()
            self._seen.set()
            await self._give_way()
            whole = await asyncio.to_thread(self._load, self._setup)
            await stack.enter_async_context(whole.router.lifespan_context(whole))
            self._whole = whole
        except Exception as error:  # noqa: BLE001 - raised by who started the server
            self.failure = error
            self._failed()
        finally:
            self._seen.set()
            self._ready.set()

    async def _give_way(self) -> None:
        """Let the page that is kept be shown first: loading would take the processor from it."""
        if self._lasting is not None and self._lasting.get(self._lasting.state, META, {}) is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), PATIENCE)

    def _is_there(self, scope: Scope) -> bool:
        """Tell whether a request takes nothing that is still loaded; an answer of before goes along with it."""
        if not scope["path"].startswith(API):
            return True
        own = bool(scope["path"] == SESSION)
        if scope.get("method") != "GET" or self._lasting is None or len(scope["query_string"]) > MOST_QUERY:
            return own
        said = QueryParams(scope["query_string"])
        asked = {name: value for name, value in said.items() if name != "id"}
        content = self._lasting.get(self._lasting.state_of(scope["path"]), scope["path"], asked)
        scope[KEPT] = content
        return own or content is not None


def _lasting(setup: Setup) -> Lasting | None:
    """Return what was answered before of the same files; of topics that go on nothing."""
    lasting = Lasting(setup)
    lasting.state = "" if setup.bus else lasting.look()
    return lasting


def _front(setup: Setup) -> Starlette:
    routes = [
        *session(setup.guard),
        Route("/api/{rest:path}", _kept),
        Route("/assets/{name}", asset),
        Route("/{path:path}", shown(setup.guard)),
    ]
    made = Starlette(routes=routes, exception_handlers=HANDLERS)
    made.add_middleware(Guarded, guard=setup.guard)
    return made


async def _kept(request: Request) -> Response:
    content: bytes | None = request.scope.get(KEPT)
    if content is None:  # nothing could be loaded, and the server is being stopped
        return Response(status_code=503)
    if request.url.path == META:
        told: dict[str, Any] = json.loads(content)
        content = encoded({**told, "now": time.time()})
    return kept_answer(content)
