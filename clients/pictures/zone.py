"""The local time zone, for axes of time: what TZ names, else what the machine has."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

SECOND = 1_000_000_000
LOCAL = Path("/etc/localtime")


def local_zone() -> tzinfo:
    """Return the zone that local times are of; where only an offset is known, that of now."""
    name = os.environ.get("TZ", "").removeprefix(":")
    try:
        if name:
            return ZoneInfo(name)
        with LOCAL.open("rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except (OSError, ValueError, KeyError):
        return timezone(timedelta(seconds=time.localtime().tm_gmtoff), time.tzname[0])


def told(start: int, end: int) -> str:
    """Return a range in ns and its zone, as an axis of time says it: `2026-03-10 09:00:00 to 09:10:00, UTC`."""
    zone = local_zone()
    first, last = (datetime.fromtimestamp(instant // SECOND, zone) for instant in (start, end))
    until = "%H:%M:%S" if first.date() == last.date() else "%Y-%m-%d %H:%M:%S"
    names = list(dict.fromkeys(_named(each) for each in (first, last)))
    return f"{first:%Y-%m-%d %H:%M:%S} to {last:{until}}, {', '.join(names)}"


def _named(instant: datetime) -> str:
    name, offset = instant.tzname() or "", f"{instant:%z}"
    hours = f"UTC{offset[:3]}:{offset[3:5]}"
    if name in {"UTC", "GMT"} or not name:
        return name or hours
    return hours if name[0] in "+-" else f"{name} ({hours})"
