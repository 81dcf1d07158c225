"""Records around those that match, across the pieces that they come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import polars as pl

Mask = np.ndarray[Any, np.dtype[np.bool_]]
Places = np.ndarray[Any, np.dtype[np.int64]]


class Neighbours:
    """Lets through what matches and `near` records before and after each, every record once and in order."""

    def __init__(self, near: int) -> None:
        self._near, self._owed = near, 0
        self._last: pl.DataFrame | None = None
        self._given: Mask = np.zeros(0, np.bool_)

    def take(self, frame: pl.DataFrame, found: pl.Series) -> pl.DataFrame:
        """Return what to let through now that a frame came of which `found` match."""
        if not self._near:
            return frame.filter(found)
        whole = frame if self._last is None else self._last.vstack(frame)
        held, near = whole.height - frame.height, self._near
        places = found.arg_true().to_numpy().astype(np.int64) + held
        wanted = _around(places, near, whole.height)
        wanted[held : held + self._owed] = True
        wanted[:held] &= ~self._given
        self._owed = max(int(places[-1]) + near + 1 - whole.height if len(places) else self._owed - frame.height, 0)
        self._last = whole.tail(near)
        given = np.concatenate([self._given | wanted[:held], wanted[held:]])
        self._given = given[len(given) - self._last.height :]
        return whole.filter(wanted)


def _around(places: Places, near: int, count: int) -> Mask:
    """Return which of `count` records are at most `near` from one of the places."""
    edges = np.zeros(count + 1, np.int64)
    np.add.at(edges, np.maximum(places - near, 0), 1)
    np.add.at(edges, np.minimum(places + near + 1, count), -1)
    close: Mask = np.cumsum(edges[:-1]) > 0
    return close
