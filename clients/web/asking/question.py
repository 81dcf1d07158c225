"""What is asked about flows: from when to when, and which."""

from __future__ import annotations

import functools
import os
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from clients.web.errors import ParameterError, TooLongError
from topics.errors import FilterError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from topics.filter.tree import Node
    from topics.timerange import TimeRange

SECOND = 1_000_000_000
MOST_FILTER = 4096
MOST_TEXT = 256
EVER = 2**63 - 1
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,9})?")
_zone = threading.Lock()


@dataclass(frozen=True, slots=True)
class Question:
    """Flows of a time (ns, both ends included) that a filter selects; `times` where it takes more than two ends."""

    first: int = 0
    end: int = EVER
    filter: str = ""
    times: TimeRange | None = None
    text: str = ""

    def tree(self) -> Node | None:
        """Return the tree of the filter; raises FilterError."""
        return parsed_filter(self.filter)


@functools.lru_cache(256)
def parsed_filter(text: str) -> Node | None:
    """Return the tree of a filter, None of an empty one; raises FilterError, also where it asks for a file."""
    from topics import filter as filters
    from topics.filter.lexer import tokens

    if len(text) > MOST_FILTER:
        raise TooLongError(f"the filter has {len(text)} characters, more than {MOST_FILTER}")
    for token in tokens(text):
        if token.text == "in" and not token.literal:
            raise FilterError(f"filter: {token.shown}: files are not read for a page; ask `argosy ra` with this filter")
    return filters.parse(text)


def question(said: Mapping[str, str], span: tuple[int, int] | None) -> Question:
    """Return what parameters ask, `span` being from when to when flows are.

    Raises ParameterError naming the parameter, FilterError, TooLongError.
    """
    text = said.get("q", "").strip()
    parsed_filter(text)
    if "t" in said and said["t"].strip():
        return _in_range(said, text, span)
    first, end = seconds(said, "from"), seconds(said, "to")
    if first is not None and end is not None and end <= first:
        raise ParameterError("the time asked for ends before it begins", "to", "time")
    low, high = span or (0, 0)
    return Question(low if first is None else first, high if end is None else end - 1, text)


def _in_range(said: Mapping[str, str], text: str, span: tuple[int, int] | None) -> Question:
    from clients.web.asking.zoned import ZonedRange
    from topics.timerange import parse
    from topics.timerange.range import NO_END

    word = said["t"].strip()
    if len(word) > MOST_TEXT:
        raise TooLongError(f"the time range has {len(word)} characters, more than {MOST_TEXT}")
    now = span[1] / SECOND if span and said.get("anchor") == "end" else time.time()
    with _local(said.get("tz", "UTC")):
        try:
            times = parse(word, now)
            low, high = span or (0, 0)
            plain = times.moment is None and not times.negated
            meant = times.spans(low, high)
            spans = [(low, high)] if times.negated else meant
        except (UsageError, OverflowError, ValueError) as error:
            raise ParameterError(str(error).removeprefix("option -t: "), "t", "time") from None
    first = min((begin for begin, _ in spans), default=low)
    end = max((stop for _, stop in spans), default=low)
    kept = None if plain and times.mode == "intersects" else times
    if times.moment is not None:
        kept = ZonedRange.of(times, said.get("tz", "UTC"), meant)
    return Question(max(first, 0), high if end >= NO_END else end, text, kept, word)


@contextmanager
def _local(zone: str) -> Iterator[None]:
    """Let local time be that of a zone: the language of time ranges is in local time, and there is one of a process."""
    if len(zone) > MOST_TEXT or not _ZONE.fullmatch(zone) or not _known(zone):
        raise ParameterError("no such time zone", "tz", "time")
    with _zone:
        before = os.environ.get("TZ")
        os.environ["TZ"] = zone
        time.tzset()
        try:
            yield
        finally:
            if before is None:
                del os.environ["TZ"]
            else:
                os.environ["TZ"] = before
            time.tzset()


def _known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return False
    return True


def seconds(said: Mapping[str, str], name: str) -> int | None:
    """Return a time that a parameter says in seconds, as ns; None without it. Raises ParameterError."""
    text = said.get(name, "").strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise ParameterError(f"'{name}' takes seconds since 1970", name, "time")
    return int(Decimal(text) * SECOND)


def number(said: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """Return a whole number that a parameter says; raises ParameterError outside its limits."""
    text = said.get(name, "").strip() or str(default)
    if not re.fullmatch(r"\d{1,12}", text) or not least <= int(text) <= most:
        raise ParameterError(f"'{name}' takes a number from {least} to {most}", name)
    return int(text)


def choice(said: Mapping[str, str], name: str, default: str, known: tuple[str, ...]) -> str:
    """Return a word that a parameter says; raises ParameterError for one that is not known."""
    from topics.nearest import suggestion

    word = said.get(name, "").strip() or default
    if word not in known:
        raise ParameterError(f"unknown {name}{suggestion(word[:MOST_TEXT], known) or ': ' + ', '.join(known)}", name)
    return word
