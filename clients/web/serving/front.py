"""What is there without flows: the page itself, who is signed in, the guard before all; quickly loaded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from clients.web.errors import MissingError, TokenError
from clients.web.serving.guard import COOKIE, SAFE, Guard
from clients.web.serving.replies import answer, body, refusal
from topics.errors import ArgosyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASSETS = Path(__file__).parent.with_name("assets")
OPEN = {"/api/session"}  # without having signed in
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_HASHED = re.compile(r"-[A-Za-z0-9_-]{8,}\.\w+$")
WITHOUT_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Argosy</title></head><body>
<h1>Argosy</h1><p>The page has not been built. In the source tree, <code>make page</code> builds it (it takes Node);
packages come with it. What it asks is there: <a href="/api/meta">/api/meta</a>, docs/guides/web.md tells the rest.</p>
</body></html>"""
YEAR = 31_536_000


class Guarded:
    """Lets requests through that the guard does not object to, and puts the headers on every answer."""

    def __init__(self, inner: ASGIApp, guard: Guard) -> None:
        self._inner, self._guard = inner, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        answering = self._inner
        try:
            self._check(Request(scope))
        except ArgosyError as error:
            answering = refusal(error)

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *((name.encode(), value.encode()) for name, value in SAFE.items()),
                ]
            await send(message)

        await answering(scope, receive, safely)

    def _check(self, request: Request) -> None:
        guard = self._guard
        guard.check_host(request)
        guard.check_source(request, request.method)
        if request.url.path.startswith("/api/") and request.url.path not in OPEN:
            guard.check_user(request)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, ArgosyError)  # noqa: S101 - what it is registered for
    return refusal(error)


async def _refused_by_route(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    kind = {404: "missing", 405: "usage"}.get(status, "usage")
    return answer({"error": {"kind": kind, "message": f"HTTP {status}"}}, status)


async def _failed(_: Request, error: Exception) -> Response:
    return answer({"error": {"kind": "internal", "message": f"internal error, {type(error).__name__}"}}, 500)


async def missing(request: Request) -> Response:
    """Answer what nobody else does; raises MissingError."""
    raise MissingError(f"there is no {request.url.path[:200]}")


def session(guard: Guard) -> list[Route]:
    """Return the routes of signing in and out."""

    async def told(request: Request) -> Response:
        signed_in = guard.is_signed_in(request)
        needs = None if signed_in else "token"
        return answer({"signed_in": signed_in, "needs": needs, "user": guard.user(request)})

    async def sign_in(request: Request) -> Response:
        token = (await body(request)).get("token")
        if not isinstance(token, str) or not guard.is_token(token):
            raise TokenError("that is not the token")
        return _with_cookie(Response(status_code=204), guard, request)

    async def sign_out(_: Request) -> Response:
        response = Response(status_code=204)
        response.delete_cookie(COOKIE)
        return response

    return [
        Route("/api/session", told),
        Route("/api/session", sign_in, methods=["POST"]),
        Route("/api/session", sign_out, methods=["DELETE"]),
    ]


def _with_cookie(response: Response, guard: Guard, request: Request) -> Response:
    secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
    response.set_cookie(COOKIE, guard.cookie, httponly=True, samesite="strict", secure=secure)
    return response


def shown(guard: Guard) -> Callable[[Request], Any]:
    """Return the endpoint of the page, under any path that is not something else's."""

    async def page(request: Request) -> Response:
        token = request.query_params.get("token")
        if token is not None:
            if not guard.is_token(token):
                raise TokenError("that is not the token")
            return _with_cookie(RedirectResponse("/", 303), guard, request)
        name = request.path_params["path"]
        if _NAME.fullmatch(name) and "." in name:
            return _file(ASSETS / name)
        index = ASSETS / "index.html"
        if not index.is_file():
            return HTMLResponse(WITHOUT_PAGE)
        return FileResponse(index, headers={"cache-control": "no-cache"})

    return page


async def asset(request: Request) -> Response:
    """Return a file that the page is made of; raises MissingError."""
    name = request.path_params["name"]
    if not _NAME.fullmatch(name):
        raise MissingError("there is no such file")
    return _file(ASSETS / "assets" / name)


def _file(path: Path) -> Response:
    """Return a file of the page; raises MissingError, also for one that leads out of its directory."""
    if not path.is_file() or not path.resolve().is_relative_to(ASSETS.resolve()):
        raise MissingError("there is no such file")
    lasting = f"public, max-age={YEAR}, immutable" if _HASHED.search(path.name) else "no-cache"
    return FileResponse(path, headers={"cache-control": lasting})


HANDLERS: dict[Any, Any] = {ArgosyError: _refused, HTTPException: _refused_by_route, Exception: _failed}
