"""A dashboard as it is described, and the JSON that Grafana makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WIDTH, HEIGHT, STAT_HEIGHT = 24, 8, 4
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
SCHEMA = 39  # of Grafana 11, which later ones read too
LINES, STAT, TABLE = "timeseries", "stat", "table"


@dataclass(frozen=True, slots=True)
class Query:
    """An expression of Prometheus, and how its series are called."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture: its title, what it tells, the unit of Grafana, how many fit in a row, values from which it is bad."""

    title: str
    text: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: str = LINES
    in_row: int = 2
    bad: float | None = None
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of rows, each a title with its panels; `variables` are names with the query for their values."""

    name: str
    title: str
    text: str
    rows: tuple[tuple[str, tuple[Panel, ...]], ...]
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels in order."""
        return tuple(panel for _, panels in self.rows for panel in panels)

    def as_json(self) -> dict[str, Any]:
        """Return what Grafana loads."""
        return {
            "uid": f"argosy-{self.name}",
            "title": f"Argosy: {self.title}",
            "description": self.text,
            "tags": ["argosy"],
            "schemaVersion": SCHEMA,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-3h", "to": "now"},
            "timezone": "browser",
            "links": [{"type": "dashboards", "tags": ["argosy"], "title": "Argosy", "asDropdown": True}],
            "templating": {"list": [_source(), *(_variable(*each) for each in self.variables.items())]},
            "panels": _placed(self.rows),
        }


def _source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _placed(rows: tuple[tuple[str, tuple[Panel, ...]], ...]) -> list[dict[str, Any]]:
    """Return rows and panels with their numbers and places, from the top left."""
    placed: list[dict[str, Any]] = []
    top = 0
    for title, panels in rows:
        place = {"h": 1, "w": WIDTH, "x": 0, "y": top}
        placed.append({"id": len(placed) + 1, "type": "row", "title": title, "gridPos": place, "panels": []})
        top, left, height = top + 1, 0, 0
        for panel in panels:
            width = WIDTH // panel.in_row
            if left + width > WIDTH:
                top, left, height = top + height, 0, 0
            height = max(height, STAT_HEIGHT if panel.kind == STAT else HEIGHT)
            place = {"h": STAT_HEIGHT if panel.kind == STAT else HEIGHT, "w": width, "x": left, "y": top}
            placed.append(_panel(len(placed) + 1, panel, place))
            left += width
        top += height
    return placed


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": None if panel.unit == "s" else 0}
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad is not None:
        steps.append({"color": "red", "value": panel.bad})
    defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    if panel.kind == LINES:
        stacking = {"mode": "normal" if panel.stacked else "none"}
        defaults["custom"] = {"fillOpacity": 30 if panel.stacked else 0, "showPoints": "never", "stacking": stacking}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(panel.kind),
        "targets": [
            _target(letter, query, panel.kind) for letter, query in zip("ABCDEFGH", panel.queries, strict=False)
        ],
    }


def _options(kind: str) -> dict[str, Any]:
    if kind == LINES:
        return {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]}}
    if kind == STAT:
        return {"colorMode": "background", "reduceOptions": {"calcs": ["lastNotNull"]}}
    return {"showHeader": True}


def _target(letter: str, query: Query, kind: str) -> dict[str, Any]:
    asked: dict[str, Any] = {"refId": letter, "datasource": SOURCE, "expr": query.expression}
    if kind == TABLE:
        return asked | {"format": "table", "instant": True}
    return asked | {"legendFormat": query.legend or "__auto", "instant": kind == STAT, "range": kind != STAT}
