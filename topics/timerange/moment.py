"""One end of a time range: a date and time down to some unit, its parts fixed or any, or so much before or after."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND = 1_000_000_000
YEAR, MONTH, DAY, HOUR, MINUTE, SECONDS = range(6)
LOWEST = (1, 1, 1, 0, 0, 0)
HIGHEST = (9999, 12, 31, 23, 59, 60)
LETTERS = {"y": YEAR, "M": MONTH, "d": DAY, "h": HOUR, "H": HOUR, "m": MINUTE, "s": SECONDS, "w": DAY}
LENGTHS = {DAY: 86_400, HOUR: 3600, MINUTE: 60, SECONDS: 1}
MOST_MOMENTS = 1 << 20

_PART = r"(?:\d{1,2}|\*+)"
_DATE = re.compile(
    rf"(?:(?P<yearly>\d{{4}}|\*{{4}})/(?P<monthly>{_PART})"  # four of them are any year, as in ****/07
    rf"|(?:(?P<year>\d{{4}}|\*+)/)?(?P<month>{_PART})/(?P<day>{_PART}))"
)
_CLOCK = re.compile(
    rf"(?:(?P<date>(?:\d{{1,4}}|\*+)(?:/{_PART}){{0,2}})\.)?(?P<hour>{_PART})(?::(?P<minute>{_PART}))?"
    rf"(?::(?P<second>{_PART})(?:\.(?P<fraction>\d{{1,9}}))?)?"
)
_UNITS = re.compile(r"(?:(?:\d{1,4}|\*)[yMdhHms])+")
_UNIT = re.compile(r"(\d+|\*)([yMwdhHms])")
_EPOCH = re.compile(r"(?P<seconds>\d{8,11})(?:\.(?P<fraction>\d{1,9}))?")
_OFFSET = re.compile(r"[-+](?:\d{1,9}[yMwdhHms])+")

Part = int | None  # None: any


@dataclass(frozen=True, slots=True)
class Moment:
    """The local times whose leading parts, year first, are these; a lone second may have a fraction, in ns."""

    parts: tuple[Part, ...]
    fraction: int = 0
    epoch: bool = False
    """It was given in seconds since 1970."""

    @property
    def unit(self) -> int:
        """The last part that is given."""
        return len(self.parts) - 1

    @property
    def many(self) -> bool:
        """Whether some part may be any."""
        return None in self.parts

    def begin(self) -> int:
        """Return when it begins, ns since 1970; raises UsageError when there is no such day or it has wildcards."""
        if self.many:
            raise UsageError("a time without wildcards is needed here")
        return _instant(tuple(part or 0 for part in self.parts)) + self.fraction

    def end(self) -> int:
        """Return when what it names is over: the year, day, hour or second."""
        return self.fraction + stepped(self.begin() - self.fraction, ((1, self.unit),))

    def within(self, first: int, last: int) -> Iterator[tuple[int, ...]]:
        """Yield the parts of all moments it stands for that overlap a span of time, in order."""
        yield from self._expanded((), first, last)

    def _expanded(self, before: tuple[int, ...], first: int, last: int) -> Iterator[tuple[int, ...]]:
        place = len(before)
        if place == len(self.parts):
            yield before
            return
        for number in self._choices(place, first, last):
            parts = (*before, number)
            try:
                begins = _instant(parts)
            except UsageError:
                continue  # the 31st of a month that has 30
            if begins <= last and stepped(begins, ((1, place),)) >= first:
                yield from self._expanded(parts, first, last)

    def _choices(self, place: int, first: int, last: int) -> range | tuple[int]:
        part = self.parts[place]
        if part is not None:
            return (part,)
        if place == YEAR:
            return range(_year(first), _year(last) + 1)
        return range(LOWEST[place], min(HIGHEST[place], 59) + 1)


def _year(instant: int) -> int:
    return time.localtime(instant // SECOND).tm_year


def _instant(parts: tuple[int, ...]) -> int:
    """Return the instant at which local clocks showed these parts; raises UsageError when they never do."""
    year, month, day, hour, minute, second = (*parts, *LOWEST[len(parts) :])
    try:
        date(year, month, day)
        return int(time.mktime((year, month, day, hour, minute, second, 0, 0, -1))) * SECOND
    except (ValueError, OverflowError):
        shown = f"{year}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}"
        raise UsageError(f"there is no time {shown}") from None


def stepped(instant: int, steps: tuple[tuple[int, int], ...]) -> int:
    """Return an instant so many units later (or earlier), by the calendar of local time for months and years."""
    for count, unit in steps:
        if unit in LENGTHS and unit != DAY:
            instant += count * LENGTHS[unit] * SECOND
            continue
        local = time.localtime(instant // SECOND)
        year, month, day = local.tm_year + (count if unit == YEAR else 0), local.tm_mon, local.tm_mday
        if unit == MONTH:
            year, month = year + (month - 1 + count) // 12, (month - 1 + count) % 12 + 1
        if unit == DAY:
            day += count
        if not 1 <= year <= HIGHEST[YEAR]:
            raise UsageError("a time range goes from the year 1 to 9999")
        shown = (year, month, day, local.tm_hour, local.tm_min, local.tm_sec, 0, 0, -1)
        instant = int(time.mktime(shown)) * SECOND + instant % SECOND
    return instant


def read_steps(text: str) -> tuple[tuple[int, int], ...] | None:
    """Return `+1d` or `-2h5m` as (count, unit) pairs, all with its sign; None for another text."""
    if not _OFFSET.fullmatch(text):
        return None
    sign = -1 if text[0] == "-" else 1
    return tuple(
        (sign * int(count) * (7 if letter == "w" else 1), LETTERS[letter]) for count, letter in _UNIT.findall(text)
    )


def read_moment(text: str, now: float, above: Moment | None = None) -> Moment:
    """Return the moment that a date, a time of day or both stand for.

    What comes before the first part is today's, or that of `above`. Raises UsageError.
    """
    match = _EPOCH.fullmatch(text)
    if match:
        local = time.localtime(int(match["seconds"]))
        return Moment(tuple(local[:6]), _fraction(match["fraction"]), epoch=True)
    parts, fraction = _given(text)
    if parts is None:
        raise UsageError(f"'{text}' is no time; write 14:30, 2026/03/10.14:30:00, 2026/03, -10m or seconds since 1970")
    for place, part in parts.items():
        if part is not None and not LOWEST[place] <= part <= HIGHEST[place]:
            raise UsageError(f"'{text}' is no time: {part} is out of range")
    upper = above.parts if above is not None else tuple(time.localtime(now)[:6])
    last = max(parts)
    known = tuple(parts[place] if place in parts else _default(place, parts, upper) for place in range(last + 1))
    return Moment(_trimmed(known), fraction)


def _default(place: int, given: dict[int, Part], upper: tuple[Part, ...]) -> Part:
    """Return a part that was left out: from above when it is larger than those given, else the lowest there is."""
    if place < min(given) and place < len(upper):
        return upper[place]
    return LOWEST[place]


def _trimmed(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Leave out what may be any at the end: any second of a minute is the minute."""
    while len(parts) > 1 and parts[-1] is None:
        parts = parts[:-1]
    return parts


def _given(text: str) -> tuple[dict[int, Part] | None, int]:
    if _UNITS.fullmatch(text):
        return _by_letters(text), 0
    match = _DATE.fullmatch(text)
    if match:
        return _dated(match), 0
    if re.fullmatch(r"\d{4}", text):
        return {YEAR: int(text)}, 0
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None, 0
    parts: dict[int, Part] = {HOUR: _number(match["hour"])}
    if match["minute"]:
        parts[MINUTE] = _number(match["minute"])
    if match["second"]:
        parts[SECONDS] = _number(match["second"])
    if match["date"]:
        before = [_number(part) for part in match["date"].split("/")]
        parts.update(zip((YEAR, MONTH, DAY)[3 - len(before) :], before, strict=True))
    return parts, _fraction(match["fraction"])


def _dated(match: re.Match[str]) -> dict[int, Part]:
    if match["yearly"]:
        return {YEAR: _number(match["yearly"]), MONTH: _number(match["monthly"])}
    parts = {MONTH: _number(match["month"]), DAY: _number(match["day"])}
    return {YEAR: _number(match["year"]), **parts} if match["year"] else parts


def _by_letters(text: str) -> dict[int, Part] | None:
    parts: dict[int, Part] = {}
    for number, letter in _UNIT.findall(text):
        place = LETTERS[letter]
        if letter == "m" and parts and max(parts) == YEAR:  # 1999y1m23d: between year and day it is the month
            place = MONTH
        if parts and place <= max(parts):
            return None
        parts[place] = _number(number)
    return parts


def _number(text: str) -> Part:
    return None if text.startswith("*") else int(text)


def _fraction(text: str | None) -> int:
    return int(f"{text or '0':0<9}")
