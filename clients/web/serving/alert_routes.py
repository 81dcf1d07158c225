"""Routes of alerts and rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from clients.web.asking.question import MOST_TEXT, Question, choice, number, question
from clients.web.errors import ParameterError
from clients.web.serving.lasting import ALERTS
from clients.web.serving.replies import answer, body, described
from clients.web.serving.traffic_routes import questioned, worked
from clients.web.views import alerting
from topics.alerts import SEVERITIES
from topics.errors import ArgosyError, UsageError

if TYPE_CHECKING:
    from starlette.requests import Request

    from clients.web.asking.asked import Asked
    from clients.web.site import Site

Said = dict[str, str]
_LINE = re.compile(r"line (\d+)")
_QUOTED = re.compile(r"'([^']{1,200})'")
OPENING = (("state", "open"), ("limit", "6"))  # what the first page asks (page/src/views/overview_findings.tsx)
LOOKED_AT = 20  # lines of a key, in which the word that is wrong is looked for


def routes(site: Site) -> list[Route]:
    """Return the routes."""
    state = site.alert_state

    def of_alerts(about: Question, said: Said, _: Asked) -> dict[str, Any]:
        if not said.get("t") and not said.get("from") and not said.get("to"):
            about = Question()
        return alerting.listed(
            site.alerts(),
            state,
            about,
            severity=choice(said, "severity", SEVERITIES[0], SEVERITIES),
            rule=said.get("rule", "")[:MOST_TEXT],
            opened=choice(said, "state", "all", ("open", "all")) == "open",
            limit=number(said, "limit", 200, 1, 10_000),
            pointed=said.get("alert", "")[:MOST_TEXT],
        )

    def shown(name: str) -> dict[str, Any]:
        found = alerting.chosen_alert(site.alerts(), name)
        rows = alerting.listed([found], state, Question(), severity=SEVERITIES[0], rule="", opened=False, limit=1)
        alert: dict[str, Any] = rows["alerts"][0]
        return alert

    site.first[ALERTS, OPENING] = worked(site, of_alerts)

    async def acknowledge(request: Request) -> Response:
        name, said = request.path_params["id"], await body(request)
        note = said.get("note", "")
        if not isinstance(note, str):
            raise ParameterError("'note' takes text", "note")

        def work(_: Asked) -> dict[str, Any]:
            alerting.chosen_alert(site.alerts(), name)
            state.acknowledge(name, site.guard.user(request) or "somebody", note)
            return shown(name)

        return answer(await site.answering.run(request, {}, work))

    async def forget(request: Request) -> Response:
        name = request.path_params["id"]

        def work(_: Asked) -> dict[str, Any]:
            alerting.chosen_alert(site.alerts(), name)
            state.forget(name)
            return shown(name)

        return answer(await site.answering.run(request, {}, work))

    return [
        Route(ALERTS, questioned(site, of_alerts, lambda: not state.silences())),
        Route("/api/alerts/{id}/acknowledge", acknowledge, methods=["POST"]),
        Route("/api/alerts/{id}/acknowledge", forget, methods=["DELETE"]),
        *_silence_routes(site),
        *_rule_routes(site),
    ]


def _silence_routes(site: Site) -> list[Route]:
    state = site.alert_state

    async def silences(_: Request) -> Response:
        return answer({"silences": state.silences()})

    async def silence(request: Request) -> Response:
        said = await body(request)
        made = await site.answering.run(
            request, {}, lambda _: state.silence(said, site.guard.user(request) or "somebody")
        )
        return answer(made, 201)

    async def end_silence(request: Request) -> Response:
        state.end_silence(request.path_params["id"])
        return Response(status_code=204)

    return [
        Route("/api/silences", silences),
        Route("/api/silences", silence, methods=["POST"]),
        Route("/api/silences/{id}", end_silence, methods=["DELETE"]),
    ]


def _rule_routes(site: Site) -> list[Route]:
    async def rules(request: Request) -> Response:
        return answer(await site.answering.run(request, {}, lambda _: alerting.rules_shown(site.setup.rules)))

    async def check(request: Request) -> Response:
        text = alerting.text_of(await body(request))
        try:
            found = await site.answering.run(request, {}, lambda _: alerting.checked(text))
        except UsageError as error:
            return answer({"ok": False, "error": _mistake(error, text)})
        return answer({"ok": True, "rules": alerting.rule_rows(found)})

    async def test(request: Request) -> Response:
        said = await body(request)
        return answer(await site.answering.run(request, {}, lambda asked: _tested(site, said, asked)))

    return [
        Route("/api/rules", rules),
        Route("/api/rules/check", check, methods=["POST"]),
        Route("/api/rules/test", test, methods=["POST"]),
    ]


def _mistake(error: ArgosyError, text: str) -> dict[str, Any]:
    line = _LINE.search(str(error))
    said = described(error, "text")
    key = re.match(r"line \d+: ([^:]+(?:: [\w.]+)?):", said["message"])
    found = {**said, "line": int(line[1]) if line else None, "key": key[1] if key else None}
    return found | _place(text.splitlines(), found["line"] or 1, said["message"][key.end() if key else 0 :])


def _place(lines: list[str], first: int, reason: str) -> dict[str, Any]:
    """Return where the first word that a reason quotes stands, from its key on: in a text of several lines below it."""
    for quoted in _QUOTED.findall(reason)[:1]:
        word = re.compile(rf"(?<!\w){re.escape(quoted)}(?!\w)")
        for at, line in enumerate(lines[first - 1 : first - 1 + LOOKED_AT], first):
            if stands := word.search(line, 0 if at > first else line.find(":") + 1):
                return {"line": at, "column": stands.start() + 1, "length": len(quoted), "text": line}
    return {}


def _tested(site: Site, said: dict[str, Any], asked: Asked) -> dict[str, Any]:
    from clients.alerts.chosen import rules_of

    name = said.get("rule", "")
    if not isinstance(name, str):
        raise ParameterError("'rule' takes the name of one", "rule")
    rules = alerting.checked(alerting.text_of(said)) if said.get("text") else rules_of(site.setup.rules)
    about = question(alerting.ends_of(said), site.archive.span())
    return alerting.tested(site.engine, site.beside, rules, site.alert_state, about, asked, name)
