"""Colours that stay apart in greyscale: neighbours in a stack differ most in lightness, no two are equally light."""

from __future__ import annotations

from typing import Literal

# Lightness (CIE L*) of these: 23 80 37 90 53 73 31 63, each its own hue.
COLOURS = ("#20356b", "#f2c14e", "#a3293d", "#bfe8f5", "#2f8f5b", "#f29e8e", "#6b2c86", "#5aa0d6")
OTHERS = "#d4d4d4"
# The same hues, dark enough for thin lines on white; dashes tell them apart.
LINE_COLOURS = ("#20356b", "#c08400", "#a3293d", "#2a88a8", "#2f8f5b", "#d8654f", "#6b2c86", "#3f7fb0")
OTHER_LINE = "#808080"
INK, GRID, GAP, BACK = "#222222", "#d9d9d9", "#efefef", "#ffffff"
LINES: tuple[Literal["-", "--", "-.", ":"], ...] = ("-", "--", "-.", ":")


def colour(place: int | None) -> str:
    """Return the colour of the series at a place, after the last they begin again; that of the others for None."""
    return OTHERS if place is None else COLOURS[place % len(COLOURS)]


def line_colour(place: int | None) -> str:
    """Return the same for a thin line."""
    return OTHER_LINE if place is None else LINE_COLOURS[place % len(LINE_COLOURS)]


def lightness(text: str) -> float:
    """Return how light a colour `#rrggbb` is, CIE L*, 0 to 100: what is left of it in greyscale."""
    parts = [int(text[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return float(116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance)
