"""Times between packets, and how they vary: from the moments a record carries, in ms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics.fields.columns import side_column, where
from topics.fields.field import SIDES, both
from topics.fields.formats import FRACTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from topics.fields.field import Field

MILLISECOND = 1_000_000  # ns
MICROSECONDS = 1000  # in a ms
ACTIVE, IDLE = "interval", "idle_interval"
SETS = {"": (ACTIVE, IDLE), "act": (ACTIVE,), "idl": (IDLE,)}


def _sum(side: str, moment: str, sets: Sequence[str]) -> pl.Expr:
    return pl.sum_horizontal(side_column(side, f"{kind}_{moment}") for kind in sets)


def _measured() -> pl.Expr:
    """Tell whether any time between packets was measured: where none was, Argus leaves all of these blank."""
    return pl.sum_horizontal(f"{side}_{kind}_count" for side in SIDES for kind in SETS[""]) > 0


def _mean(side: str, sets: Sequence[str]) -> pl.Expr:
    count = _sum(side, "count", sets)
    mean = where(count > 0, _sum(side, "sum", sets) / count / MILLISECOND)
    return mean if len(sets) > 1 else where(_measured(), mean.fill_null(0.0))


def _most(side: str, sets: Sequence[str]) -> pl.Expr:
    longest = pl.max_horizontal(side_column(side, f"{kind}_max") for kind in sets)
    return where(_measured(), longest / MILLISECOND)


def _least(side: str, sets: Sequence[str]) -> pl.Expr:
    counted = [where(side_column(side, f"{kind}_count") > 0, side_column(side, f"{kind}_min")) for kind in sets]
    return where(_measured(), pl.min_horizontal(counted).fill_null(0) / MILLISECOND)


def _jitter(side: str, sets: Sequence[str]) -> pl.Expr:
    """Return the standard deviation of the times between packets of a direction; blank where there were none."""
    count = _sum(side, "count", sets)
    mean = _sum(side, "sum", sets) / count / MICROSECONDS  # us, as the squares are
    variance = _sum(side, "square_sum", sets) / count - mean * mean
    return where(count > 0, variance.clip(0).sqrt() / MICROSECONDS)


def _fields() -> Iterator[Field]:
    for suffix, sets in SETS.items():
        short = suffix.capitalize()
        yield from both(f"{{s}}intpkt{suffix}", f"{{S}}IntPkt{short}", 12, _bound(_mean, sets), FRACTION)
        head = f"{{S}}IP{short}" if suffix else "{S}IntPkt"
        yield from both(f"{{s}}intpkt{suffix}max", f"{head}Max", 12, _bound(_most, sets), FRACTION)
        yield from both(f"{{s}}intpkt{suffix}min", f"{head}Min", 12, _bound(_least, sets), FRACTION)
        title = f"{{Src}}Jit{short}" if suffix else "{Src}Jitter"
        yield from both(f"{{s}}jit{suffix}", title, 12, _bound(_jitter, sets), FRACTION)


def _bound(expression: Callable[[str, Sequence[str]], pl.Expr], sets: Sequence[str]) -> Callable[[str], pl.Expr]:
    return lambda side: expression(side, sets)


FIELDS = tuple(_fields())
