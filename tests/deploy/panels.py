"""What dashboards ask of Prometheus while programs are killed, and whether an answer without series is right then."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tests.deploy.compose_file import DIRECTORY
from tests.deploy.promql import DECLARED, SUFFIXES, metrics_in
from topics.metrics import table
from topics.metrics.programs import EVERY

if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLE = re.compile(r"\$\{?\w+(:\w+)?\}?")
JOB = re.compile(r'\bjob="argosy-([\w-]+)"')
SERVING = "argosy_ready == 1 and min_over_time(argosy_ready[10s]) == 1 and count_over_time(argosy_ready[10s]) >= 8"
OCCASIONAL = {
    *(table.MIRRORED_SHARE.name, table.MIRRORED_LAG.name, table.ALERTS_PUBLISHED.name),
    f"{table.PACKET_AGE.name}_bucket",
}
ANSWERED, AWAY, DOWN, NEVER, EMPTY = "answered", "away", "down", "never", "empty"


def questions() -> list[str]:
    """Return the queries of all dashboards, their variables filled so that they select everything."""
    found = []
    for path in sorted((DIRECTORY.parent / "grafana" / "dashboards").glob("*.json")):
        waiting: list[Any] = [json.loads(path.read_text())]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                found += [part["expr"]] if isinstance(part.get("expr"), str) else []
                waiting += part.values()
            elif isinstance(part, list):
                waiting += part
    return [
        VARIABLE.sub(lambda word: "5m" if "interval" in word[0] or "range" in word[0] else ".*", each) for each in found
    ]


def programs_of(question: str) -> frozenset[str]:
    """Return the programs that have any metric of a query: those whose jobs it names, else all that may have it."""
    jobs = frozenset(JOB.findall(question))
    if jobs:
        return jobs
    found: set[str] = set()
    for name in metrics_in(question):
        metric = DECLARED.get(name) or next(
            (DECLARED[known] for suffix in SUFFIXES if (known := name.removesuffix(suffix)) in DECLARED), None
        )
        found.update(metric.programs if metric else EVERY)
    return frozenset(found)


@dataclass
class Panels:
    """Asks all queries of the dashboards; `running` are the programs that were started, by name and address.

    An empty answer is `down` when none of the programs that have its metrics served, as Prometheus saw it before or
    after the query: a killed program has no series, one that starts knows nothing yet, and dashboards show a gap. It is
    `never` when the query had no answer while all went well, as for programs and findings that are not there, or asks
    for what begins with an event, of which a program that was started anew has seen none yet. Any other
    is `empty`, which is wrong; `wrong` counts these by query. `away` is a Prometheus that was killed itself.
    """

    port: int
    running: Callable[[], dict[str, set[str]]]
    asked: list[str] = field(default_factory=questions)
    unanswered: set[str] = field(default_factory=set)
    wrong: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        """Find out what has an answer while all goes well."""
        self.unanswered = {question for question in self.asked if not self._series(question)}

    def ask(self) -> Counter[str]:
        """Ask everything once; return how the answers were."""
        said: Counter[str] = Counter()
        before = self._serving()
        empty = []
        for question in self.asked:
            found = self._series(question)
            if found:
                said[ANSWERED] += 1
            elif found is None:
                said[AWAY] += 1
            else:
                empty.append(question)
        serving = before & self._serving()
        for question in empty:
            said[self._judged(question, serving)] += 1
        return said

    def _judged(self, question: str, serving: set[str]) -> str:
        if not programs_of(question) & serving:
            return DOWN
        if question in self.unanswered or OCCASIONAL.intersection(metrics_in(question)):
            return NEVER
        self.wrong[question] += 1
        return EMPTY

    def _serving(self) -> set[str]:
        """Return the programs of which at least one process was ready whenever it was looked at lately."""
        addresses = {each["metric"]["instance"] for each in self._series(SERVING) or ()}
        return {program for program, places in self.running().items() if places & addresses}

    def _series(self, question: str) -> list[dict[str, Any]] | None:
        """Return the series of an answer; None without one, as while Prometheus starts."""
        words = urllib.parse.urlencode({"query": question})
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{words}") as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
                return None  # it reads its own log after a start
            raise AssertionError(f"{question}: {error.read().decode()}") from None
        except OSError:
            return None  # it was just killed
        return found
