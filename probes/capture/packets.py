"""Framed packets: where each lies in a block of bytes, and what the capture says about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from probes.capture.totals import SEVERAL, sum_up

if TYPE_CHECKING:
    from probes.capture.feed import Feed

PACKET_DTYPE = np.dtype(
    [("time", "<i8"), ("offset", "<i8"), ("captured", "<u4"), ("length", "<u4"), ("link_type", "<u4"), ("pad", "<u4")]
)


class BlockTotals(NamedTuple):
    """Bytes on the wire, the oldest and the newest time (ns), and the link type or SEVERAL, of a block with packets."""

    bytes: int
    first: int
    last: int
    link_type: int


@dataclass(frozen=True)
class PacketBlock:
    """Some packets in capture order.

    `data` is uint8 of any length; `packets` has shape (n,) and dtype PACKET_DTYPE: time (ns since the epoch), offset
    into data, bytes captured, length on the wire, link type. `interface` names where they were captured; a file has
    none. `now`, when it is not 0, says that every packet from before that time (ns) has been given: a block without
    packets tells with it that time goes on while nothing comes. `feed` lets a kernel take more packets behind these,
    which nobody else sees: it is for those who look at nothing but flows.
    """

    data: np.ndarray[Any, np.dtype[np.uint8]]
    packets: np.ndarray[Any, np.dtype[np.void]]
    interface: str = ""
    now: int = 0
    feed: Feed | None = None

    @cached_property
    def totals(self) -> BlockTotals:
        """What the packets come to, of which there must be some."""
        return BlockTotals(*sum_up(self.packets))

    def link_types(self) -> list[int]:
        """Return the link types of the packets, each once."""
        if not len(self.packets):
            return []
        if self.totals.link_type != SEVERAL:
            return [self.totals.link_type]
        found: list[int] = np.unique(self.packets["link_type"]).tolist()
        return found
