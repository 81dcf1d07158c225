"""Routes of one thing looked at: a flow, a host, a graph, countries, DNS, mirror ports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from clients.explaining.explained import explained
from clients.explaining.finding import File, find
from clients.web.asking.command_line import source_words
from clients.web.asking.question import MOST_TEXT, Question, choice, number
from clients.web.errors import MissingError, ParameterError
from clients.web.serving.replies import answer, parameters
from clients.web.serving.traffic_routes import questioned, worked
from clients.web.traffic.pairs import OF_FIELD
from clients.web.views.countries import geography
from clients.web.views.dns import dns
from clients.web.views.graphing import NODE_METRICS, graph
from clients.web.views.host import host
from clients.web.views.spans import spans

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from clients.web.asking.asked import Asked
    from clients.web.site import Site

Said = dict[str, str]
SPANS = "/api/spans"  # pages ask for it when they are opened
_ID = re.compile(r"[0-9a-f]{32}")
_AT = re.compile(r"([0-9a-f]{32})-(\d{1,10})")


def routes(site: Site) -> list[Route]:
    """Return the routes."""

    async def of_flow(request: Request) -> Response:
        said, name = parameters(request), request.path_params["id"].lower()
        if not _ID.fullmatch(name):
            raise ParameterError("a flow is known by 32 hexadecimal digits", "id")
        return answer(
            await site.answering.run(request, said, lambda asked: _explained(site, name, said.get("at", ""), asked))
        )

    async def of_host(request: Request) -> Response:
        address = request.path_params["address"]

        def made(about: Question, said: Said, asked: Asked) -> dict[str, Any]:
            return host(site.engine, site.beside, about, asked, address, number(said, "bins", 120, 2, 1000))

        found: Response = await questioned(site, made)(request)
        return found

    def of_graph(about: Question, said: Said, asked: Asked) -> dict[str, Any]:
        by, metric = choice(said, "by", "addr", tuple(OF_FIELD)), choice(said, "metric", "bytes", tuple(NODE_METRICS))
        return graph(site.engine, about, asked, by, metric, number(said, "nodes", 150, 2, 500))

    def of_geography(about: Question, _: Said, asked: Asked) -> dict[str, Any]:
        return geography(site.engine, about, asked)

    def of_dns(about: Question, said: Said, _: Asked) -> dict[str, Any]:
        limit = number(said, "limit", 50, 1, 1000)
        name, client = said.get("name", "")[:MOST_TEXT], said.get("client", "")[:MOST_TEXT]
        return dns(site.beside.transactions(), about, site.engine.names(), limit=limit, name=name, client=client)

    def of_spans(_: Question, __: Said, asked: Asked) -> dict[str, Any]:
        return spans(site.archive, site.beside, asked, site.span_findings())

    site.first[SPANS, ()] = worked(site, of_spans)
    return [
        Route("/api/flow/{id}", of_flow),
        Route("/api/host/{address}", of_host),
        Route("/api/graph", questioned(site, of_graph)),
        Route("/api/geography", questioned(site, of_geography)),
        Route("/api/dns", questioned(site, of_dns)),
        Route(SPANS, questioned(site, of_spans)),
    ]


def _explained(site: Site, name: str, at: str, asked: Asked) -> dict[str, Any]:
    segments = site.archive.segments
    match = _AT.fullmatch(at)
    paths = {each.key: each.path for each in segments}
    hint = (paths[match[1]], int(match[2])) if match and match[1] in paths else None
    asked.check()
    found = find([File(each.path, each.first, each.last) for each in segments], bytes.fromhex(name), hint)
    if found is None:
        raise MissingError("there is no such flow")
    asked.check()
    return explained(found, site.beside, " ".join(source_words(site.archive)), site.alerts())
