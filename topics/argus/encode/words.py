"""What all parts of a record of Argus are written with."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.argus.layout import word_of
from topics.compiled import inlined
from topics.flags import Encapsulation, FlowFlags

MOST_PAYLOAD, MOST_LABEL = 4096, 1000  # bytes of a record that are kept
# As Any: mypy knows of scalars what Numba does not hold to.
INT64: Any = np.int64
SRC_ADDRESS, DST_ADDRESS, ROUTER = (word_of(name) for name in ("src_address", "dst_address", "icmp_error_router"))
TCP, UDP, ICMP, ESP, ICMPV6, DNS = 6, 17, 1, 50, 58, 53
IPV4, IPV6, ARP, MIXED = 0x0800, 0x86DD, 0x0806, 0
NANO, MICRO, LLC_LIMIT = 1_000_000_000, 1000, 1536
IS_LLC, IS_FRAGMENT = int(Encapsulation.LLC), int(FlowFlags.FRAGMENTS)
IS_BROKEN = int(FlowFlags.MALFORMED | FlowFlags.HEADER_NOT_CAPTURED)
IS_RTP, IS_RTCP, SEVERAL_MACS = int(FlowFlags.RTP), int(FlowFlags.RTCP), int(FlowFlags.MULTIPLE_MACS)


@inlined
def turned(word: Any) -> Any:
    """Return a word with its bytes in the opposite order."""
    value = INT64(word)
    return (value & 0xFF) << 24 | (value >> 8 & 0xFF) << 16 | (value >> 16 & 0xFF) << 8 | value >> 24 & 0xFF


@inlined
def put_six(octets: Any, out: Any, word: Any, half: Any) -> None:
    """Write six bytes from a word on, or from its second half on."""
    one = INT64(octets[0]) << 8 | INT64(octets[1])
    two = INT64(octets[2]) << 8 | INT64(octets[3])
    three = INT64(octets[4]) << 8 | INT64(octets[5])
    if half:
        out[word] = (INT64(out[word]) & 0xFFFF0000) | one
        out[word + 1] = two << 16 | three
    else:
        out[word] = one << 16 | two
        out[word + 1] = three << 16 | (INT64(out[word + 1]) & 0xFFFF)


@inlined
def is_any_set(octets: Any) -> Any:
    """Tell whether a byte is not 0."""
    found = 0
    for byte in range(len(octets)):
        found |= INT64(octets[byte])
    return found != 0
