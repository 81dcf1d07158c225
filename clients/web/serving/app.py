"""The application: routes behind the guard, the page itself, and errors in one form."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from clients.web.serving import alert_routes, flow_routes, live_routes, traffic_routes, view_routes
from clients.web.serving.front import HANDLERS, Guarded, asset, missing, session, shown
from clients.web.serving.measured import Measured, beating
from clients.web.serving.meta import meta
from clients.web.serving.replies import answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from clients.web.site import Site


def application(site: Site) -> Starlette:
    """Return the application of a site."""

    async def of_meta(_: Request) -> Response:
        return answer(await run_in_threadpool(meta, site))

    routes = [
        Route("/api/meta", of_meta),
        *session(site.guard),
        *traffic_routes.routes(site),
        *flow_routes.routes(site),
        *view_routes.routes(site),
        *alert_routes.routes(site),
        *live_routes.routes(site),
        Route("/api/{rest:path}", missing, methods=["GET", "POST", "PUT", "DELETE"]),
        Route("/assets/{name}", asset),
        Route("/{path:path}", shown(site.guard)),
    ]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        site.start()
        try:
            async with beating():
                yield
        finally:
            site.close()

    made = Starlette(routes=routes, lifespan=lifespan, exception_handlers=HANDLERS)
    made.add_middleware(Guarded, guard=site.guard)
    made.add_middleware(Measured, routes=routes)
    return made
