"""What a partition's successor has to know of the batches that came: beside the committed offset, and on a topic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processors.engine.acknowledgement import Checkpoint
    from processors.engine.batch_numbers import BatchNumbers

Put = Callable[[int, bytes, Callable[[int], None]], None]


class Memory:
    """Gives checkpoints what is known of the runs below their offset.

    Brokers take 4 KB beside an offset: the runs heard since the last message on the topic of batches seen. When those
    become too many, all that is known is `put` there, as of an offset, and the checkpoint of that offset waits until it
    is confirmed at a place of its own, which the checkpoint names. So what a successor reads always fits the offset it
    begins at. `place` is where the message is that `numbers` began with. Without `put` the runs heard last are told.
    """

    def __init__(self, numbers: BatchNumbers, put: Put | None = None, place: int | None = None) -> None:
        self.numbers = numbers
        self._put, self._place = put, place
        self._waiting: Checkpoint | None = None
        self._arrived: int | None = None

    def checkpoint(self, reached: Callable[[], Checkpoint | None]) -> Checkpoint | None:
        """Return the next checkpoint with what is known; None while there is none, or it waits for the topic."""
        if self._waiting is None:
            found = reached()
            if found is None:
                return None
            if self._put is None:
                return replace(found, numbers=self.numbers.text_at(found.offset))
            changes = self.numbers.changes_at(found.offset)
            if changes is not None:
                return replace(found, numbers=changes, seen=self._place)
            self._waiting, self._arrived = found, None
            self._put(found.offset, self.numbers.packed(), self._confirm)
        if self._arrived is None:
            return None
        found, self._waiting, self._place = self._waiting, None, self._arrived
        return replace(found, seen=self._place)

    def _confirm(self, place: int) -> None:
        self._arrived = place
