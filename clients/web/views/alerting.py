"""Alerts, and rules: what there is, what people said of it, and what rules would have found."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from clients.explaining.explained import alert_row
from clients.web.errors import MissingError, ParameterError, TooLargeError
from topics.alerts import RESOLVED, SEVERITIES
from topics.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clients.explaining.beside import Beside
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine
    from clients.web.views.state import AlertState
    from processors.alerts import Rules
    from topics.alerts import Alert

MOST_TESTED = 5_000_000  # records that rules are tried on
MOST_FOUND = 1000
MOST_RULES_TEXT = 256 << 10
AT_ONCE = 131_072


def latest(alerts: Iterable[Alert]) -> list[Alert]:
    """Return the last word on each alert, the newest first."""
    last: dict[str, Alert] = {}
    for alert in alerts:
        known = last.get(alert.id)
        if known is None or alert.revision >= known.revision:
            last[alert.id] = alert
    return sorted(last.values(), key=lambda alert: (-alert.time, alert.id))


def listed(
    alerts: Iterable[Alert],
    state: AlertState,
    question: Question,
    *,
    severity: str,
    rule: str,
    opened: bool,
    limit: int,
    pointed: str = "",
) -> dict[str, Any]:
    """Return the alerts of a time, at least so bad, with what people said of them.

    The one that is pointed at, by its id, comes first where it is not among them.
    """
    from processors.alerts.silences import Silences

    silenced = Silences(state.as_rules())
    known = latest(alerts)
    inside = [each for each in known if each.last >= question.first and each.first <= question.end]
    least = SEVERITIES.index(severity)
    chosen = [
        each
        for each in inside
        if SEVERITIES.index(each.severity) >= least
        and rule in ("", each.rule)
        and not (opened and each.state == RESOLVED)
    ]
    rows = [
        {
            **alert_row(each),
            "acknowledged": state.acknowledgement(each.id),
            "silenced": silenced(each.rule, each.subject, each.time),
        }
        for each in _with_pointed(chosen[:limit], known, pointed)
    ]
    counts = Counter(each.severity for each in chosen)
    names = sorted({each.rule for each in inside})
    return {"alerts": rows, "counts": {name: counts[name] for name in SEVERITIES}, "rules": names, "total": len(chosen)}


def _with_pointed(shown: list[Alert], known: list[Alert], pointed: str) -> list[Alert]:
    if not pointed or any(each.id == pointed for each in shown):
        return shown
    return [*(each for each in known if each.id == pointed), *shown]


def rules_shown(names: tuple[str, ...]) -> dict[str, Any]:
    """Return the rules that the server was started with, each with its text, and their files."""
    from clients.alerts.chosen import rules_of

    rules = rules_of(names)
    files: dict[str, str] = {}
    for place in rules.places.values():
        path = place.partition(": line")[0]
        files.setdefault(path, Path(path).read_text(encoding="utf-8"))
    rows = rule_rows(rules)
    for row in rows:
        row["file"] = Path(rules.places[row["name"]].partition(": line")[0]).name
        row["text"] = _text_of(files[rules.places[row["name"]].partition(": line")[0]], row["name"])
    return {"rules": rows, "files": [{"name": Path(path).name, "text": text} for path, text in sorted(files.items())]}


class _Legible(yaml.SafeDumper):
    """Writes texts of several lines as these lines."""


def _written(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Legible.add_representer(str, _written)


def _text_of(text: str, name: str) -> str:
    """Return the rule of a name alone, as a file of rules that can be tried."""
    said = yaml.safe_load(text)
    own = [rule for rule in said.get("rules", []) if rule.get("name") == name]
    return yaml.dump({"rules": own}, Dumper=_Legible, sort_keys=False, allow_unicode=True, width=100)


def rule_rows(rules: Rules) -> list[dict[str, Any]]:
    """Return rules as pages have them."""
    return [
        {
            "name": rule.name,
            "severity": rule.severity,
            "about": rule.about,
            "kind": rule.kind,
            "fields": list(rule.fields),
            "enabled": rule.enabled,
            "explain": rule.explain,
            "match": rule.match,
        }
        for rule in rules.rules
    ]


def checked(text: str) -> Rules:
    """Return the rules of a text; raises SettingsError naming line and key. Nothing is left behind."""
    from processors.alerts import read_rules

    if len(text) > MOST_RULES_TEXT:
        raise TooLargeError(f"rules of more than {MOST_RULES_TEXT >> 10} kB")
    _forbid_files(text)
    with tempfile.TemporaryDirectory(prefix="argosy-rules-") as directory:
        path = Path(directory, "rules.yaml")
        path.write_text(text, encoding="utf-8")
        try:
            return read_rules([str(path)])
        except SettingsError as error:
            raise SettingsError(str(error).removeprefix(f"{path}: ").replace(str(path), "rules")) from None


def _forbid_files(text: str) -> None:
    """Refuse rules that would read a file of the server: access lists, and lists of values in filters."""
    from clients.web.asking.question import parsed_filter

    try:
        said = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return  # told with its line where the rules are read
    rules = said.get("rules") if isinstance(said, dict) else None
    for rule in rules if isinstance(rules, list) else []:
        if not isinstance(rule, dict):
            continue
        if rule.get("policy"):
            raise SettingsError(
                "policy: access lists are files, which are not read for a page; try them with argosy alerts test"
            )
        sequence = rule.get("sequence")
        filters = [rule.get("match"), sequence.get("then") if isinstance(sequence, dict) else None]
        for each in filters:
            if isinstance(each, str) and rule.get("about", "records") == "records":
                parsed_filter(each)
            elif isinstance(each, str) and " in " in f" {each} ":
                raise SettingsError("match: lists in files are not read for a page")


def tested(
    engine: Engine, beside: Beside, rules: Rules, state: AlertState, question: Question, asked: Asked, name: str
) -> dict[str, Any]:
    """Return what rules, or the one of a name, would have found in a time; raises MissingError, TooLargeError."""
    from processors.alerts import Alerts

    chosen = [rule for rule in rules.rules if name in ("", rule.name)]
    if not chosen:
        raise MissingError(f"there is no rule '{name[:100]}'")
    alerts = Alerts(chosen, [*rules.silences, *state.as_rules()])
    found, records = _over_flows(engine, alerts, question, asked)
    if "dns" in alerts.inputs:
        _over_dns(beside, alerts, question)
    found = sorted([*found, *alerts.flush()], key=lambda each: (each.time, each.rule, each.about))
    raised = [each for each in found if each.state != RESOLVED]
    return {
        "alerts": [{**alert_row(each), "acknowledged": None, "silenced": False} for each in raised[:MOST_FOUND]],
        "count": len(raised),
        "records": records,
        "silenced": alerts.counts()["silenced"],
        "truncated": len(raised) > MOST_FOUND,
    }


def _over_flows(engine: Engine, alerts: Any, question: Question, asked: Asked) -> tuple[list[Alert], int]:  # noqa: ANN401 - the engine of alerts
    import polars as pl

    from clients.reading.sources import to_batch
    from sinks.formats.scan import reading, scan

    segments = engine.archive.touching(question.first, question.end)
    rows = sum(each.rows for each in segments)
    if rows > MOST_TESTED:
        raise TooLargeError(
            f"{rows:,} flows are more than the {MOST_TESTED:,} that rules are tried on: ask about less time"
        )
    starts = pl.min_horizontal("src_first", "dst_first").cast(pl.Int64)
    found: list[Alert] = []
    records = 0
    for segment in segments:
        for begin in range(0, segment.rows, AT_ONCE):
            asked.check()
            with reading([segment.path]):
                piece = scan([segment.path]).slice(begin, AT_ONCE)
                frame = piece.filter(starts.is_between(question.first, question.end)).collect()
            records += frame.height
            if frame.height:
                alerts.process(to_batch(frame))
                found += alerts.advance(0)
    return found, records


def _over_dns(beside: Beside, alerts: Any, question: Question) -> None:  # noqa: ANN401 - as above
    from processors.alerts.tables import dns_table

    for batch in beside.transactions().batches:
        times = batch.transactions["time"]
        if ((times >= question.first) & (times <= question.end)).any():
            alerts.process_table("dns", dns_table(batch))


def chosen_alert(alerts: Iterable[Alert], name: str) -> Alert:
    """Return an alert by its id; raises MissingError."""
    found = next((each for each in latest(alerts) if each.id == name), None)
    if found is None:
        raise MissingError("there is no such alert")
    return found


def text_of(said: dict[str, Any]) -> str:
    """Return the rules that a request holds; raises ParameterError."""
    text = said.get("text", "")
    if not isinstance(text, str):
        raise ParameterError("'text' takes the text of rules", "text")
    return text


def ends_of(said: dict[str, Any]) -> dict[str, str]:
    """Return what a body says of time as parameters say it."""
    return {name: str(said[name]) for name in ("t", "from", "to", "tz", "anchor") if said.get(name) is not None}
