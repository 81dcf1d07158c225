"""How many bytes a probe saw on each interface, at any time: each record's, evenly over its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from topics.batch import FlowBatch, Observer

Curve = tuple[Any, Any]


class SeenBytes:
    """Adds up the bytes of flow records by observation point; copies that the mirroring made were seen too.

    `first` and `last` are the times (ns) between which there are records, 0 without any.
    """

    def __init__(self) -> None:
        self.first = self.last = 0
        self._pieces: dict[Observer, list[Any]] = {}
        self._curves: dict[Observer, Curve] = {}

    @property
    def observers(self) -> list[Observer]:
        """Return the observation points there are records of."""
        return list(self._pieces)

    def cover(self, first: int, last: int) -> None:
        """Take note that the probe was seeing what there was between two times."""
        self.first, self.last = min(self.first or first, first), max(self.last, last)

    def add(self, batch: FlowBatch) -> None:
        """Take the records of a batch."""
        self._curves.clear()
        for number, observer in batch.observers.items():
            records = batch.select(batch.records["observer"] == number).records
            for side in ("src", "dst"):
                octets = records[f"{side}_bytes"] + records[f"{side}_duplicate_bytes"]
                piece = np.stack([records[f"{side}_first"], records[f"{side}_last"], octets])[:, octets > 0]
                if piece.shape[1]:
                    self._pieces.setdefault(observer, []).append(piece)
                    self.cover(int(piece[0].min()), int(piece[1].max()))

    def between(self, observer: Observer, first: int, last: int) -> float:
        """Return the bytes seen between two times (ns)."""
        if observer not in self._pieces:
            return 0.0
        times, sums = self._curves.setdefault(observer, _curve(np.concatenate(self._pieces[observer], axis=1)))
        at_first, at_last = np.interp([first - self.first, last - self.first], times - self.first, sums)
        return float(at_last - at_first)


def _curve(pieces: Any) -> Curve:  # noqa: ANN401 - an array
    """Return times and the bytes seen until each; between them bytes grow evenly."""
    first, last, octets = pieces
    last = np.maximum(last, first + 1)
    slope = octets / (last - first)
    times = np.concatenate([first, last])
    order = np.argsort(times, kind="stable")
    times, slopes = times[order], np.cumsum(np.concatenate([slope, -slope])[order])
    sums = np.concatenate([[0.0], np.cumsum(slopes[:-1] * np.diff(times))])
    return times, sums
