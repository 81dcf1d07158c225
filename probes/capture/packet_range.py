"""A range of the packets of a run: the first so many, or those from one number to another."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from probes.capture.packets import PacketBlock

RANGE = re.compile(r"(?:(\d+)-)?(\d+)")


class PacketRange:
    """Packets `first` to `last`, counted from 1 over all files and interfaces, behind the packet filter.

    `text` is `N` for the first N or `A-B`, as Argus has it; raises UsageError for anything else. `left_out` counts the
    packets before the range.
    """

    def __init__(self, text: str) -> None:
        found = RANGE.fullmatch(text.strip())
        self.first, self.last = (int(found[1] or 1), int(found[2])) if found else (0, 0)
        if not 1 <= self.first <= self.last:
            raise UsageError(f"which packets to take is N or A-B, not '{text}'")
        self.left_out = 0

    def of(self, blocks: Iterable[PacketBlock]) -> Iterator[PacketBlock]:
        """Yield the packets of the range; nothing is read behind it."""
        seen = 0
        for block in blocks:
            start = min(len(block.packets), max(0, self.first - 1 - seen))
            end = min(len(block.packets), self.last - seen)
            seen += len(block.packets)
            self.left_out += start
            yield dataclasses.replace(block, packets=block.packets[start:end], feed=None)
            if seen >= self.last:
                return
