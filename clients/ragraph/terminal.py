"""A chart in the terminal: a column of characters for some bins, in colours where there are any."""

from __future__ import annotations

import itertools
import math
import shutil
import sys
import warnings
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from clients.pictures.colours import colour
from clients.pictures.numbers import with_unit
from clients.pictures.zone import local_zone, told
from clients.ragraph.legend import legend
from clients.ragraph.picture import bin_length

if TYPE_CHECKING:
    from clients.ragraph.picture import Look
    from clients.ragraph.series import Chart, Line, Panel

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

ROWS, MARGIN = 12, 9
MARKS = "█▓▒░#*+=:."
GAP = "·"
BLANK = " "


def print_chart(chart: Chart, look: Look) -> None:
    """Print all panels with their axes and legends, as wide as the terminal."""
    wide = max(20, shutil.get_terminal_size((100, 24)).columns - MARGIN - 1)
    columns = min(wide, len(chart.gaps))
    each = max(1, wide // columns)
    coloured = sys.stdout.isatty()
    if look.title:
        print(look.title)
    for panel in chart.panels:
        print(f"{', '.join(panel.names)} in {panel.unit or 'its unit'}, bins of {bin_length(chart)}")
        _print_panel(panel, chart, columns, each, coloured=coloured)
        print(" " * MARGIN + _times(chart, columns * each))
        heading, rows = legend(panel)
        print("  " + heading)
        for place, row in enumerate(rows):
            print(f"{_mark(place, row.place, coloured=coloured)} {row.text}")


def _print_panel(panel: Panel, chart: Chart, columns: int, each: int, *, coloured: bool) -> None:
    sides = [[line for line in panel.lines if line.down == down] for down in (False, True)]
    ranks = {(line.label, line.place): rank for rank, line in enumerate(sides[0] or sides[1])}
    stacks = [_stack(lines, columns, stacks=panel.stacks) for lines in sides]
    peaks = [float(stack.max()) if stack.size else 0.0 for stack in stacks]
    gaps = np.isnan(resampled(np.where(chart.gaps, np.nan, 1.0), columns))
    step = sum(peaks) / (ROWS * (2 if all(sides) else 1)) or 1.0
    for down, (lines, stack, peak) in enumerate(zip(sides, stacks, peaks, strict=True)):
        if not lines:
            continue
        if down:
            print(" " * (MARGIN - 1) + "+" + "-" * columns * each)
        rows = max(1, math.ceil(peak / step))
        for row in range(rows) if down else reversed(range(rows)):
            marks = [_cell(lines, ranks, stack[:, column], (row + 0.5) * step, coloured) for column in range(columns)]
            cells = "".join((GAP if gaps[place] and row == 0 else mark) * each for place, mark in enumerate(marks))
            label = with_unit(peak, "") if row == rows - 1 else "0" if row == 0 and not down else ""
            print(f"{label:>{MARGIN - 2}} |{cells}")


def _stack(lines: list[Line], columns: int, *, stacks: bool) -> Numbers:
    """Return how high each line reaches in each column, shape (lines, columns)."""
    values = np.array([resampled(line.values, columns) for line in lines]).reshape(len(lines), columns)
    values = np.nan_to_num(values)
    return np.cumsum(values, axis=0) if stacks else values


def resampled(values: Numbers, columns: int) -> Numbers:
    """Return the mean of the bins that share a column; nan where none has a value."""
    bounds = np.linspace(0, len(values), columns + 1).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of columns without any value
        return np.array([np.nanmean(values[low:high]) for low, high in itertools.pairwise(bounds.tolist())])


def _cell(lines: list[Line], ranks: dict[Any, int], heights: Numbers, level: float, coloured: bool) -> str:  # noqa: FBT001 - where it is drawn
    reaching = np.flatnonzero(heights >= level)
    if not len(reaching):
        return BLANK
    line = lines[int(reaching[np.argmin(heights[reaching])])]
    return _mark(ranks.get((line.label, line.place), 0), line.place, coloured=coloured)


def _mark(rank: int, place: int | None, *, coloured: bool) -> str:
    if not coloured:
        return MARKS[rank % len(MARKS)]
    red, green, blue = (int(colour(place)[start : start + 2], 16) for start in (1, 3, 5))
    return f"\x1b[38;2;{red};{green};{blue}m█\x1b[0m"


def _times(chart: Chart, width: int) -> str:
    """Return the axis of time: when it begins and ends, and the zone."""
    zone = local_zone()
    first, last = (datetime.fromtimestamp(edge / 1e9, zone) for edge in (int(chart.edges[0]), int(chart.edges[-1])))
    form = "%H:%M:%S" if (last - first).days < 1 else "%m-%d %H:%M"
    ends = f"{first:{form}}", f"{last:{form}}"
    between = told(int(chart.edges[0]), int(chart.edges[-1]))
    return f"{ends[0]}{ends[1]:>{max(1, width - len(ends[0]))}}\n{' ' * MARGIN}{between}"
