"""Time ranges as Argus's clients take them with `-t`: `14:00-15:30`, `-10m`, `2026/03/10.09+5m`, `****/03/10.**:15`."""

from __future__ import annotations

from topics.timerange.moment import Moment, read_moment
from topics.timerange.range import TimeRange, parse

__all__ = ["Moment", "TimeRange", "begin", "parse"]


def begin(text: str, now: float | None = None) -> int:
    """Return when a date and time without wildcards begins, ns since 1970, in local time; raises UsageError."""
    import time

    return read_moment(text, time.time() if now is None else now).begin()
