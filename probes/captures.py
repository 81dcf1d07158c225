"""Capture files as a source of packets: one after the other, each up to where it is damaged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from probes.capture.reader import CaptureReader
from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from probes.capture.packets import PacketBlock


@dataclass(slots=True)
class CaptureSource:
    """Reads capture files in order.

    A file that is damaged gives everything up to the damage; its error is kept in `errors` and reading goes on with
    the next file. `reader` is the one at work.
    """

    paths: Sequence[str]
    errors: list[InputError] = field(default_factory=list)
    reader: CaptureReader | None = None
    live: bool = False
    _stopped: bool = False

    def open(self) -> None:
        """Do nothing: each file is opened when its turn comes."""

    def stop(self) -> None:
        """Let the iteration end after the block at hand."""
        self._stopped = True

    def counters(self) -> dict[str, int]:
        """Return what was left out: nothing."""
        return {}

    def __iter__(self) -> Iterator[PacketBlock]:
        for path in self.paths:
            try:
                self.reader = CaptureReader(path)
                for block in self.reader:
                    if self._stopped:
                        return
                    yield block
            except InputError as error:
                self.errors.append(error)
