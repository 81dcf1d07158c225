"""How packets of a direction spread over sizes and times: the counts in `src_histograms` and `dst_histograms`.

A vector of unsigned 32-bit numbers, least significant byte first: eight for sizes, eight for the times between packets
while data was in flight, eight for those while the flow was idle. Empty when nothing was counted.

Sizes, as Argus's ARGUS_PACKET_SIZE_HISTOGRAM has them: the frame less 40 bytes by powers of two, below 32 in the first,
from 2,048 on in the last. Times by powers of ten: below 10 us in the first, from 10 s on in the last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

BINS = 8
SIZES, ACTIVE, IDLE = (kind * BINS for kind in range(3))  # where the counts of each begin
COUNTS = 3 * BINS
COUNT_BYTES = 4
VECTOR_BYTES = COUNTS * COUNT_BYTES
MOST = 0xFFFFFFFF  # a count stays there

HEADER_BYTES = 40  # what Argus takes off each packet
FIRST_POWER = 4
SHORTEST = 10_000  # ns

Counts = np.ndarray[Any, np.dtype[np.uint32]]


def counts_of(vector: bytes, first: int) -> list[int]:
    """Return the counts of one histogram, those from `first` on; none of bytes that are no vector."""
    return np.frombuffer(vector, "<u4", BINS, COUNT_BYTES * first).tolist() if len(vector) == VECTOR_BYTES else []
