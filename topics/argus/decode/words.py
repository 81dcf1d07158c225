"""What all parts of a record of Argus are read with."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.argus.layout import word_of
from topics.compiled import inlined
from topics.flags import FlowFlags

MAPPED = 0xFFFF0000  # ::ffff before an IPv4 address, as it stands in memory
# As Any: mypy knows of scalars what Numba does not hold to.
INT64: Any = np.int64
SRC_ADDRESS, DST_ADDRESS, ROUTER, FLOW_ID = (
    word_of(name) for name in ("src_address", "dst_address", "icmp_error_router", "flow_id")
)
NANO, MICRO = 1_000_000_000, 1000
MOST = (1 << 62) - 1  # a counter that lies still adds up
IS_FRAGMENT, IS_ADJUSTED, IS_RTP, IS_RTCP, SEVERAL_MACS, IS_BROKEN = (
    int(flag)
    for flag in (
        FlowFlags.FRAGMENTS,
        FlowFlags.TIME_ADJUSTED,
        FlowFlags.RTP,
        FlowFlags.RTCP,
        FlowFlags.MULTIPLE_MACS,
        FlowFlags.MALFORMED,
    )
)


@inlined
def copy_bytes(target: Any, octets: Any, first: Any, count: Any) -> None:
    """Copy so many bytes."""
    for byte in range(count):
        target[byte] = octets[first + byte]


@inlined
def big_endian(octets: Any, first: Any, width: Any) -> Any:
    """Return a number of 1 to 8 bytes, the most significant first."""
    value = INT64(0)
    for byte in range(width):
        value = value << 8 | INT64(octets[first + byte])
    return value & MOST


@inlined
def mapped_ipv4(out32: Any, row: Any, place: Any, raw: Any) -> None:
    """Write an IPv4 address, mapped into IPv6, from a place on."""
    out32[row, place + 2] = MAPPED
    out32[row, place + 3] = raw
