"""A chart as a picture: panels above each other over one axis of time, legends below, all within the page."""

from __future__ import annotations

import itertools
import textwrap
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from clients.pictures import paper
from clients.pictures.colours import BACK, GAP, GRID, INK, LINES, colour, line_colour
from clients.pictures.numbers import with_unit
from clients.pictures.zone import local_zone, told
from clients.ragraph.legend import legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from clients.ragraph.legend import Row
    from clients.ragraph.series import Chart, Line, Panel

LEFT, RIGHT, TOP, BOTTOM = 72, 28, 12, 44  # pixels around the panels
TITLE, HEADING, BETWEEN, ROW, SWATCH, TICKS = 20, 22, 14, 16, 20, 24
LETTER = 7.3  # pixels of a character of the legend
TITLE_LETTER = 8.6
MARGIN = 0.05  # of the height, above the highest value
SHORT = 1000  # a logarithmic axis up to here has labels between the powers of ten
FEW = 120  # bins between whose areas there is room for a white line
DAY = 86_400 * 10**9
SIDES = ("from the source up, from the destination down", "from the destination up, from the source down")


@dataclass(frozen=True)
class Look:
    """What the command line asks of a picture; sizes are pixels of one panel."""

    title: str = ""
    vertical: str = ""
    watermark: str = ""
    width: int = 651
    height: int = 353
    zoom: float = 1
    fill: bool = True
    stack: bool = True
    invert: bool = False
    log: bool = False
    legend: bool = True
    only_graph: bool = False
    upper: float | None = None
    lower: float | None = None


def draw(chart: Chart, look: Look) -> Figure:
    """Return the picture."""
    with paper.style():
        return _only_graph(chart, look) if look.only_graph else _page(chart, look)


def _only_graph(chart: Chart, look: Look) -> Figure:
    page = paper.figure(look.width, look.height * len(chart.panels), look.zoom)
    for place, panel in enumerate(chart.panels):
        axes = page.add_axes(paper.box(page, 0, place * look.height, look.width, look.height))
        _plot(axes, chart, panel, look)
        axes.set_axis_off()
    return page


def _page(chart: Chart, look: Look) -> Figure:
    legends = [legend(panel) if look.legend else ("", []) for panel in chart.panels]
    longest = max(len(heading) for heading, _ in legends)
    width = max(LEFT + look.width + RIGHT, round(LEFT + SWATCH + longest * LETTER) + RIGHT)
    titles = textwrap.wrap(look.title, max(8, int((width - 2 * TOP) / TITLE_LETTER)))
    heads = [_heading(chart, panel, look) for panel in chart.panels]
    wrapped = [textwrap.wrap(head, max(12, int((width - LEFT) / LETTER))) for head in heads]
    above = [HEADING + (len(lines) - 1) * ROW for lines in wrapped]
    below = sum((len(rows) + 1.6) * ROW for _, rows in legends if rows)
    top: float = TOP + TITLE * len(titles)
    when = textwrap.wrap(time_range(chart), max(12, int((width - LEFT) / LETTER)))
    bottom = BOTTOM + (len(when) - 1) * ROW
    height = top + sum(above) + len(heads) * look.height + (len(heads) - 1) * BETWEEN + bottom + below
    page = paper.figure(width, round(height + (ROW if look.watermark else 0)), look.zoom)
    for place, line in enumerate(titles):
        paper.text(page, LEFT, TOP - 4 + place * TITLE, line, fontsize=11, fontweight="bold", color=INK)
    for place, panel in enumerate(chart.panels):
        paper.text(page, LEFT, top + 4, "\n".join(wrapped[place]), color=INK)
        axes = page.add_axes(paper.box(page, LEFT, top + above[place], look.width, look.height))
        _plot(axes, chart, panel, look)
        _finish(axes, look, last=place == len(chart.panels) - 1)
        top += above[place] + look.height + BETWEEN
    paper.text(page, LEFT, top - BETWEEN + TICKS, "\n".join(when), color=INK)
    top += bottom - BETWEEN
    for (heading, rows), panel in zip(legends, chart.panels, strict=True):
        if rows:
            top = _legend(page, top, heading, rows, panel, look)
    if look.watermark:
        paper.text(page, width / 2, top, look.watermark, ha="center", fontsize=7, color="#777777")
    return page


def _heading(chart: Chart, panel: Panel, look: Look) -> str:
    """Return what stands above a panel: what its axis counts, by which bins."""
    split = any(line.down for line in panel.lines)
    sides = f"{SIDES[look.invert]}" if split else ""
    length = f"bins of {bin_length(chart)}"
    gaps = "no records where grey" if chart.gaps.any() else ""
    names = ", ".join(panel.names)
    what = f"{names} in {panel.unit}" if panel.unit else names
    return ", ".join(part for part in (what, sides, length, gaps) if part)


def time_range(chart: Chart) -> str:
    """Return from when to when a chart is, and in which zone."""
    return f"time, {told(int(chart.edges[0]), int(chart.edges[-1]))}"


def bin_length(chart: Chart) -> str:
    """Return the length of the bins as people say it: 10 s, 5 min, 1 day."""
    length, months = int(chart.edges[1] - chart.edges[0]), _months(chart)
    if months:
        count, name = (months // 12, "year") if months % 12 == 0 else (months, "month")
        return f"{count} {name}{'s' if count > 1 else ''}"
    units = ((DAY, "day"), (3600 * 10**9, "h"), (60 * 10**9, "min"))
    for unit, name in units:
        if length >= unit and length % unit == 0:
            count = length // unit
            return f"{count} {name}{'s' if name == 'day' and count > 1 else ''}"
    return with_unit(length / 1e9, "s")


def _months(chart: Chart) -> int:
    """Return how many months of the calendar each bin takes, 0 when they are no months."""
    zone = local_zone()
    days = [datetime.fromtimestamp(int(edge) / 1e9, zone) for edge in chart.edges]
    if any((day.day, day.hour, day.minute, day.second) != (1, 0, 0, 0) for day in days):
        return 0
    steps = {12 * (later.year - day.year) + later.month - day.month for day, later in itertools.pairwise(days)}
    return steps.pop() if len(steps) == 1 else 0


def _plot(axes: Axes, chart: Chart, panel: Panel, look: Look) -> None:
    days = chart.edges / DAY
    axes.set_facecolor(BACK)
    axes.set_axisbelow(True)
    for low, high in _runs(chart.gaps):
        axes.axvspan(days[low], days[high], facecolor=GAP, edgecolor="none", zorder=0)
    for down in (False, True):
        lines = [line for line in panel.lines if line.down == down]
        sign = -1.0 if down != look.invert and any(line.down for line in panel.lines) else 1.0
        if look.stack and panel.stacks:
            _stacked(axes, days, lines, sign, look)
        else:
            _side_by_side(axes, days, lines, sign, look, filled=look.fill and panel.stacks)
    _limits(axes, days, panel, look)


def _runs(flags: np.ndarray[Any, np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """Return where runs of true values begin and end."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(low), int(high)) for low, high in changes.reshape(-1, 2)]


def _stacked(axes: Axes, days: Any, lines: list[Line], sign: float, look: Look) -> None:  # noqa: ANN401 - an array
    base = np.zeros(len(days) - 1)
    for place, line in enumerate(lines):
        upper = base + np.nan_to_num(line.values) * sign
        values, baseline = np.where(np.isnan(line.values), np.nan, upper), base
        if look.fill:
            _steps(axes, days, values, baseline, facecolor=colour(line.place), zorder=2)
            if len(values) <= FEW:
                _steps(axes, days, values, edgecolor=BACK, linewidth=0.5, zorder=3)
        else:
            _line(axes, days, values, line, place)
        base = upper


def _side_by_side(
    axes: Axes,
    days: Any,  # noqa: ANN401 - an array
    lines: list[Line],
    sign: float,
    look: Look,
    *,
    filled: bool,
) -> None:
    alpha = 1 if len(lines) == 1 else 0.35
    for place, line in enumerate(lines):
        values = line.values * sign
        if filled and look.fill:
            face = colour(line.place)
            _steps(axes, days, values, np.zeros(len(values)), facecolor=face, alpha=alpha, zorder=2)
        _line(axes, days, values, line, place)


def _line(axes: Axes, days: Any, values: Any, line: Line, place: int) -> None:  # noqa: ANN401 - arrays
    dash = LINES[place % len(LINES)]
    _steps(axes, days, values, edgecolor=line_colour(line.place), linewidth=1.3, linestyle=dash, zorder=3)


def _steps(
    axes: Axes,
    days: Any,  # noqa: ANN401 - an array
    values: Any,  # noqa: ANN401 - an array
    base: Any = None,  # noqa: ANN401 - an array
    **look: Any,  # noqa: ANN401 - handed on
) -> None:
    """Draw a line of steps, or fill down to a base, as `Axes.stairs`, which asks point by point how far they reach."""
    from matplotlib.patches import StepPatch

    filled = {"fill": False} if base is None else {"fill": True, "linewidth": 0, "edgecolor": "none"}
    axes.add_artist(StepPatch(values, days, baseline=base, **{**filled, **look}))
    levels = values if base is None else np.concatenate([values, base[~np.isnan(values)]])
    if not np.isnan(levels).all():
        axes.update_datalim([(days[0], np.nanmin(levels)), (days[-1], np.nanmax(levels))])


def _limits(axes: Axes, days: Any, panel: Panel, look: Look) -> None:  # noqa: ANN401 - an array
    split = any(line.down for line in panel.lines)
    axes.set_xlim(days[0], days[-1])
    low, high = axes.dataLim.intervaly
    room = (high - min(low, 0.0)) * MARGIN or 1.0
    if look.log:
        _logarithmic(axes, panel, split=split)
    else:
        axes.set_ylim(low - room if low < 0 else 0.0, high + room)
    if split:
        axes.axhline(0, color=INK, linewidth=0.8, zorder=4)
    if look.upper is not None:
        axes.set_ylim(top=look.upper)
    if look.lower is not None:
        axes.set_ylim(bottom=-abs(look.lower) if split else look.lower)


def _logarithmic(axes: Axes, panel: Panel, *, split: bool) -> None:
    positive = [line.values[line.values > 0] for line in panel.lines if (line.values > 0).any()]
    least = float(min(values.min() for values in positive)) if positive else 1.0
    if split:
        low, high = axes.dataLim.intervaly
        axes.set_yscale("symlog", linthresh=least)
        # What has only one direction keeps a little of the other, where its zero stands.
        axes.set_ylim(2 * low if low < 0 else -least, 2 * high if high > 0 else least)
        return
    axes.set_yscale("log", nonpositive="clip", subs=())
    axes.set_ylim(least / 2, 2 * max(axes.dataLim.intervaly[1], least))
    low, high = axes.get_ylim()
    if high < low * SHORT:
        from matplotlib.ticker import LogLocator

        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))


def _finish(axes: Axes, look: Look, *, last: bool) -> None:
    """Give a panel its ticks, grid and axis of time."""
    from matplotlib.dates import MINUTELY, SECONDLY, AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import FuncFormatter

    zone = local_zone()
    locator = AutoDateLocator(  # type: ignore[no-untyped-call]  # the library has no types for it
        tz=zone, minticks=3, maxticks=max(3, look.width // 75)
    )
    locator.intervald[MINUTELY] = locator.intervald[SECONDLY] = [1, 2, 5, 10, 15, 30]
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator, tz=zone, show_offset=False)  # type: ignore[no-untyped-call]  # as above
    axes.xaxis.set_major_formatter(formatter)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: with_unit(abs(value), "")))
    axes.grid(visible=True, color=GRID, linewidth=0.6)
    axes.tick_params(colors=INK, labelsize=8, labelbottom=last)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if look.vertical:
        axes.set_ylabel(look.vertical, color=INK)


def _legend(page: Figure, top: float, heading: str, rows: list[Row], panel: Panel, look: Look) -> float:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    drawn = {"family": ["DejaVu Sans Mono"], "fontsize": 8.5, "color": INK}
    paper.text(page, LEFT + SWATCH, top, heading, **drawn)
    filled = look.fill and panel.stacks
    for place, row in enumerate(rows):
        top += ROW
        x, y, w, h = paper.box(page, LEFT, top + 2, SWATCH - 7, ROW - 6)
        if filled:
            page.add_artist(Rectangle((x, y), w, h, facecolor=colour(row.place), edgecolor=INK, linewidth=0.4))
        else:
            dash = LINES[place % len(LINES)]
            shown = line_colour(row.place)
            page.add_artist(Line2D([x, x + w], [y + h / 2] * 2, color=shown, linewidth=1.6, linestyle=dash))
        paper.text(page, LEFT + SWATCH, top, row.text, **drawn)
    return top + 1.6 * ROW
