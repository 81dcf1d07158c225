"""Figures laid out in pixels, and written so that the same picture is the same file, byte for byte."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

DPI = 100
KINDS = ("png", "svg", "pdf")
SIZES = range(40, 10_001)  # pixels
STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so that pictures are alike everywhere
    "font.size": 9.0,
    "svg.fonttype": "path",
    "svg.hashsalt": "argosy",
    "axes.linewidth": 0.8,
    "hatch.linewidth": 0.5,
    "path.simplify": True,
}
# Without the time of writing and the version of the library.
METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def kind_of(name: str) -> str:
    """Return the kind of picture that a file name asks for; `-` is a PNG. Raises UsageError."""
    kind = "png" if name == "-" else Path(name).suffix.removeprefix(".").lower()
    if kind not in KINDS:
        raise UsageError(f"{name}: pictures are .png, .svg or .pdf")
    return kind


@contextmanager
def style() -> Iterator[None]:
    """Draw with our settings, whatever those of the user are."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)  # type: ignore[arg-type]  # its keys are literals to the library
        yield


def figure(width: int, height: int, zoom: float = 1) -> Figure:
    """Return an empty figure of so many pixels; positions in it are given by `box`."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / DPI, height / DPI), dpi=DPI * zoom, facecolor="white")


def box(page: Figure, left: float, top: float, width: float, height: float) -> tuple[float, float, float, float]:
    """Return a rectangle given in pixels from the top left corner, as matplotlib takes it."""
    wide, high = (float(side) * DPI for side in page.get_size_inches())
    return left / wide, 1 - (top + height) / high, width / wide, height / high


def text(page: Figure, left: float, top: float, words: str, **options: Any) -> None:  # noqa: ANN401 - handed on
    """Write text whose upper left corner, or what `ha` says, is at a place in pixels from the top left corner."""
    x, y, _, _ = box(page, left, top, 0, 0)
    page.text(x, y, words, **{"va": "top", "parse_math": False, **options})


def save(page: Figure, name: str) -> None:
    """Write a figure to a file, or to standard output for `-`, whole or not at all; raises OSError, UsageError."""
    kind, buffer = kind_of(name), io.BytesIO()
    with style():
        page.savefig(buffer, format=kind, metadata=METADATA[kind])
    if name == "-":
        sys.stdout.buffer.write(buffer.getvalue())
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(buffer.getvalue())
    aside.replace(path)
