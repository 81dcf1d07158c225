"""The legend of a panel as rows of text: names and what their values come to, in columns of one width."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from clients.pictures.numbers import with_unit

if TYPE_CHECKING:
    from clients.ragraph.series import Line, Panel

LONGEST = 40  # characters of a name; an IPv6 address has 39


class Row(NamedTuple):
    """One line of a legend: the place of its colour and its text; the first row of a legend is the heading."""

    place: int | None
    text: str


def legend(panel: Panel) -> tuple[str, list[Row]]:
    """Return the heading of a legend and a row for each name, both directions of one in the same row."""
    names = list(dict.fromkeys((line.label, line.place) for line in panel.lines))
    split = any(line.down for line in panel.lines)
    cells = [[", ".join(panel.names), *_heading(panel, split=split)]]
    for label, place in names:
        up = next((line for line in panel.lines if (line.label, line.place, line.down) == (label, place, False)), None)
        down = next((line for line in panel.lines if (line.label, line.place, line.down) == (label, place, True)), None)
        values = _values(panel, up) + (_values(panel, down) if split else [])
        cells.append([shortened(label), *values])
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    texts = [
        row[0].ljust(widths[0]) + "".join("  " + c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))
        for row in cells
    ]
    return texts[0], [Row(place, text) for (_, place), text in zip(names, texts[1:], strict=True)]


def _heading(panel: Panel, *, split: bool) -> list[str]:
    columns = ["mean", "peak", *(["total"] if panel.totals else [])]
    if not split:
        return columns
    return [f"{column} {side}" for side in ("up", "down") for column in columns]


def _values(panel: Panel, line: Line | None) -> list[str]:
    if line is None or np.isnan(line.values).all():
        return ["-"] * (3 if panel.totals else 2)
    figures = [with_unit(float(figure(line.values)), panel.unit) for figure in (np.nanmean, np.nanmax)]
    if not panel.totals:
        return figures
    return [*figures, "-" if math.isnan(line.total) else with_unit(line.total, panel.totals)]


def shortened(text: str, most: int = LONGEST) -> str:
    """Return a name without its middle when it is longer than `most` characters."""
    if len(text) <= most:
        return text
    head = (most - 1 + 1) // 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"
