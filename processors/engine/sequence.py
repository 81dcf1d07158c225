"""The order of a partition, checked message by message: nothing twice, nothing left out, whatever the engine does."""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    """What to do with a message."""

    NEXT = "process it"
    OLD = "drop it: it was processed, or is below the point of the start"
    GAP = "ask the broker what the next message is, then `resolve`"
    STALE = "drop it: the message that should come first has been asked for"


class Sequence:
    """Knows the offset that has to come next in a partition.

    After a rebalance Faust may still hand out messages fetched for the assignment before, and it may lose some while it
    clears its queues. Offsets may also be missing from the log for good, by retention or as markers of transactions.
    Only the broker can tell these apart: see `resolve`.
    """

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self._asked = False
        self._refused = -1

    def judge(self, offset: int) -> Verdict:
        """Say what to do with the message at `offset`."""
        if offset < self.expected:
            return Verdict.OLD
        if offset == self.expected:
            return Verdict.NEXT
        run_began = offset <= self._refused
        self._refused = offset
        return Verdict.STALE if self._asked and not run_began else Verdict.GAP

    def resolve(self, offset: int, first: int) -> bool:
        """Tell whether the message at `offset` is next after all; `first` is the first there is from `expected` on.

        When not, the engine has to seek to `expected`, and messages are refused until it comes.
        """
        self._asked = offset != first
        self.expected = first
        return offset == first

    def advance(self, offset: int) -> None:
        """Note that the message at `offset` was processed."""
        self.expected = offset + 1
        self._asked = False
        self._refused = -1
