"""When nobody wants to hear of a rule or a subject."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from processors.alerts.settings import Silence

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Subject = tuple[tuple[str, str], ...]


class Silences:
    """Tells whether an alert is silenced at a time (ns)."""

    def __init__(self, silences: Sequence[Silence]) -> None:
        self._silences = [_asked(silence) for silence in silences]

    def __call__(self, rule: str, subject: Subject, time: int) -> bool:
        """Return whether some silence is about it."""
        return any(silences(rule, subject, time) for silences in self._silences)


def _asked(silence: Silence) -> Callable[[str, Subject, int], bool]:
    rule = re.compile(silence.rule)
    patterns = {name: re.compile(pattern) for name, pattern in silence.subject.items()}

    def silences(name: str, subject: Subject, time: int) -> bool:
        if not (silence.since <= time < silence.until and _in_hours(silence, time)):
            return False
        values = dict(subject)
        about = all(field in values and patterns[field].fullmatch(values[field]) for field in patterns)
        return about and (not silence.rule or rule.fullmatch(name) is not None)

    return silences


def _in_hours(silence: Silence, time: int) -> bool:
    moment = datetime.fromtimestamp(time // 1_000_000_000, UTC)
    if silence.days and DAYS[moment.weekday()] not in silence.days:
        return False
    if not silence.hours:
        return True
    start, end = silence.hours.split("-")
    now = moment.strftime("%H:%M")
    return start <= now < end if start <= end else now >= start or now < end
