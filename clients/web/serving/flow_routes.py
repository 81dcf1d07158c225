"""Routes of flows: filters checked and completed, pages of flows and of groups, files of them, and the command."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import FileResponse
from starlette.routing import Route

from clients.web.asking.command_line import command
from clients.web.asking.completing import complete
from clients.web.asking.question import Question, choice, number, parsed_filter, question
from clients.web.errors import ParameterError
from clients.web.flows import grouped
from clients.web.flows.exporting import FORMATS, export, export_groups
from clients.web.flows.ordering import check_sort, page
from clients.web.flows.rows import rows
from clients.web.serving.meta import column_of
from clients.web.serving.replies import answer, described, parameters
from clients.web.serving.traffic_routes import questioned
from topics.errors import FilterError, UsageError

if TYPE_CHECKING:
    from starlette.background import BackgroundTask
    from starlette.requests import Request
    from starlette.responses import Response

    from clients.web.asking.asked import Asked
    from clients.web.site import Site
    from topics.fields import Field

Said = dict[str, str]
USUAL = ("stime", "dur", "proto", "saddr", "sport", "daddr", "dport", "pkts", "bytes", "state")
MOST_FIELDS = 60
MOST_OFFSET = 10**12
MOST_EXPORTED = 1_000_000
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")


def fields_of(said: Said, default: tuple[str, ...] = USUAL) -> list[Field]:
    """Return the fields that are asked for; raises ParameterError."""
    from topics.fields import field

    words = [word for word in said.get("fields", "").replace(" ", ",").split(",") if word] or list(default)
    if len(words) > MOST_FIELDS:
        raise ParameterError(f"more than {MOST_FIELDS} fields", "fields", "field")
    try:
        return [field(word) for word in dict.fromkeys(words)]
    except UsageError as error:
        raise ParameterError(str(error)[:300], "fields", "field") from None


def group_of(said: Said) -> list[str]:
    """Return the keys that flows are to be merged by, none for flows as they are; raises ParameterError."""
    return grouped.check_keys(
        list(dict.fromkeys(word for word in said.get("group", "").replace(" ", ",").split(",") if word))
    )


def zone_of(said: Said) -> str:
    """Return the time zone for people; raises ParameterError."""
    from zoneinfo import ZoneInfo

    zone = said.get("tz", "UTC")
    try:
        if _ZONE.fullmatch(zone) and len(zone) < 64:
            return ZoneInfo(zone).key
    except (KeyError, ValueError, OSError):
        pass
    raise ParameterError("no such time zone", "tz", "time")


def group_fields(said: Said, keys: list[str]) -> list[str]:
    """Return the columns that groups are to have besides their keys; raises ParameterError."""
    words = [word for word in said.get("fields", "").replace(" ", ",").split(",") if word and word not in keys]
    chosen = [word for word in dict.fromkeys(words or grouped.USUAL) if word in grouped.COLUMNS]
    return chosen or list(grouped.USUAL)


def flows(site: Site, about: Question, said: Said, asked: Asked) -> dict[str, Any]:
    """Return a page of flows, or of groups of them."""
    offset, limit = number(said, "offset", 0, 0, MOST_OFFSET), number(said, "limit", 100, 1, 1000)
    keys, zone = group_of(said), zone_of(said)
    found = {"offset": offset, "limit": limit, "command": command_of(site, about, said)}
    if keys:
        names = group_fields(said, keys)
        made = grouped.grouped(site.engine, about, asked, keys)
        some = grouped.ordered(site.engine, made, keys, said.get("sort") or "-bytes").slice(offset, limit)
        columns = [*(column_of(each) for each in _keys(keys)), *map(_column, names)]
        shown = grouped.shown(site.engine, some, keys, names, zone, about.filter)
        return {**found, "columns": columns, "rows": shown, "total": made.height}
    chosen, sort = fields_of(said), said.get("sort") or "-stime"
    shown_page = page(site.engine, about, asked, sort, offset, limit)
    asked.check()
    columns = [column_of(each) for each in chosen]
    return {**found, "columns": columns, "rows": rows(shown_page.places, chosen, zone), "total": shown_page.total}


def _column(name: str) -> dict[str, Any]:
    title, kind, unit = grouped.COLUMNS[name]
    return {"name": name, "title": title, "kind": kind, "unit": unit}


def _keys(keys: list[str]) -> list[Any]:
    from clients.web.columns.prepared import HOST, SERVICE
    from topics.fields import field

    own = {known.name: known for known in (HOST, SERVICE)}
    return [own.get(key) or field(key) for key in keys]


def command_of(site: Site, about: Question, said: Said) -> str:
    """Return the command that says the same on a terminal."""
    keys = group_of(said)
    if keys:
        names = [*keys, *(name for name in group_fields(said, keys) if name not in grouped.OF_PAGES)]
        return command(site.archive, about, said, names, said.get("sort") or "-bytes", keys)
    sort = said.get("sort") or "-stime"
    check_sort(sort)
    return command(site.archive, about, said, [each.name for each in fields_of(said)], sort)


def routes(site: Site) -> list[Route]:
    """Return the routes."""

    def of_flows(about: Question, said: Said, asked: Asked) -> dict[str, Any]:
        return flows(site, about, said, asked)

    def of_command(about: Question, said: Said, _: Asked) -> dict[str, Any]:
        return {"command": command_of(site, about, said)}

    async def checked(request: Request) -> Response:
        from topics import filter as filters

        text = parameters(request).get("q", "")
        try:
            parsed_filter(text)
            return answer({"ok": True, "tree": filters.shown(text), "canonical": " ".join(text.split())})
        except FilterError as error:
            return answer({"ok": False, "error": described(error)})

    async def completed(request: Request) -> Response:
        said = parameters(request)
        text = said.get("q", "")[:4096]
        cursor = number(said, "at", len(text), 0, len(text))
        return answer(await site.answering.run(request, {}, lambda _: complete(site.engine, text, cursor)))

    async def exported(request: Request) -> Response:
        said = parameters(request)
        kind = choice(said, "format", "csv", tuple(FORMATS))
        limit = number(said, "limit", MOST_EXPORTED, 1, MOST_EXPORTED)
        directory = tempfile.TemporaryDirectory(prefix="argosy-export-")
        try:
            path = Path(directory.name, f"flows.{kind}")
            await site.answering.run(request, said, lambda asked: _export(site, said, asked, path, limit))
        except BaseException:
            directory.cleanup()
            raise
        return FileResponse(path, media_type=FORMATS[kind], filename=path.name, background=_after(directory))

    return [
        Route("/api/flows", questioned(site, of_flows)),
        Route("/api/flows/command", questioned(site, of_command)),
        Route("/api/flows/export", exported),
        Route("/api/filter/check", checked),
        Route("/api/filter/complete", completed),
    ]


def _after(directory: tempfile.TemporaryDirectory[str]) -> BackgroundTask:
    from starlette.background import BackgroundTask

    return BackgroundTask(directory.cleanup)


def _export(site: Site, said: Said, asked: Asked, path: Path, limit: int) -> None:
    about, keys = question(said, site.archive.span()), group_of(said)
    if keys:
        sort, names = said.get("sort") or "-bytes", group_fields(said, keys)
        found = grouped.ordered(site.engine, grouped.grouped(site.engine, about, asked, keys), keys, sort)
        export_groups(site.engine, found.head(limit), keys, names, path)
        return
    places = page(site.engine, about, asked, said.get("sort") or "-stime", 0, limit).places
    export(places, fields_of(said), path, asked)
