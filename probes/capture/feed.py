"""The rest of a plain pcap file, which a kernel reads on by itself: window after window, without Python between them.

What Python does for a block costs as much as some hundred packets, and a window holds a few thousand. A kernel that has
taken a block asks for the next packets with `read_on`; it gets none where somebody has to look first: at the end of the
file, at damage, where time steps back, where a status of the probe is due, and after READ_AT_ONCE, since no signal is
heeded meanwhile. Packets that were found and not taken are the next block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from probes.capture.framing import FULL, MORE, find_packets
from probes.capture.packets import BlockTotals
from probes.capture.system import move_to_front, read_file
from probes.capture.totals import add_up
from topics.compiled import borrowed, inlined

if TYPE_CHECKING:
    from probes.capture.framing import PcapFormat
    from probes.capture.packets import PacketBlock

READ_AT_ONCE = 1 << 25  # bytes
WINDOW = 1 << 19  # bytes of the window that are used: little enough for the second cache
NO_FILE = -1
NEVER = (1 << 63) - 1
(
    DESCRIPTOR,
    BASE,
    AT,
    FILLED,
    WHY,
    FOUND,
    TAKEN,
    SWAPPED,
    FRACTION,
    LINK_TYPE,
    LEFT,
    UNTIL,
    PACKETS,
    BYTES,
    FIRST,
    LAST,
    WORDS,
) = range(17)

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Packets = np.ndarray[Any, np.dtype[np.void]]
Lent = tuple[np.ndarray[Any, np.dtype[np.int64]], Bytes, Packets]

NOTHING = np.full(WORDS, NO_FILE, np.int64)


class Feed:
    """Lends what is left of a file, of which a window and its packets are at hand; both are used again.

    `until` is the time (ns) before which all packets have to be for a kernel to take them.
    """

    def __init__(self, descriptor: int, pcap: PcapFormat, packets: Packets) -> None:
        self._state = np.zeros(WORDS, np.int64)
        self._state[[DESCRIPTOR, SWAPPED, FRACTION, LINK_TYPE]] = descriptor, *pcap
        self._window = np.zeros(0, np.uint8)
        self._packets = packets

    def lend(self, window: Bytes, filled: int, base: int, at: int, why: int, found: int) -> Self:
        """Get ready for one block: `found` packets before `at` in the window, whose first byte is at `base`."""
        self._window = window
        self._state[[BASE, AT, FILLED, WHY, FOUND, TAKEN]] = base, at, filled, why, found, 1
        self._state[[LEFT, UNTIL, PACKETS, BYTES]] = READ_AT_ONCE, NEVER, 0, 0
        return self

    def before(self, time: int) -> None:
        """Lend no packets of this time (ns) or later."""
        self._state[UNTIL] = time

    def for_kernels(self) -> Lent:
        """Return what `read_on` takes."""
        return self._state, self._window, self._packets

    def at_hand(self) -> tuple[Bytes, Packets]:
        """Return the window and the packets in it that were found last."""
        return self._window[: int(self._state[FILLED])], self._packets[: int(self._state[FOUND])]

    @property
    def left_over(self) -> bool:
        """Whether those packets were found and not taken."""
        return not self._state[TAKEN]

    def place(self) -> tuple[int, int, int, int]:
        """Return (bytes in the window, where it begins in the file, position behind the last packet, why there)."""
        filled, base, at, why = self._state[[FILLED, BASE, AT, WHY]].tolist()
        return filled, base, at, why

    def taken(self) -> tuple[int, BlockTotals]:
        """Return how many packets were taken besides those of the block, and what they come to, if there are some."""
        packets, size, first, last, link_type = self._state[[PACKETS, BYTES, FIRST, LAST, LINK_TYPE]].tolist()
        return packets, BlockTotals(size, first, last, link_type)


def nothing(block: PacketBlock) -> Lent:
    """Return what `read_on` takes for a block behind which nothing can be read."""
    return NOTHING, block.data, block.packets


@inlined
def read_on(feed: Any, window: Any, out: Any, oldest: int) -> Any:
    """Find the next packets, reading where there are no more in the window; return how many may be taken.

    None may when the first of them is older than `oldest` (ns).
    """
    if feed[DESCRIPTOR] == NO_FILE:
        return 0
    if feed[WHY] == MORE:
        if feed[LEFT] <= 0:
            return 0
        rest = feed[FILLED] - feed[AT]
        move_to_front(window, feed[AT], rest)
        feed[BASE] += feed[AT]
        feed[AT], feed[FILLED], feed[FOUND] = 0, rest, 0
        count = read_file(feed[DESCRIPTOR], window, rest, max(rest, min(len(window), WINDOW)) - rest)
        if count <= 0:  # Python reads again, and meets the end or the error
            return 0
        feed[FILLED] += count
        feed[LEFT] -= count
    elif feed[WHY] != FULL:
        return 0
    data = borrowed(window)[: feed[FILLED]]
    found, at, why = find_packets(data, feed[AT], feed[SWAPPED], feed[FRACTION], feed[LINK_TYPE], out)
    feed[FOUND], feed[AT], feed[WHY] = found, at, why
    if found == 0:
        return 0
    size, first, last, _ = add_up(out[:found])
    if out[0].time < oldest or last >= feed[UNTIL]:
        feed[TAKEN] = 0
        return 0
    feed[FIRST] = min(feed[FIRST], first) if feed[PACKETS] else first
    feed[LAST] = max(feed[LAST], last) if feed[PACKETS] else last
    feed[PACKETS] += found
    feed[BYTES] += size
    return found
