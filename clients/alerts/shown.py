"""Alerts for people: a line each, or JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from topics.alerts import RESOLVED, SEVERITIES
from topics.errors import UsageError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clients.options import Parsed
    from topics.alerts import Alert

MILLISECOND = 1_000_000
MODES = ("json", "query")
HEADING = f"{'Time (UTC)':<23} {'Severity':<8} {'State':<8} {'Rule':<20} {'Count':>6}  What"


def line(alert: Alert) -> str:
    """Return an alert as a line."""
    return (
        f"{moment(alert.time):<23} {alert.severity:<8} {alert.state:<8} {alert.rule:<20} {alert.count:>6}  "
        f"{alert.summary}"
    )


def moment(time: int) -> str:
    """Return a time (ns) as text, UTC."""
    milliseconds = time // MILLISECOND
    return f"{datetime.fromtimestamp(milliseconds // 1000, UTC):%Y-%m-%d %H:%M:%S}.{milliseconds % 1000:03}"


def print_alerts(parsed: Parsed, alerts: Iterable[Alert], *, resolved: bool = True) -> int:
    """Print alerts as `-M` and `--severity` ask for; return how many."""
    modes, least = parsed.words("-M"), parsed.word("--severity") or SEVERITIES[0]
    for word in modes:
        if word not in MODES:
            raise UsageError(f"unknown mode '{word}'{suggestion(word, MODES)}")
    if least not in SEVERITIES:
        raise UsageError(f"option --severity takes {', '.join(SEVERITIES)}, not '{least}'")
    rules, count = parsed.words("--rule"), 0
    for alert in alerts:
        too_mild = SEVERITIES.index(alert.severity) < SEVERITIES.index(least)
        if too_mild or (rules and alert.rule not in rules) or (alert.state == RESOLVED and not resolved):
            continue
        if "json" in modes:
            print(alert.json_line, end="")
        else:
            if not count:
                print(HEADING)
            print(line(alert))
            if "query" in modes and alert.query:
                print(f"    argosy ra -R DIR {alert.query}")
        count += 1
    return count
