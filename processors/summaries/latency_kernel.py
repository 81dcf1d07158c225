"""How round trips are spread, over time: counts in classes of one ratio, of which quantiles can be taken."""

from __future__ import annotations

import math
from typing import Any

from topics.compiled import kernel

CLASSES = 256
LEAST, LARGEST = 1e-6, 1e3  # seconds
PER_RATIO = (CLASSES - 1) / math.log(LARGEST / LEAST)


@kernel
def spread(start: Any, begin: int, step: int, mask: Any, latency: Any, counts: Any) -> None:
    """Count each round trip (s) in `counts[bin, class]` (int64), the bin being that of the first packet."""
    everything, last = len(mask) == 0, counts.shape[0] - 1
    for row in range(len(latency)):
        if latency[row] > 0 and (everything or mask[row]):
            moment = min(max((start[row] - begin) // step, 0), last)
            place = min(max(int(math.log(latency[row] / LEAST) * PER_RATIO), 0), CLASSES - 1)
            counts[moment, place] += 1
