"""Who began a TCP connection of which Argus saw the answer first, and whose record begins with that.

Of a connection that was set up, without its SYN, Argus's record has whoever accepted it as the source. Its clients
exchange the ends of IPv4 when they read it, and mark it, in its key and with the bit of a normal close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from topics.flags import TcpOptions, TcpState
from topics.record import FLOW_DTYPE
from topics.schema import swapped

if TYPE_CHECKING:
    import numpy as np

    Records = np.ndarray[Any, np.dtype[np.void]]

TCP = 6
IP = (0x0800, 0x86DD)
ACCEPTED = int(TcpState.SYN_ACK | TcpState.ESTABLISHED)
TURNED = int(TcpState.NORMAL_CLOSE)
ALL = 0xFFFFFFFF
LOOKED_AT = ACCEPTED | TURNED | int(TcpState.SYN)
NAMES = FLOW_DTYPE.names or ()
PAIRS = [(name, swapped(name)) for name in NAMES if swapped(name) != name and swapped(name) in NAMES]


def _of_source(flags: type[TcpState | TcpOptions]) -> int:
    """Return the bits that tell of the source; those of the destination are one place to the left."""
    return sum(int(flag) for flag in flags if str(flag.name).startswith("SRC_"))


BITS = {"tcp_state": _of_source(TcpState), "tcp_options": _of_source(TcpOptions)}


def put_right(records: Records) -> None:
    """Make who began these connections their source, in place, and take the mark of Argus's clients away."""
    state = records["tcp_state"]
    tcp = (records["protocol"] == TCP) & ((records["ethertype"] == IP[0]) | (records["ethertype"] == IP[1]))
    seen = state & LOOKED_AT
    state[tcp & (seen == ACCEPTED | TURNED)] ^= TURNED
    rows = (tcp & (seen == ACCEPTED)).nonzero()[0]
    if not len(rows):
        return
    found = records[rows]
    turned = found.copy()
    for name, other in PAIRS:
        turned[name] = found[other]
    for name, bits in BITS.items():
        value = found[name]
        turned[name] = value & (ALL ^ bits ^ bits << 1) | (value & bits) << 1 | value >> 1 & bits
    records[rows] = turned
