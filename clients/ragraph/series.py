"""What is drawn: for each unit a panel, in it a line for each object and metric, with a value for each bin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from processors.bins import BIN
from processors.bins.table import merged
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clients.ragraph.metrics import Metric
    from processors.bins import BinSize

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

SECOND = 1_000_000_000
LABEL, RANK = "label", "rank"
TOTALS = {"bit/s": "B", "packets/s": "packets", "B/s": "B"}  # units of what counters come to
MOST_DRAWN = 1 << 17  # bins


@dataclass
class Line:
    """One object and metric: a value a bin, nan where there is none; `place` gives its colour, None to the others."""

    label: str
    place: int | None
    values: Numbers
    down: bool
    total: float  # what a counter came to, nan of others


@dataclass
class Panel:
    """Lines of one unit; `stacks` when they may be put on each other; `names` of the metrics."""

    unit: str
    names: list[str]
    stacks: bool
    totals: str  # unit of totals, empty without any
    lines: list[Line]


@dataclass
class Chart:
    """Panels over the same bins: `edges` in ns, one more than bins; `gaps` says in which nothing was recorded."""

    edges: np.ndarray[Any, np.dtype[np.int64]]
    gaps: np.ndarray[Any, np.dtype[np.bool_]]
    panels: list[Panel]


def chart(rows: pl.DataFrame, size: BinSize, metrics: Sequence[Metric], most: int, *, split: bool) -> Chart:
    """Return what the rows of a BinTable with a column LABEL say: the `most` largest objects, and the others as one.

    `split` gives both directions of an object one colour, for they are drawn to two sides. Raises UsageError for more
    bins than can be drawn.
    """
    edges = _edges(rows[BIN], size)
    named, labels, others = _ranked(rows, metrics, most)
    place = np.searchsorted(edges, named[BIN].to_numpy())
    gaps = np.ones(len(edges) - 1, bool)
    gaps[place] = False
    drawing = _Drawing(named, place, gaps, np.diff(edges) / SECOND, split)
    units = dict.fromkeys((each.unit, each.stacks) for each in metrics)
    panels = []
    for unit, stacks in units:
        chosen = [each for each in metrics if (each.unit, each.stacks) == (unit, stacks)]
        totals = TOTALS[unit] if chosen[0].counter else ""
        names = list(dict.fromkeys(each.base if split else each.name for each in chosen))
        panels.append(Panel(unit, names, stacks, totals, drawing.lines(chosen, labels, others)))
    return Chart(edges, gaps, panels)


@dataclass
class _Drawing:
    """The rows that lines are made of, the bin of each, and what holds for all lines."""

    rows: pl.DataFrame
    bins: np.ndarray[Any, np.dtype[np.intp]]
    gaps: np.ndarray[Any, np.dtype[np.bool_]]
    seconds: Numbers
    split: bool

    def lines(self, metrics: Sequence[Metric], labels: Sequence[str], others: str) -> list[Line]:
        """Return the lines of a panel: metric by metric, of each the labels in their order."""
        names = dict.fromkeys(each.base if self.split else each.name for each in metrics)
        places: dict[tuple[str, str], int] = {}
        lines = []
        for each in metrics:
            name = each.base if self.split else each.name
            values = self.rows.select(each.value().cast(pl.Float64)).to_series().to_numpy()
            for label in labels:
                grey = label == others != "" and len(names) == 1
                place = None if grey else places.setdefault((name, label), len(places))
                told = " ".join(part for part in (label, name if len(names) > 1 or not label else "") if part)
                lines.append(self._line(each, told, place, values, (self.rows[LABEL] == label).to_numpy()))
        return lines

    def _line(
        self, metric: Metric, label: str, place: int | None, values: Numbers, own: np.ndarray[Any, np.dtype[np.bool_]]
    ) -> Line:
        dense = np.where(self.gaps, np.nan, 0.0 if metric.stacks else np.nan)
        dense[self.bins[own]] = values[own]
        total = float(np.nansum(dense)) / metric.factor if metric.counter else np.nan
        down = self.split and metric.down
        return Line(label, place, dense / self.seconds if metric.counter else dense, down, total)


def _edges(bins: pl.Series, size: BinSize) -> np.ndarray[Any, np.dtype[np.int64]]:
    first, last = int(bins.min()), int(bins.max())  # type: ignore[arg-type]  # integers
    if size.length:
        if (last - first) // size.length > MOST_DRAWN:
            raise UsageError(f"{(last - first) // size.length + 1} bins are more than can be drawn: -M 1h")
        return np.arange(first, last + 2 * size.length, size.length)[: (last - first) // size.length + 2]
    edges = [first]
    while edges[-1] <= last:
        edges.append(size.next(edges[-1]))
    return np.array(edges, np.int64)


def _ranked(rows: pl.DataFrame, metrics: Sequence[Metric], most: int) -> tuple[pl.DataFrame, list[str], str]:
    """Return rows with the smaller labels merged into one, the labels, largest first, and what the one is called."""
    counters = [each.value() for each in metrics if each.counter or each.stacks]
    weight = pl.sum_horizontal(counters) if counters else pl.col("src_packets") + pl.col("dst_packets")
    weights = rows.select(LABEL, weight.cast(pl.Float64).alias(RANK)).group_by(LABEL).agg(pl.col(RANK).sum())
    ranked = weights.sort([RANK, LABEL], descending=[True, False])[LABEL].to_list()
    if len(ranked) <= most + 1:
        return rows, ranked, ""
    others = f"{len(ranked) - most:,} others"
    label = pl.when(pl.col(LABEL).is_in(ranked[:most])).then(pl.col(LABEL)).otherwise(pl.lit(others))
    renamed = rows.with_columns(label.alias(LABEL))
    columns = [name for name in rows.columns if name not in {BIN, LABEL}]
    return merged(renamed, [BIN, LABEL], columns), [*ranked[:most], others], others
