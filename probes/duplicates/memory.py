"""The memory of the judge of repeated packets: one for each feed, 1.5 MB, however many flows it has."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.duplicates import layout as at
from probes.memory import zeroed

Int64 = np.ndarray[Any, np.dtype[np.int64]]


class JudgeMemory:
    """What the kernels of this package remember of one feed; `trace` takes a verdict for each packet, as long as it is.

    `look_ahead` is the number of packets that are decoded ahead; without `enabled` nothing is judged.
    """

    def __init__(self, look_ahead: int, *, enabled: bool = True, trace: Int64 | None = None) -> None:
        self.entries = zeroed(at.REMEMBERED * at.ENTRY_WORDS, np.int64)
        self.newest = np.zeros(at.PLACES, np.int64)
        self.paths = np.zeros((at.PATHS, at.PATH_WORDS), np.int64)
        self.sources = np.zeros((at.PATHS, at.SOURCE_WORDS), np.int64)
        self.state = np.zeros(at.STATE_WORDS, np.int64)
        self.state[[at.MODE, at.NEXT_MODE]] = at.ACTIVE if enabled else at.OFF
        self.state[at.OLDEST] = 1  # packets are numbered from there on
        self.prints = np.zeros(look_ahead, np.int64)
        self.trace = np.zeros(0, np.int64) if trace is None else trace

    def for_kernels(self) -> tuple[Int64, ...]:
        """Return the arrays in the order of layout.py."""
        return self.entries, self.newest, self.paths, self.sources, self.state, self.prints, self.trace
