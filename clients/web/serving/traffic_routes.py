"""Routes of what flows add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from clients.web.asking.question import SECOND, Question, choice, number, question
from clients.web.columns.coded import check_by
from clients.web.errors import ParameterError
from clients.web.traffic.fresh import fresh
from clients.web.traffic.overview import overview
from clients.web.traffic.quality import quality
from clients.web.traffic.series import before, series
from clients.web.traffic.sums import METRICS
from clients.web.traffic.tops import top

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from clients.web.asking.asked import Asked
    from clients.web.site import Site

Said = dict[str, str]
YEAR = 366 * 86_400
# What the page asks when it is opened (page/src/views/overview.tsx, overview_findings.tsx).
FIRST: tuple[tuple[str, Said], ...] = (
    ("/api/overview", {"by": "service", "metric": "bytes", "compare": "0", "bins": "160", "top": "7"}),
    ("/api/new", {"against": "86400", "limit": "20"}),
)


def questioned(
    site: Site, make: Callable[[Question, Said, Asked], dict[str, Any]], lasting: Callable[[], bool] = lambda: True
) -> Callable[[Request], Any]:
    """Return an endpoint for a question about flows: what is made of it, with the time it was about.

    Answers last (lasting.py) while `lasting` says that no time will make them others.
    """
    work = worked(site, make)

    async def endpoint(request: Request) -> Response:
        return await site.answering.kept(request, site.state(), work, lasting=lasting())

    return endpoint


def worked(
    site: Site, make: Callable[[Question, Said, Asked], dict[str, Any]]
) -> Callable[[Said, Asked], dict[str, Any]]:
    """Return what parameters are answered by, with the time that they were about."""

    def work(said: Said, asked: Asked) -> dict[str, Any]:
        about = question(said, site.archive.span())
        prepared = site.engine.fraction(about)
        found = make(about, said, asked)
        ends = {"from": about.first / SECOND, "to": (about.end + 1) / SECOND}
        return {"range": ends, "prepared": prepared, "generation": site.archive.generation, **found}

    return work


def metric_of(said: Said, default: str = "bytes") -> str:
    """Return the metric that is asked for; raises ParameterError."""
    return choice(said, "metric", default, METRICS)


def by_of(said: Said, default: str) -> str:
    """Return what flows are to be told apart by, empty for nothing; raises ParameterError."""
    name = said.get("by", default).strip()
    return check_by(name) if name else ""


def flag(said: Said, name: str) -> bool:
    """Return whether a parameter asks for something; raises ParameterError."""
    return choice(said, name, "0", ("0", "1")) == "1"


def over_time(said: Said) -> dict[str, Any]:
    """Return the metric, the bins, how many of the largest stand apart, and whether beside the time before.

    Raises ParameterError.
    """
    return {
        "metric": metric_of(said),
        "bins": number(said, "bins", 120, 2, 1000),
        "limit": number(said, "top", 8, 1, 50),
        "compare": flag(said, "compare"),
    }


def routes(site: Site) -> list[Route]:
    """Return the routes."""
    engine = site.engine

    def of_overview(about: Question, said: Said, asked: Asked) -> dict[str, Any]:
        return overview(
            engine,
            about,
            asked,
            by=by_of(said, "proto"),
            **over_time(said),
        )

    def of_series(about: Question, said: Said, asked: Asked) -> dict[str, Any]:
        return series(
            engine,
            about,
            asked,
            by=by_of(said, ""),
            **over_time(said),
            direction=flag(said, "direction"),
        )

    def of_top(about: Question, said: Said, asked: Asked) -> dict[str, Any]:
        by, limit = by_of(said, "addr"), number(said, "limit", 10, 1, 1000)
        if not by:
            raise ParameterError("say what flows are to be told apart by", "by", "field")
        earlier = before(about) if flag(said, "compare") else None
        return top(engine, about, asked, by, metric_of(said), limit, earlier)

    def of_quality(about: Question, said: Said, asked: Asked) -> dict[str, Any]:
        return quality(engine, about, asked, number(said, "bins", 120, 2, 1000))

    def of_new(about: Question, said: Said, asked: Asked) -> dict[str, Any]:
        against = number(said, "against", 86_400, 1, YEAR)
        known = site.beside.transactions().table
        return fresh(engine, known, about, asked, against, number(said, "limit", 50, 1, 1000))

    made = {"overview": of_overview, "series": of_series, "top": of_top, "quality": of_quality, "new": of_new}
    site.first |= {(path, tuple(said.items())): worked(site, made[path.removeprefix("/api/")]) for path, said in FIRST}
    return [Route(f"/api/{name}", questioned(site, make)) for name, make in made.items()]
