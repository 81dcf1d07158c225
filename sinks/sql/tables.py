"""Tables by time: `flows_%Y_%m_%d` names a table for each day, and from a name follows the time it is of."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from sinks.sql.layout import NAME
from sinks.sql.statements import MOST_NAME, POSITIONS
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

UNITS = {"Y": "1y", "m": "1mo", "j": "1d", "d": "1d", "H": "1h", "M": "1m"}
NEEDS = {"Y": "", "m": "Y", "j": "Y", "d": "Ym", "H": "", "M": "H"}
DIGITS = {"Y": r"\d{4}", "j": r"\d{3}"}
NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CODES = re.compile("%(.)", re.DOTALL)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """A table and the time it is of."""

    name: str
    first: datetime
    end: datetime


class Tables:
    """The tables that a name stands for: one, or one for each time.

    Raises UsageError for a name that is none, or one that does not tell times apart.
    """

    def __init__(self, pattern: str = "") -> None:
        self.pattern = pattern or NAME
        self._codes = CODES.findall(self.pattern)
        known = [code for code in self._codes if code in UNITS]
        longest = CODES.sub(lambda found: "0" * (4 if found[1] == "Y" else 3 if found[1] == "j" else 2), self.pattern)
        if not NAMES.fullmatch(longest) or len(longest) > MOST_NAME or self.pattern == POSITIONS:
            raise UsageError(f"table '{self.pattern}': a name has letters, digits and _, {MOST_NAME} at most")
        if known != self._codes:
            raise UsageError(f"table '{self.pattern}': times are %Y %m %d %j %H %M")
        coarser = "".join(need for code in known for need in NEEDS[code])
        if any(code not in known for code in coarser) or (known and not {"d", "j", "m", "Y"} & {*known}):
            raise UsageError(f"table '{self.pattern}': it would hold several times, as %Y_%m_%d does not")
        if {"H", "M"} & {*known} and not {"d", "j"} & {*known}:
            raise UsageError(f"table '{self.pattern}': it would hold several days, as %Y_%m_%d_%H does not")
        order = list(UNITS)
        self._unit = UNITS[max(known, key=order.index)] if known else ""

    @property
    def timed(self) -> bool:
        """Whether there is a table for each time."""
        return bool(self._unit)

    @property
    def parent(self) -> str:
        """The name before the time: that of the table whose partitions they may be."""
        return self.pattern.partition("%")[0].rstrip("_") or NAME

    def split(self, rows: pl.DataFrame) -> list[tuple[Span, pl.DataFrame]]:
        """Return the rows by the table that their `stime` belongs to, in the order of time."""
        if not self.timed:
            return [(Span(self.pattern, EPOCH, EPOCH), rows)]
        begin = rows["stime"].fill_null(EPOCH).dt.truncate(self._unit).alias("")
        parts = rows.with_columns(begin.alias("_begin")).partition_by("_begin", as_dict=True, include_key=False)
        return [(self.span(first), part) for (first,), part in sorted(parts.items(), key=lambda item: str(item[0]))]

    def span(self, moment: datetime) -> Span:
        """Return the table that a time belongs to."""
        begin = pl.Series([moment], dtype=pl.Datetime("us", "UTC")).dt.truncate(self._unit)
        first, end = begin.item(), begin.dt.offset_by(self._unit).item()
        name = CODES.sub(lambda found: f"{first:%{found[1]}}".rjust(4 if found[1] == "Y" else 2, "0"), self.pattern)
        return Span(name, first, end)

    def among(self, names: Iterable[str]) -> list[Span]:
        """Return those of these names that are ours, in the order of time."""
        if not self.timed:
            return [Span(name, EPOCH, EPOCH) for name in names if name == self.pattern]
        shape = re.compile(CODES.sub(lambda found: DIGITS.get(found[1], r"\d{2}"), self.pattern))
        found = (_parsed(name, self.pattern) for name in names if shape.fullmatch(name))
        return sorted((self.span(first) for first in found if first is not None), key=lambda span: span.first)


def _parsed(name: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(name, pattern).replace(tzinfo=UTC)
    except ValueError:
        return None
