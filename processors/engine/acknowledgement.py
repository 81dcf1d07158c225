"""How far the input of a partition may be acknowledged, and where a successor has to begin reading the output."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Input below `offset` is accounted for; output about input from `offset` on lies at or after `output_offset`.

    `numbers` tells which batches of which runs the input below `offset` held (see batch_numbers), beyond what stands at
    the offset `seen` of the topic of batches seen, if there is one.
    """

    offset: int
    output_offset: int
    numbers: str = ""
    seen: int | None = None


@dataclass(slots=True)
class Ticket:
    """A message on its way to the broker."""

    last_input: int | None
    output_offset: int | None = None
    confirmed: bool = False


class Acknowledger:
    """Turns confirmations of the broker into checkpoints, in offset order and never ahead of a confirmation.

    `output_end` is the end of the output partition when reading began. `known` are the messages of the output, as
    (output offset, highest input offset that contributed), that earlier runs left there.
    """

    def __init__(self, output_end: int = 0, known: Sequence[tuple[int, int]] = ()) -> None:
        self._output_end = output_end
        self._known = deque(known)
        self._pending: deque[Ticket] = deque()
        self._sent = 0
        self._confirmed = 0
        self._marks: deque[tuple[int, int]] = deque()

    @property
    def pending(self) -> int:
        """Messages handed to the producer and not confirmed yet."""
        return len(self._pending)

    def sent(self, last_input: int | None) -> Ticket:
        """Note a message handed to the producer, in order; returns what `confirm` wants back.

        `last_input` is the highest input offset that contributed to it; without one the message has to be confirmed
        but says nothing to a successor (a dead letter).
        """
        message = Ticket(last_input)
        self._pending.append(message)
        self._sent += 1
        return message

    def confirm(self, message: Ticket, output_offset: int | None) -> None:
        """Note that the broker holds a message, and at which offset."""
        message.confirmed = True
        message.output_offset = output_offset
        while self._pending and self._pending[0].confirmed:
            self._settle(self._pending.popleft())

    def mark(self, offset: int) -> None:
        """Input below `offset` is accounted for as soon as everything sent until now is confirmed."""
        if self._marks and self._marks[-1][0] == self._sent:
            self._marks.pop()
        self._marks.append((self._sent, offset))

    def checkpoint(self) -> Checkpoint | None:
        """Return the furthest checkpoint reached since the last call; None when there is no new one."""
        offset = None
        while self._marks and self._marks[0][0] <= self._confirmed:
            offset = self._marks.popleft()[1]
        if offset is None:
            return None
        while self._known and self._known[0][1] < offset:
            self._known.popleft()
        return Checkpoint(offset, self._known[0][0] if self._known else self._output_end)

    def _settle(self, message: Ticket) -> None:
        self._confirmed += 1
        if message.output_offset is None:
            return
        self._output_end = max(self._output_end, message.output_offset + 1)
        if message.last_input is not None:
            self._known.append((message.output_offset, message.last_input))
