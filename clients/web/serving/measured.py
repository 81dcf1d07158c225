"""What the server tells of itself: requests by route, how long they took, and that its loop turns."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from starlette.routing import Match, Route

from topics.metrics import table
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOP, LISTENING = "answering", "page"
BEAT_SECONDS = 5.0
NOWHERE = "none"


class Measured:
    """Counts requests by the route that they take, and times them."""

    def __init__(self, inner: ASGIApp, routes: Sequence[Route]) -> None:
        self._inner, self._routes = inner, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        route, begun = self._route(scope), time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                table.WEB_SECONDS.observe(time.perf_counter() - begun, route)
                table.WEB_REQUESTS.add(1, route, str(message["status"]))
            await send(message)

        table.WEB_OPEN.add(1)
        try:
            await self._inner(scope, receive, counted)
        finally:
            table.WEB_OPEN.add(-1)

    def _route(self, scope: Scope) -> str:
        """Return the pattern of the route, of which there are few, not the path, which clients choose."""
        return next((route.path for route in self._routes if route.matches(scope)[0] is not Match.NONE), NOWHERE)


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Say now and then, while the block runs, that requests can be answered."""
    task = asyncio.create_task(_beat())
    VITALS.settle(LISTENING, "served")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        VITALS.ended(LOOP)
        VITALS.forget(LISTENING)


async def _beat() -> None:
    while True:
        VITALS.turned(LOOP)
        await asyncio.sleep(BEAT_SECONDS)
