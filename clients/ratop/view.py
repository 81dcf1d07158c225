"""What is shown of the flows: which, in which order, in which columns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from clients.listing.columns import columns
from clients.listing.lines import Listing
from processors.activity import IDLE, LOAD, RATE
from processors.sorting.keys import sort_keys
from topics.errors import UsageError
from topics.expression import col
from topics.fields import Field, Style
from topics.fields.field import Format
from topics.fields.formats import abbreviated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.activity import ActiveFlows


def _short(value: pl.Expr, _: Style, __: int) -> pl.Expr:
    return abbreviated(value, 1)


def _idle(value: pl.Expr, _: Style, __: int) -> pl.Expr:
    seconds = value / 1e9
    days = (seconds / 86_400).floor().cast(pl.Int64).cast(pl.String) + "d"  # of captures of long ago
    return (
        pl.when(seconds < 10_000)
        .then(seconds.round(1).cast(pl.String))
        .when(seconds < 100_000)
        .then(seconds.round(0).cast(pl.Int64).cast(pl.String))
        .otherwise(days)
    )


LIVE = {
    "wload": Field("wload", "bit/s", 8, lambda: col(LOAD), Format(_short, holds="number"), "Bits per second now"),
    "wrate": Field("wrate", "pkt/s", 8, lambda: col(RATE), Format(_short, holds="number"), "Packets per second now"),
    "idle": Field(
        "idle",
        "Idle",
        6,
        lambda: col(IDLE),
        Format(_idle, holds="number"),
        "Seconds since the last packet, or days (12d)",
    ),
}
DEFAULT = ("wload", "wrate", "proto", "saddr", "sport", "dir", "daddr", "dport", "pkts", "bytes", "state", "idle")
ASCENDING = {"idle"}


@dataclass(frozen=True)
class View:
    """What the user asks for; each change is another view, and raises UsageError or FilterError when it is none."""

    words: tuple[str, ...] = ()
    style: Style = field(default_factory=Style)
    sort: str = "wload"
    filter: str = ""
    down: bool | None = None  # whether the order is turned about, None for the usual one

    def listing(self, keys: Sequence[str]) -> Listing:
        """Return what makes lines: the columns asked for, else those of the keys and what they did."""
        return Listing(self.fields(keys), self.style)

    def fields(self, keys: Sequence[str]) -> list[Field]:
        """Return the columns."""
        return columns(self.words, _default(keys), LIVE)

    def sorted_by(self, name: str) -> View:
        """Return the view in the usual order of a field."""
        _order(name)
        return replace(self, sort=name, down=None)

    def turned(self) -> View:
        """Return the view with the order turned about."""
        return replace(self, down=not self.descending)

    def filtered(self, text: str) -> View:
        """Return the view of those flows that a filter selects, all of them for an empty one."""
        from topics import filter as filters

        if text:
            filters.compile(text)
        return replace(self, filter=text)

    def with_words(self, text: str) -> View:
        """Return the view with other fields, the usual ones for an empty text."""
        columns(text.split(), DEFAULT, LIVE)
        return replace(self, words=tuple(text.split()))

    def with_keys(self, keys: Sequence[str]) -> None:
        """Raise UsageError when flows by these keys cannot be shown."""
        self.listing(keys)

    @property
    def descending(self) -> bool:
        """Whether the largest comes first."""
        return _order(self.sort)[1] if self.down is None else self.down

    def of_records(self, keys: Sequence[str]) -> pl.Expr | None:
        """Return the filter where it is one of records: those of groups are chosen before they are merged."""
        return self._compiled() if keys else None

    def _compiled(self) -> pl.Expr | None:
        from topics import filter as filters

        return filters.compile(self.filter) if self.filter else None

    def frame(self, flows: ActiveFlows, keys: Sequence[str]) -> pl.DataFrame:
        """Return the flows to be shown, in order."""
        wanted = None if keys else self._compiled()
        order = _order(self.sort)[0]
        needed = self.listing(keys).needed | set(order.meta.root_names())
        if wanted is not None:
            needed |= set(wanted.meta.root_names())
        found = flows.frame(needed - {LOAD, RATE, IDLE})
        if wanted is not None:
            found = found.filter(wanted)
        return found.sort(order, descending=self.descending, nulls_last=True, maintain_order=True)


def _order(name: str) -> tuple[pl.Expr, bool]:
    """Return what flows are sorted by, and whether the largest come first."""
    if name in LIVE:
        return LIVE[name].value(), name not in ASCENDING
    keys = sort_keys([name])
    if len(keys) != 1:
        raise UsageError("one field to sort by")
    return keys[0].value, keys[0].descending


def _default(keys: Sequence[str]) -> tuple[str, ...]:
    if not keys:
        return DEFAULT
    known = {"srcid": ("srcid",), "probe": ("srcid",), "matrix": ("saddr", "daddr"), "none": DEFAULT[2:8], "all": ()}
    names = [name for key in keys for name in known.get(key.partition("/")[0], (key.partition("/")[0],))]
    shown = list(
        dict.fromkeys(name for key in names for name in (("proto", key) if key in {"sport", "dport"} else (key,)))
    )
    return ("wload", "wrate", *shown, "trans", "spkts", "dpkts", "sbytes", "dbytes", "idle")


def seconds(text: str) -> int:
    """Return so many seconds in ns; raises UsageError for anything but a number from 0.1 to a day."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 86_400:
        raise UsageError(f"'{text}' is no time; give seconds, from 0.1 to 86400")
    return round(value * 1e9)
