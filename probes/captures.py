"""Capture files as a source of packets: one after the other, each up to where it is damaged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from probes.capture.reader import CaptureReader
from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from probes.capture.clock import Clock
    from probes.capture.packet_range import PacketRange
    from probes.capture.packets import PacketBlock
    from probes.capture.replay import Replay
    from probes.packet_filter.packet_filter import PacketFilter


@dataclass(slots=True)
class CaptureSource:
    """Reads capture files in order; then come the filter, the range and the pace, where they are given.

    A file that is damaged gives everything up to the damage; its error is kept in `errors` and reading goes on with
    the next file. `reader` is the one at work. With `follow` the last file is not over when its end is reached.
    """

    paths: Sequence[str]
    errors: list[InputError] = field(default_factory=list)
    reader: CaptureReader | None = None
    live: bool = False
    follow: bool = False
    packet_filter: PacketFilter | None = None
    packet_range: PacketRange | None = None
    replay: Replay | None = None
    clock: Clock | None = None
    _stopped: bool = False

    def open(self) -> None:
        """Do nothing: each file is opened when its turn comes."""

    def stop(self) -> None:
        """Let the iteration end after the block at hand."""
        self._stopped = True
        if self.reader:
            self.reader.stop()
        if self.replay:
            self.replay.stop()

    def counters(self) -> dict[str, int]:
        """Return what was left out, by cause."""
        counters = {}
        if self.packet_filter:
            counters["filtered"] = self.packet_filter.filtered
        if self.packet_range:
            counters["out_of_range"] = self.packet_range.left_out
        return counters

    def __iter__(self) -> Iterator[PacketBlock]:
        blocks = self._read()
        if self.packet_filter:
            blocks = map(self.packet_filter.apply, blocks)
        if self.packet_range:
            blocks = self.packet_range.of(blocks)
        if self.replay:
            blocks = self.replay.of(blocks)
        for block in blocks:
            yield block
            if self._stopped:
                return

    def _read(self) -> Iterator[PacketBlock]:
        for number, path in enumerate(self.paths, 1):
            try:
                follow = self.follow and number == len(self.paths)
                self.reader = CaptureReader(path, follow=follow, clock=self.clock)
                yield from self.reader
            except InputError as error:
                self.errors.append(error)
            if self._stopped:
                return
