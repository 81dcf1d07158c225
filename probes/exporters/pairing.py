"""The two directions of a conversation, exported apart, become one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from probes.exporters import layout as at
from probes.exporters import pairing_kernel as kernels
from probes.memory import zeroed

if TYPE_CHECKING:
    from collections.abc import Iterator

Int64 = np.ndarray[Any, np.dtype[np.int64]]

ROWS = 4096
MOST_WAITING = 1 << 18
RING = 4  # places for each that may wait: those of what was paired are empty for a while
FOREVER = 2**62
NONE = np.zeros((0, at.WIDTH), np.int64)


class Pairing:
    """Holds each record for `window` ns of the time of arrival, `most` in all, until that of the other direction comes.

    The one that began earlier tells of the source; of two that began at once, the one to the lower port. A record of
    the same direction sends the one that waits on its way alone. A window of 0 leaves all as they are.
    """

    def __init__(self, window: int, most: int = MOST_WAITING) -> None:
        self.window = window
        places = 1 << max(4, (2 * most - 1).bit_length())
        self._tables = (
            zeroed(places, np.int64),
            zeroed((most, kernels.KEY_WORDS), np.int64),
            zeroed((most, at.WIDTH), np.int64),
            zeroed(most, np.int64),
            zeroed(most, np.int64),
            zeroed((RING * most, 2), np.int64),
        )
        self._state = np.zeros(kernels.STATE, np.int64)
        self._out = np.zeros((ROWS, at.WIDTH), np.int64)

    @property
    def waiting(self) -> int:
        """How many records wait."""
        return int(self._state[kernels.HELD])

    def counts(self) -> dict[str, int]:
        """Return how many records found their answer, how many did not, and how many of these for want of room."""
        state = self._state
        return {
            "paired": int(state[kernels.PAIRED]),
            "alone": int(state[kernels.ALONE]),
            "unpaired_early": int(state[kernels.EARLY]),
        }

    def take(self, rows: Int64, now: int = 0) -> Iterator[Int64]:
        """Take rows, then let the time of arrival come to `now`; yield rows, which are valid until the next ones."""
        taken, written = 0, ROWS
        while taken < len(rows) or written == ROWS:
            taken, written = kernels.pair(rows, taken, self.window, now, *self._tables, self._state, self._out)
            if written:
                yield self._out[:written]
            elif taken >= len(rows):
                break

    def flush(self) -> Iterator[Int64]:
        """Yield all that waits."""
        yield from self.take(NONE, FOREVER)


def warm_up() -> None:
    """Compile the kernel."""
    list(Pairing(1, 16).take(np.zeros((1, at.WIDTH), np.int64)))
