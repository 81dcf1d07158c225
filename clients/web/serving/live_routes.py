"""The stream of what changes while the page is open: server-sent events."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.routing import Route

from clients.explaining.explained import alert_row
from clients.web.asking.question import MOST_TEXT, choice, number, parsed_filter
from clients.web.errors import BusyError, ParameterError
from clients.web.serving.replies import encoded, parameters
from clients.web.traffic.series import SECOND
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from clients.web.site import Site
    from clients.web.views.live import LiveView

Said = dict[str, str]
EVENTS = ("rates", "table", "alert", "archive", "status")

QUIET = 15  # periods without an event after which a comment keeps the connection open
EACH, ALL = 8, 64  # streams of one client, and of all


class Streams:
    """How many streams are open, by client; raises BusyError when there are too many."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def enter(self, client: str) -> None:
        """Count one more."""
        if self._open[client] >= EACH or self._open.total() >= ALL:
            raise BusyError("too many streams are open: close other pages")
        self._open[client] += 1

    def leave(self, client: str) -> None:
        """Count one less."""
        self._open[client] -= 1


def routes(site: Site) -> list[Route]:
    """Return the routes."""
    streams = Streams()

    async def live(request: Request) -> Response:
        said = parameters(request)
        wanted = _wanted(said)
        view = _view(site, said) if wanted & {"rates", "table"} else None
        client = request.client.host if request.client else ""
        streams.enter(client)

        async def events() -> AsyncIterator[bytes]:
            try:
                async for event in _events(site, view, wanted):
                    yield event
            finally:
                streams.leave(client)

        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(events(), media_type="text/event-stream", headers=headers)

    return [Route("/api/live", live)]


def _wanted(said: Said) -> set[str]:
    words = {word for word in said.get("only", "").split(",") if word}
    if not words <= set(EVENTS):
        raise ParameterError(f"unknown event: give some of {', '.join(EVENTS)}", "only")
    return words or set(EVENTS)


def _view(site: Site, said: Said) -> LiveView | None:
    if site.topics is None:
        return None
    from clients.web.columns.coded import check_by
    from clients.web.views.live import LiveView

    text, by, sort = said.get("q", ""), said.get("by", "proto"), said.get("sort", "wload")
    parsed_filter(text)
    if len(sort) > MOST_TEXT or not re.fullmatch(r"-?\w+", sort):
        raise ParameterError("'sort' takes a field", "sort", "field")
    if by:
        choice({}, "by", check_by(by), (by,))
    try:
        return LiveView(
            site.topics,
            filter_text=text,
            by=by,
            sort=sort,
            window=number(said, "window", 10, 1, 600),
            rows=number(said, "rows", 50, 1, 500),
        )
    except UsageError as error:
        raise ParameterError(str(error)[:300], "sort", "field") from None


def event(name: str, value: dict[str, Any]) -> bytes:
    """Return a server-sent event: JSON holds no line end of its own."""
    return b"event: " + name.encode() + b"\ndata: " + encoded(value) + b"\n\n"


async def _events(site: Site, view: LiveView | None, wanted: set[str]) -> AsyncIterator[bytes]:
    generation, told, status, quiet = site.archive.generation, {each.id for each in site.alerts()}, "", 0
    yield event("status", site.live_status())
    status = str(site.live_status())
    while not site.stopped:
        some = []
        if view is not None:
            rates, table = await run_in_threadpool(view.look)
            some += [event("rates", rates)] if "rates" in wanted else []
            some += [event("table", table)] if "table" in wanted else []
        if "archive" in wanted and site.archive.generation != generation:
            generation = site.archive.generation
            some.append(event("archive", _archive(site)))
        if "alert" in wanted:
            alerts = await run_in_threadpool(site.alerts)
            some += [event("alert", _alert(site, each)) for each in alerts if each.id not in told]
            told |= {each.id for each in alerts}
        if str(site.live_status()) != status:
            status = str(site.live_status())
            some.append(event("status", site.live_status()))
        quiet = 0 if some else quiet + 1
        if quiet >= QUIET:
            some, quiet = [b": nothing new\n\n"], 0
        for each in some:
            yield each
        await asyncio.sleep(site.period)


def _archive(site: Site) -> dict[str, Any]:
    span = site.archive.span()
    ends = {"from": span[0] / SECOND, "to": span[1] / SECOND} if span else None
    return {"generation": site.archive.generation, "records": site.archive.rows, "span": ends}


def _alert(site: Site, alert: Any) -> dict[str, Any]:  # noqa: ANN401 - an alert
    return {**alert_row(alert), "acknowledged": site.alert_state.acknowledgement(alert.id), "silenced": False}
