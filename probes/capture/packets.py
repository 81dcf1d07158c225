"""Framed packets: where each lies in a block of bytes, and what the capture says about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

PACKET_DTYPE = np.dtype(
    [("time", "<i8"), ("offset", "<i8"), ("captured", "<u4"), ("length", "<u4"), ("link_type", "<u4"), ("pad", "<u4")]
)


@dataclass(frozen=True, slots=True)
class PacketBlock:
    """Some packets in capture order.

    `data` is uint8 of any length; `packets` has shape (n,) and dtype PACKET_DTYPE: time (ns since the epoch), offset
    into data, bytes captured, length on the wire, link type. `interface` names where they were captured; a file has
    none. `now`, when it is not 0, says that every packet from before that time (ns) has been given: a block without
    packets tells with it that time goes on while nothing comes.
    """

    data: np.ndarray[Any, np.dtype[np.uint8]]
    packets: np.ndarray[Any, np.dtype[np.void]]
    interface: str = ""
    now: int = 0

    def link_types(self) -> list[int]:
        """Return the link types of the packets, each once."""
        column = self.packets["link_type"]
        if len(column) and (column == column[0]).all():
            return [int(column[0])]
        found: list[int] = np.unique(column).tolist()
        return found
