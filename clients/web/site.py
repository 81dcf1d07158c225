"""All that a page is made of, put together: the archive, its columns, who may ask, what was found beside the flows."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clients.explaining.beside import Beside
from clients.web.asking.asked import Asked
from clients.web.asking.question import Question
from clients.web.columns.archive import Archive
from clients.web.columns.engine import Engine
from clients.web.serving.answering import Answering
from clients.web.serving.lasting import ALERTS as LIST_OF_ALERTS
from clients.web.serving.lasting import META, Lasting
from clients.web.serving.meta import meta
from clients.web.serving.replies import encoded
from clients.web.traffic.overview import overview
from clients.web.views.state import AlertState
from sinks.alerts.kept import SUFFIX as ALERTS
from sinks.formats.findings import DNS_SUFFIX, NAMES_SUFFIX
from topics.errors import ArgosyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clients.web.setup import Setup
    from clients.web.views.live import LiveTopics
    from topics.alerts import Alert
    from topics.spans import SpanFinding

First = tuple[str, tuple[tuple[str, str], ...]]  # a path, and parameters
REFRESH = 2.0  # seconds
PERIOD = 1.0  # likewise, between events of a stream
WARMING = 300.0


class Site:
    """What routes answer from. `start` begins to look after the archive; `close` ends that."""

    def __init__(self, setup: Setup) -> None:
        setup.cache.mkdir(parents=True, exist_ok=True)
        self.setup, self.guard = setup, setup.guard
        self.archive = Archive(setup.directories, setup.files, setup.cache)
        self.engine = Engine(self.archive, setup.cache)
        self.lasting = Lasting(setup)
        self.answering = Answering(setup.seconds, self.guard.client, None if setup.bus else self.lasting)
        self.first: dict[First, Callable[[dict[str, str], Asked], dict[str, Any]]] = {}  # what pages ask first
        self.beside = Beside(setup.directories)
        self.engine.names = self.beside.latest_names
        self.alert_state = AlertState(setup.state)
        self.topics = _topics(setup.bus)
        self.period = PERIOD
        self._stopped = threading.Event()
        self._warmed = -1
        self._thread = threading.Thread(target=self._look_after, name="argosy-archive", daemon=True)

    def start(self) -> None:
        """Look which files there are, and go on looking."""
        self._refresh()
        self._thread.start()
        if self.topics is not None:
            self.topics.start()

    def close(self) -> None:
        """End what was started."""
        self._stopped.set()
        if self.topics is not None:
            self.topics.close()
        self.answering.close()
        self.engine.close()

    @property
    def title(self) -> str:
        """Return what the page is about."""
        return ", ".join(Path(name).name or name for name in self.archive.names)[:200] or self.setup.bus

    @property
    def is_live(self) -> bool:
        """Whether records come while the page is open."""
        return bool(self.setup.bus)

    def sources(self) -> list[dict[str, Any]]:
        """Return what is read, without passwords."""
        segments = self.archive.segments
        found = [_source("archive", name, segments) for name in self.archive.directories]
        found += [_source("file", name, segments) for name in self.archive.files]
        return found + ([{"kind": "bus", "name": self.setup.bus, "files": 0, "records": 0}] if self.setup.bus else [])

    def has(self) -> dict[str, bool]:
        """Return which views have something to show."""
        columns, alerts = self.engine.columns, self.beside.has(ALERTS) or self.is_live
        before = None if self._warmed >= 0 else self.lasting.get(self.lasting.state, META, {})
        if before is not None:  # columns that nobody has looked at yet tell nothing
            known: dict[str, bool] = json.loads(before)["has"]
            return known
        return {
            "dns": self.beside.has(DNS_SUFFIX),
            "names": self.beside.has(NAMES_SUFFIX) or len(columns.vocabulary("name").words) > 1,
            "alerts": alerts,
            "spans": bool(self.archive.segments),
            "countries": len(columns.vocabulary("country").words) > 1,
            "as": len(columns.vocabulary("as").words) > 1,
            "live": self.is_live,
            "rules": True,
        }

    def alerts(self) -> list[Alert]:
        """Return the alerts that were kept, and those that came while the server runs."""
        return [*self.beside.alerts(), *(self.topics.alerts if self.topics else ())]

    def span_findings(self) -> list[SpanFinding]:
        """Return what came about mirror ports while the server runs."""
        return list(self.topics.findings.values()) if self.topics else []

    @property
    def stopped(self) -> bool:
        """Whether the server is being stopped."""
        return self._stopped.is_set()

    def live_status(self) -> dict[str, Any]:
        """Return whether records come live, and what went wrong with that."""
        return {"live": self.is_live, "error": (self.topics.error or None) if self.topics else None}

    def state(self) -> object:
        """Return what changes when answers do."""
        done = sum(self.engine.is_prepared(each) for each in self.archive.segments)
        return self.archive.generation, done, self.alert_state.changes, len(self.topics.alerts) if self.topics else 0

    def _look_after(self) -> None:
        while not self._stopped.is_set():
            self.engine.prepare()
            while not self._stopped.is_set() and (said := self.archive.awaited.read_next()) is not None:
                self._refresh()
                self.archive.problems += [said] if said else []
                self.engine.prepare()
            self._warm()
            self._stopped.wait(REFRESH)
            self._refresh()

    def _refresh(self) -> None:
        state = self.lasting.look()
        self.archive.refresh()
        self.lasting.state = state  # only now are answers made of files that are at least as new

    def _warm(self) -> None:
        """Have the answers at hand that the first page shows, when there are other files than before."""
        span = self.archive.span()
        if span is None or self._warmed == self.archive.generation:
            return
        with suppress(ArgosyError):  # what is wrong with a file is told to who asks; or this ends
            asked = Asked(WARMING)
            overview(self.engine, Question(*span), asked, by="proto", metric="bytes", bins=120, limit=8, compare=False)
            for (path, said), work in self.first.items():
                if path == LIST_OF_ALERTS and self.alert_state.silences():
                    continue  # they end by themselves
                self.answering.foresee(path, dict(said), self.state(), work, Asked(WARMING))
            self.engine.warm_up()
        self._warmed = self.archive.generation
        if not self.is_live:
            self.lasting.put(self.lasting.state, META, {}, encoded(meta(self)))


def _topics(bus: str) -> LiveTopics | None:
    if not bus:
        return None
    from clients.web.views.live import LiveTopics

    return LiveTopics(bus)


def _source(kind: str, name: str, segments: Sequence[Any]) -> dict[str, Any]:
    from clients.reading.sources import is_database

    if is_database(name):
        from sinks.sql.address import display_name, parse_table

        return {"kind": "database", "name": display_name(parse_table(name)[0]), "files": 0, "records": None}
    below = [each for each in segments if Path(each.path).is_relative_to(name)]
    return {"kind": kind, "name": name, "files": len(below), "records": sum(each.rows for each in below)}
