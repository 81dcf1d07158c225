"""Times between packets, and how they vary: from the moments a record carries, in ms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.expression import greatest, least, total_of
from topics.fields.columns import divided, side_column, where
from topics.fields.field import SIDES, both
from topics.fields.formats import FRACTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from topics.expression import Value
    from topics.fields.field import Field

MILLISECOND = 1_000_000  # ns
MICROSECONDS = 1000  # in a ms
ACTIVE, IDLE = "interval", "idle_interval"
DOCS = {"": "", "act": " while data was in flight", "idl": " while the flow was idle"}
SETS = {"": (ACTIVE, IDLE), "act": (ACTIVE,), "idl": (IDLE,)}


def _sum(side: str, moment: str, sets: Sequence[str]) -> Value:
    return total_of(side_column(side, f"{kind}_{moment}") for kind in sets)


def _measured() -> Value:
    """Tell whether any time between packets was measured: where none was, Argus leaves all of these blank."""
    return total_of(side_column(side, f"{kind}_count") for side in SIDES for kind in SETS[""]) > 0


def _mean(side: str, sets: Sequence[str]) -> Value:
    count = _sum(side, "count", sets)
    mean = divided(_sum(side, "sum", sets), count) / MILLISECOND
    return where(count > 0 if len(sets) > 1 else _measured(), mean)


def _most(side: str, sets: Sequence[str]) -> Value:
    longest = greatest(*(side_column(side, f"{kind}_max") for kind in sets))
    return where(_measured(), longest / MILLISECOND)


def _least(side: str, sets: Sequence[str]) -> Value:
    counted = [where(side_column(side, f"{kind}_count") > 0, side_column(side, f"{kind}_min")) for kind in sets]
    return where(_measured(), least(*counted).or_else(0) / MILLISECOND)


def _jitter(side: str, sets: Sequence[str]) -> Value:
    """Return the standard deviation of the times between packets of a direction; blank where there were none."""
    count = _sum(side, "count", sets)
    mean = divided(_sum(side, "sum", sets), count) / MICROSECONDS  # us, as the squares are
    variance = divided(_sum(side, "square_sum", sets), count) - mean * mean
    return where(count > 0, variance.clip(0).sqrt() / MICROSECONDS)


def _fields() -> Iterator[Field]:
    for suffix, sets in SETS.items():
        short, what = suffix.capitalize(), DOCS[suffix]
        text = f"time between packets of the {{source}}{what}, ms"
        yield from both(
            f"{{s}}intpkt{suffix}", f"{{S}}IntPkt{short}", 12, _bound(_mean, sets), FRACTION, f"Mean {text}"
        )
        head = f"{{S}}IP{short}" if suffix else "{S}IntPkt"
        yield from both(f"{{s}}intpkt{suffix}max", f"{head}Max", 12, _bound(_most, sets), FRACTION, f"Longest {text}")
        yield from both(f"{{s}}intpkt{suffix}min", f"{head}Min", 12, _bound(_least, sets), FRACTION, f"Shortest {text}")
        title = f"{{Src}}Jit{short}" if suffix else "{Src}Jitter"
        yield from both(
            f"{{s}}jit{suffix}", title, 12, _bound(_jitter, sets), FRACTION, f"Standard deviation of the {text}"
        )


def _bound(expression: Callable[[str, Sequence[str]], Value], sets: Sequence[str]) -> Callable[[str], Value]:
    return lambda side: expression(side, sets)


FIELDS = tuple(_fields())
