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
    into data, bytes captured, length on the wire, link type. `interface` names where they were captured.
    """

    data: np.ndarray[Any, np.dtype[np.uint8]]
    packets: np.ndarray[Any, np.dtype[np.void]]
    interface: str = ""
