"""A figure, and the same of the tool that people use today."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

BUILD = Path("build")
ARGOSY = str(Path(sys.executable).with_name("argosy"))


@dataclass(frozen=True, slots=True)
class Result:
    """One figure; `peer` is the same of the tool that people use today, `ratio` how many times as good ours is.

    `note` says how sure it is.
    """

    value: float
    unit: str
    peer: float | None = None
    ratio: float | None = None
    note: str = ""


Results = Iterator[tuple[str, Result]]
Suite = dict[str, Callable[[int], Results]]
"""What is measured by name; called with how many runs to make, of which the median counts."""


def beside(value: float, unit: str, peer: float | None) -> Result:
    """Return a figure that is better the larger it is, beside that of a peer, if there is one."""
    return Result(value, unit, peer, value / peer if peer else None)
