"""Messages of the system's log: RFC 5424, RFC 3164 and whatever else is sent to that place."""

from __future__ import annotations

import re
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from probes.events.listener import LONGEST, Listener
from probes.events.parsing.text import address, short

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_WAITING = 10_000
SECOND, MICROSECOND = 1_000_000_000, 1000
_PRIORITY = re.compile(r"<(\d{1,3})>")
_NEW = re.compile(r"1 (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) ")
_OLD = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (?:(\S{1,255}) )?")
_TAG = re.compile(r"([\w./-]{1,48})(?:\[(\w{1,32})\])?: ?")
_PARAMETER = re.compile(r' ([^ =\]"]{1,32})="((?:[^"\\\]]|\\.)*)"')
_ELEMENT = re.compile(r'\[([^ =\]"]{1,32})((?: [^ =\]"]{1,32}="(?:[^"\\\]]|\\.)*")*)\]')
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
MOST_PARAMETERS = 64


def parse_message(data: bytes, received: int) -> dict[str, Any]:
    """Return a message as a row, without its sender; nothing is refused. `received` is in ns since the epoch."""
    text = data[:LONGEST].decode("utf-8", "replace").rstrip("\r\n\0")
    row: dict[str, Any] = {
        "received": received,
        "time": 0,
        "facility": -1,
        "severity": -1,
        "host": "",
        "application": "",
        "process": "",
        "message_id": "",
        "data": {},
    }
    found = _PRIORITY.match(text)
    if found and int(found[1]) < 192:
        row["facility"], row["severity"] = divmod(int(found[1]), 8)
        text = text[found.end() :]
    if found := _NEW.match(text):
        return row | _new(found, text[found.end() :])
    return row | _old(text, received)


def _new(found: re.Match[str], rest: str) -> dict[str, Any]:
    host, application, process, kind = ("" if word == "-" else word for word in found.groups()[1:])
    data: dict[str, str] = {}
    rest = rest.removeprefix("-")
    while element := _ELEMENT.match(rest):
        for name, value in _PARAMETER.findall(element[2])[:MOST_PARAMETERS]:
            data[f"{element[1]}.{name}"] = re.sub(r'\\(["\\\]])', r"\1", value)
        rest = rest[element.end() :]
    named = {"host": host, "application": application, "process": process, "message_id": kind}
    text = rest.removeprefix(" ").removeprefix("\ufeff")
    return named | {"time": _stamp(found[1]), "data": dict(list(data.items())[:MOST_PARAMETERS]), "text": text}


def _stamp(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return 0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return int(when.replace(microsecond=0).timestamp()) * SECOND + when.microsecond * MICROSECOND


def _old(text: str, received: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if found := _OLD.match(text):
        row = {"time": _dated(found, received), "host": found[6] or ""}
        text = text[found.end() :]
    if found := _TAG.match(text):
        row |= {"application": found[1], "process": found[2] or ""}
        text = text[found.end() :]
    return row | {"text": text}


def _dated(found: re.Match[str], received: int) -> int:
    """Return the time of a stamp without year and zone (RFC 3164): local time, of the year that brings it nearest."""
    now = datetime.fromtimestamp(received // SECOND).astimezone()
    try:
        month = MONTHS.index(found[1]) + 1
        day, hour, minute, second = (int(word) for word in found.groups()[1:5])
        when = datetime(now.year, month, day, hour, minute, second, tzinfo=now.tzinfo)
        if when - now > timedelta(days=180):
            when = when.replace(year=now.year - 1)
    except ValueError:
        return 0
    return int(when.timestamp()) * SECOND


class SyslogListener(Listener):
    """Hears messages of the log. At most MOST_WAITING wait for `take`; what comes beyond is counted.

    `clock` gives ns since the epoch. Raises OSError where it cannot listen.
    """

    def __init__(self, addresses: list[tuple[str, str, int]], clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._waiting: deque[dict[str, Any]] = deque()
        super().__init__(addresses)

    def take(self) -> dict[str, Any] | None:
        """Return what waits as the body of an event; None when nothing came."""
        if not self._waiting and not self.dropped:
            return None
        body = {"messages": list(self._waiting), "dropped": self.dropped}
        self._waiting.clear()
        self.dropped = 0
        return body

    def heard(self, data: bytes, sender: str, transport: str) -> None:
        """Take a message."""
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        row = parse_message(data, self._clock())
        row |= {name: short(row[name], LONGEST) for name in ("host", "application", "process", "message_id", "text")}
        packed = address(sender.removeprefix("::ffff:"))
        self._waiting.append(row | {"sender": packed, "transport": transport})
