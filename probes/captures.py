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


MOST_OPEN = 200  # files; a process may usually have 1024


@dataclass(slots=True)
class CaptureSource:
    """Reads capture files in order; then come the filter, the range and the pace, where they are given.

    `open` opens the files while their paths and rights are at hand, the first MOST_OPEN of them.
    A file that is damaged gives everything up to the damage; its error is kept in `errors` and reading goes on with
    the next file. `reader` is the one at work. With `follow` the last file is not over when its end is reached, with
    `repeat` the first one is read again behind the last, unless one was damaged. `lends` lets a kernel that takes
    blocks read on by itself, where no filter, range or pace wants every packet.
    """

    paths: Sequence[str]
    errors: list[InputError] = field(default_factory=list)
    reader: CaptureReader | None = None
    live: bool = False
    follow: bool = False
    repeat: bool = False
    lends: bool = False
    packet_filter: PacketFilter | None = None
    packet_range: PacketRange | None = None
    replay: Replay | None = None
    clock: Clock | None = None
    _opened: dict[int, CaptureReader | InputError] = field(default_factory=dict)
    _stopped: bool = False

    def open(self) -> None:
        """Open files; what is wrong with one is told when its turn comes."""
        for number in range(min(len(self.paths), MOST_OPEN)):
            self._opened[number] = self._open(number)

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

    def dropped_by_interface(self) -> dict[str, int]:
        """Return nothing: a file has it all."""
        return {}

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

    def _open(self, number: int) -> CaptureReader | InputError:
        follow = self.follow and number == len(self.paths) - 1
        try:
            return CaptureReader(self.paths[number], follow=follow, clock=self.clock)
        except InputError as error:
            return error

    def _read(self) -> Iterator[PacketBlock]:
        yield from self._read_once()
        while self.repeat and not self.errors and not self._stopped:
            yield from self._read_once()

    def _read_once(self) -> Iterator[PacketBlock]:
        for number in range(len(self.paths)):
            found = self._opened.pop(number, None) or self._open(number)
            try:
                if isinstance(found, InputError):
                    raise found
                self.reader = found
                found.lends = self.lends and not (self.packet_filter or self.packet_range or self.replay)
                yield from found
            except InputError as error:
                self.errors.append(error)
            if self._stopped:
                return
