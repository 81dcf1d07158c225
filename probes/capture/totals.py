"""What the packets of a block come to, in one pass over them."""

from __future__ import annotations

from typing import Any

from topics.compiled import inlined, kernel

SEVERAL = -1


@inlined
def add_up(packets: Any) -> Any:
    """Return (bytes on the wire, oldest time, newest time, link type or SEVERAL) of at least one packet."""
    size, first, last = 0, packets[0].time, packets[0].time
    link_type = packets[0].link_type
    alike = True
    for number in range(len(packets)):
        packet = packets[number]
        size += packet.length
        first = min(first, packet.time)
        last = max(last, packet.time)
        alike &= packet.link_type == link_type
    return size, first, last, link_type if alike else SEVERAL


@kernel
def sum_up(packets: Any) -> Any:
    """Return the same to Python."""
    return add_up(packets)
