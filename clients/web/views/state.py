"""What people say of alerts: acknowledged, silenced; kept in a file of the server's own, beside nothing of others."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from clients.web.errors import MissingError, ParameterError
from topics.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from processors.alerts.settings import Silence

FILE = "alerts.json"
MOST = 10_000
MOST_TEXT = 1000
LONGEST = 366 * 86_400
SECOND = 1_000_000_000


class AlertState:
    """Acknowledgements by alert, and silences; every change is on disk before it is told."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._lock = threading.Lock()
        self._said: dict[str, dict[str, Any]] = {"acknowledged": {}, "silences": {}}
        self.changes = 0
        if self._path.exists():
            try:
                said = json.loads(self._path.read_text(encoding="utf-8"))
                self._said = {kind: dict(said[kind]) for kind in self._said}
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise InputError(f"{self._path}: holds no acknowledgements: {type(error).__name__}") from None

    def acknowledgement(self, alert: str) -> dict[str, Any] | None:
        """Return who said of an alert that it is known, and when."""
        return self._said["acknowledged"].get(alert)

    def acknowledge(self, alert: str, by: str, note: str) -> None:
        """Say that an alert is known; raises ParameterError."""
        _check("note", note)
        self._put("acknowledged", alert, {"by": by, "at": time.time(), "note": note})

    def forget(self, alert: str) -> None:
        """Take back that an alert is known."""
        self._drop("acknowledged", alert)

    def silences(self) -> list[dict[str, Any]]:
        """Return the silences, those that are over left out."""
        now = time.time()
        return [{"id": key, **each} for key, each in self._said["silences"].items() if each["until"] > now]

    def silence(self, said: dict[str, Any], by: str) -> dict[str, Any]:
        """Begin a silence; raises ParameterError for one that is none."""
        rule, subject, length = said.get("rule", ""), said.get("subject", {}), said.get("seconds")
        if not isinstance(length, (int, float)) or isinstance(length, bool) or not 0 < length <= LONGEST:
            raise ParameterError(f"'seconds' takes a number up to {LONGEST}", "seconds")
        if (
            not isinstance(rule, str)
            or not isinstance(subject, dict)
            or not all(isinstance(each, str) for each in subject.values())
        ):
            raise ParameterError("'rule' takes text, 'subject' an object of texts", "subject")
        reason = said.get("reason", "")
        for name, text in (("rule", rule), ("reason", reason), *subject.items()):
            _check(name, text)
        if not rule and not subject:
            raise ParameterError("say of which rule or subject", "rule")
        for pattern in (rule, *subject.values()):
            _check_pattern(pattern)
        now = time.time()
        made = {"rule": rule, "subject": subject, "since": now, "until": now + length, "reason": reason, "by": by}
        key = secrets.token_hex(8)
        self._put("silences", key, made)
        return {"id": key, **made}

    def end_silence(self, key: str) -> None:
        """End a silence; raises MissingError."""
        if key not in self._said["silences"]:
            raise MissingError("there is no such silence")
        self._drop("silences", key)

    def as_rules(self) -> list[Silence]:
        """Return the silences as rules have them."""
        from processors.alerts.settings import Silence

        return [
            Silence.model_construct(
                rule=each["rule"],
                subject=each["subject"],
                since=0,  # those of the past are as little to be heard of
                until=2**63 - 1,
                hours="",
                days=(),
                why=each["reason"],
            )
            for each in self.silences()
        ]

    def _put(self, kind: str, key: str, said: dict[str, Any]) -> None:
        with self._lock:
            if len(self._said[kind]) >= MOST and key not in self._said[kind]:
                del self._said[kind][next(iter(self._said[kind]))]
            self._said[kind] = {**self._said[kind], key: said}
            self._write()

    def _drop(self, kind: str, key: str) -> None:
        with self._lock:
            self._said[kind] = {known: each for known, each in self._said[kind].items() if known != key}
            self._write()

    def _write(self) -> None:
        self.changes += 1
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_suffix(".aside")
        aside.write_text(json.dumps(self._said), encoding="utf-8")
        aside.replace(self._path)


def _check(name: str, text: object) -> None:
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        raise ParameterError(f"'{name[:64]}' takes text of at most {MOST_TEXT} characters", name[:64])


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ParameterError(f"'{pattern[:60]}' is no regular expression: {error}", "subject") from None
