"""`-t`: which records lie in a range of time, by its start and end or by many of them when it has wildcards."""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from topics.errors import UsageError
from topics.timerange.moment import MOST_MOMENTS, Moment, read_moment, read_steps, stepped

if TYPE_CHECKING:
    from topics.expression import Value

SECOND = 1_000_000_000
NO_END = 2**63 - 1
_MODE = re.compile(r"(?P<negated>x?)(?P<mode>[incs]?)(?P<rest>[-+*\d].*)")
_SPAN = re.compile(r"(?P<from>[^-+]+)(?P<sign>[-+])(?P<to>.+)")
_TWO_OFFSETS = re.compile(r"(?P<first>[-+](?:\d+[yMwdhHms])+)(?P<second>[-+](?:\d+[yMwdhHms])+)?")
MODES = {"": "intersects", "i": "intersects", "n": "spans", "s": "spans", "c": "contained"}


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Records that intersect a span of time, are contained in it or span it; or, `negated`, those that do not.

    The span is from first to end, ns since 1970, both included as in Argus. With wildcards it is a `moment` in place of
    both: any of the spans it stands for will do, each as long as its unit, or `steps` long, or up to `until`.
    """

    mode: str
    negated: bool
    first: int = 0
    end: int = NO_END
    moment: Moment | None = None
    until: Moment | None = None
    steps: tuple[tuple[int, int], ...] = ()

    def spans(self, first: int, last: int) -> list[tuple[int, int]]:
        """Return the spans (start, end) that overlap a time from `first` to `last`, in order; raises UsageError."""
        if self.moment is None:
            return [(self.first, self.end)]
        found = list(itertools.islice((self._span(parts) for parts in self.moment.within(first, last)), MOST_MOMENTS))
        if len(found) == MOST_MOMENTS:
            raise UsageError(f"the wildcards of the time range stand for more than {MOST_MOMENTS} times here")
        return found

    def _span(self, parts: tuple[int, ...]) -> tuple[int, int]:
        moment = Moment(parts)
        start = moment.begin()
        if self.steps:
            other = stepped(start, self.steps)
            return min(start, other), max(start, other)
        if self.until is None:
            return start, moment.end()
        shared = tuple(
            parts[place] if part is None and place < len(parts) else part for place, part in enumerate(self.until.parts)
        )
        return start, Moment(shared, self.until.fraction).begin()

    def condition(self) -> Value:
        """Return which records it lets through."""
        from topics.expression import Value, any_of, col

        if self.moment is not None:
            inside = Value("in spans", (self,))
        else:
            before_end = any_of(col(f"{side}_first") <= self.end for side in ("src", "dst"))
            at_or_after = any_of(col(f"{side}_last") >= self.first for side in ("src", "dst"))
            starts_before = any_of(col(f"{side}_first") < self.first for side in ("src", "dst"))
            ends_later = any_of(col(f"{side}_last") > self.end for side in ("src", "dst"))
            ends_after = any_of(col(f"{side}_last") >= self.end for side in ("src", "dst"))
            choices = {
                "intersects": before_end & at_or_after,
                "contained": ~starts_before.sure() & before_end & ~ends_later.sure(),
                "spans": any_of(col(f"{side}_first") <= self.first for side in ("src", "dst")) & ends_after,
            }
            inside = choices[self.mode]
        sure = inside.sure()
        return ~sure if self.negated else sure

    def takes(self, first: int, last: int) -> bool:
        """Tell whether something that lasted from `first` to `last` is let through."""
        rules = {
            "intersects": lambda start, end: start <= last and end >= first,
            "contained": lambda start, end: start <= first and last <= end,
            "spans": lambda start, end: first <= start and end <= last,
        }
        return any(rules[self.mode](start, end) for start, end in self.spans(first, last)) != self.negated

    def touches(self, first: int, last: int) -> bool:
        """Tell whether records from `first` to `last` may be let through; a file of others need not be read."""
        if self.negated:
            return True
        return any(start <= last and end >= first for start, end in self.spans(first, last))


def parse(text: str, now: float | None = None) -> TimeRange:
    """Return the range that the argument of `-t` stands for, by local time; raises UsageError."""
    moment = time.time() if now is None else now
    match = _MODE.fullmatch(text)
    if match is None:
        raise UsageError(f"option -t: '{text}' is no time range")
    mode, negated = MODES[match["mode"]], bool(match["negated"])
    try:
        return _ranged(match["rest"], mode, moment, negated=negated)
    except UsageError as error:
        raise UsageError(f"option -t: {error}") from None


def _ranged(text: str, mode: str, now: float, *, negated: bool) -> TimeRange:
    relative = _TWO_OFFSETS.fullmatch(text)
    if relative:
        start = stepped(int(now * SECOND), read_steps(relative["first"]) or ())
        other = int(now * SECOND) if not relative["second"] else stepped(start, read_steps(relative["second"]) or ())
        return TimeRange(mode, negated, min(start, other), max(start, other))
    span = _SPAN.fullmatch(text)
    if span is None:
        return _lone(read_moment(text, now), mode, negated=negated)
    first = read_moment(span["from"], now)
    steps = read_steps(span["sign"] + span["to"])
    if steps is not None:
        return _stretched(first, steps, mode, negated=negated)
    if span["sign"] == "+":
        raise UsageError(f"'+{span['to']}' is no length of time; write +5m or +1h30m")
    return _between(first, read_moment(span["to"], now, above=first), mode, negated=negated)


def _lone(moment: Moment, mode: str, *, negated: bool) -> TimeRange:
    if moment.many:
        return TimeRange(mode, negated, moment=moment)
    end = NO_END if moment.epoch else moment.end()
    return TimeRange(mode, negated, moment.begin(), end)


def _stretched(first: Moment, steps: tuple[tuple[int, int], ...], mode: str, *, negated: bool) -> TimeRange:
    if first.many:
        return TimeRange(mode, negated, moment=first, steps=steps)
    start, other = first.begin(), stepped(first.begin(), steps)
    return TimeRange(mode, negated, min(start, other), max(start, other))


def _between(first: Moment, until: Moment, mode: str, *, negated: bool) -> TimeRange:
    if first.many:
        return TimeRange(mode, negated, moment=first, until=until)
    start, end = first.begin(), until.begin()
    if end <= start:
        raise UsageError("the range ends before it begins")
    return TimeRange(mode, negated, start, end)
