"""How much of a metric there is at each time of the day on each day of the week, as a picture or in the terminal."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from clients.pictures import paper
from clients.pictures.colours import GAP, INK
from clients.pictures.numbers import with_unit
from clients.pictures.zone import local_zone, told
from clients.ragraph.terminal import resampled
from processors.bins import BIN
from topics.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from clients.ragraph.metrics import Metric
    from clients.ragraph.picture import Look
    from processors.bins import BinSize

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY = 86_400 * 10**9
SHORTEST = 60 * 10**9
LEFT, TOP, BOTTOM, BAR, RIGHT, LETTER = 56, 34, 48, 16, 86, 7.3
SHADES = " .:-=+*#%@"


@dataclass
class Week:
    """The mean of a metric for each day and time: shape (7, bins a day), nan where nothing was recorded."""

    values: np.ndarray[Any, np.dtype[np.float64]]
    metric: Metric
    start: int
    end: int


def week(rows: pl.DataFrame, size: BinSize, metric: Metric) -> Week:
    """Return what the rows of a BinTable come to; raises UsageError for bins that do not fill a day.

    A bin without records within the time of the others counts as nothing of a counter, and not for other metrics.
    """
    length = size.length
    if not length or DAY % length or length < SHORTEST:
        raise UsageError("--heat takes bins that a day is made of, from one minute up: -M 15m, 30m or 1h")
    first, last = int(rows[BIN].min()), int(rows[BIN].max())  # type: ignore[arg-type]  # integers
    starts = np.arange(first, last + length, length)
    dense = np.full(len(starts), 0.0 if metric.counter or metric.stacks else np.nan)
    values = rows.select(metric.value().cast(pl.Float64)).to_series().to_numpy()
    dense[(rows[BIN].to_numpy() - first) // length] = values / (length / 1e9 if metric.counter else 1)
    zone = local_zone()
    local = [datetime.fromtimestamp(start / 1e9, zone) for start in starts.tolist()]
    day = np.array([each.weekday() for each in local])
    time = np.array([((each.hour * 60 + each.minute) * 60 + each.second) * 10**9 // length for each in local])
    known = ~np.isnan(dense)
    shape = (len(DAYS), DAY // length)
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, (day[known], time[known]), dense[known])
    np.add.at(counts, (day[known], time[known]), 1)
    with np.errstate(invalid="ignore"):
        return Week(np.where(counts > 0, sums / counts, np.nan), metric, first, last + length)


def draw(found: Week, look: Look) -> Figure:
    """Return the picture: days downwards, times to the right, darker is more."""
    with paper.style():
        return _page(found, look)


def _page(found: Week, look: Look) -> Figure:
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.ticker import FuncFormatter

    height = min(look.height, 40 * len(DAYS))
    width = LEFT + look.width + RIGHT + BAR
    titles = textwrap.wrap(look.title or _what(found), max(12, int((width - LEFT) / LETTER / 1.15)))
    top = TOP + 20 * (len(titles) - 1)
    grey = ", nothing recorded where grey" if np.isnan(found.values).any() else ""
    below = textwrap.wrap(f"{told(found.start, found.end)}{grey}", max(12, int((width - LEFT) / LETTER)))
    page = paper.figure(width, top + height + BOTTOM + 16 * (len(below) - 1), look.zoom)
    for place, line in enumerate(titles):
        paper.text(page, LEFT, 10 + 20 * place, line, fontsize=11, fontweight="bold", color=INK)
    axes = page.add_axes(paper.box(page, LEFT, top, look.width, height))
    axes.set_facecolor(GAP)
    largest = float(np.nanmax(found.values))
    positive = found.values[found.values > 0]
    norm = LogNorm(float(positive.min()), largest) if look.log and len(positive) else Normalize(0, largest or 1)
    hours = np.linspace(0, 24, found.values.shape[1] + 1)
    mesh = axes.pcolormesh(hours, np.arange(8), np.ma.masked_invalid(found.values), cmap="viridis_r", norm=norm)
    axes.set_xlim(0, 24)
    axes.set_ylim(7, 0)
    axes.set_yticks(np.arange(7) + 0.5, DAYS)
    axes.set_xticks(range(0, 25, 3 if look.width >= 300 else 6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda hour, _: f"{hour:02.0f}:00"))
    axes.tick_params(colors=INK, labelsize=8, length=2)
    paper.text(page, LEFT, top + height + 24, "\n".join(below), color=INK)
    beside = page.add_axes(paper.box(page, LEFT + look.width + 14, top, BAR, height))
    bar = page.colorbar(mesh, cax=beside)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: with_unit(value, found.metric.unit)))
    bar.ax.tick_params(colors=INK, labelsize=8)
    return page


def _what(found: Week) -> str:
    unit = f" in {found.metric.unit}" if found.metric.unit else ""
    return f"{found.metric.name}{unit} by time of day and day of the week"


def print_week(found: Week, look: Look) -> None:
    """Print a character for each day and half an hour or less, denser for more."""
    print(look.title or _what(found))
    columns = min(found.values.shape[1], 48)
    shown = np.array([resampled(row, columns) for row in found.values])
    largest = float(np.nanmax(shown)) or 1.0
    per_hour = shown.shape[1] // 24 or 1
    print("    " + "".join(f"{hour:02d}".ljust(3 * per_hour) for hour in range(0, 24, 3)))
    for name, row in zip(DAYS, shown, strict=True):
        print(name + " " + "".join(_shade(value / largest) for value in row))
    print(f"    '{SHADES[1]}' little to '{SHADES[-1]}' {with_unit(largest, found.metric.unit)}, '_' nothing recorded")
    print(f"    {told(found.start, found.end)}")


def _shade(share: float) -> str:
    if np.isnan(share):
        return "_"
    return SHADES[0] if share <= 0 else SHADES[1 + min(int(share * (len(SHADES) - 1)), len(SHADES) - 2)]
