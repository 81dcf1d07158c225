"""How verdicts compare with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from probes.duplicates.layout import COPY, VERDICT_BITS, WINDOW
from probes.flows.probe import FlowProbe, ProbeSettings
from tests.traffic.mirrored.render import blocks_of
from tests.traffic.mirrored.table import FIELDS, Truth

if TYPE_CHECKING:
    from tests.traffic.mirrored.table import Rows

UNSEEN = frozenset({"time", "mode", "truth"})  # what no frame shows


@dataclass(frozen=True, slots=True)
class Score:
    """Copies there were, those that were found, and packets that were taken for copies without being any."""

    copies: int
    found: int
    false: int

    @property
    def precision(self) -> float:
        """Share of what was called a copy that is one; 1 when nothing was."""
        return self.found / (self.found + self.false) if self.found + self.false else 1.0

    @property
    def recall(self) -> float:
        """Share of the copies that were found; 1 when there are none."""
        return self.found / self.copies if self.copies else 1.0


def verdicts_on(rows: Rows) -> np.ndarray[Any, np.dtype[np.int64]]:
    """What the probe makes of each row: verdict | evidence."""
    probe = FlowProbe(ProbeSettings())
    probe.judge.trace = np.zeros(len(rows), np.int64)
    for block in blocks_of(rows):
        for _ in probe.observe(block):
            pass
    return probe.judge.trace


def _alike(rows: Rows) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Number the groups of frames that are the same bytes and close in time: which is the copy, nobody can tell."""
    seen = [rows[name] for name in FIELDS if name not in UNSEEN]
    order = np.lexsort((rows["time"], *seen))
    begins = np.ones(len(rows), bool)
    begins[1:] = np.diff(rows["time"][order]) > WINDOW
    for values in seen:
        begins[1:] |= values[order][1:] != values[order][:-1]
    groups = np.empty(len(rows), np.int64)
    groups[order] = np.cumsum(begins) - 1
    return groups


def score(rows: Rows, verdicts: np.ndarray[Any, np.dtype[np.int64]]) -> Score:
    """Compare copies found with copies made, in each group of frames that are the same bytes."""
    groups = _alike(rows)
    made = np.bincount(groups, rows["truth"] == Truth.COPY)
    called = np.bincount(groups, verdicts & VERDICT_BITS == COPY)
    found = int(np.minimum(made, called).sum())
    return Score(int(made.sum()), found, int(called.sum()) - found)
