"""How long it takes from the newest packet of a batch until the batch lasts, for the metrics of a sink."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from topics.batch import last_times
from topics.metrics import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.batch import FlowBatch

SECOND = 1e9
MOST_FOLLOWED = 10_000  # batches of a partition; of those before nothing is told


class Storing:
    """Follows batches until their offsets are committed. `clock` tells seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._waiting: defaultdict[int, deque[tuple[int, float]]] = defaultdict(lambda: deque(maxlen=MOST_FOLLOWED))

    def took(self, partition: int, offset: int, batch: FlowBatch) -> None:
        """Note a batch that the sink took."""
        table.SINK_RECORDS.add(len(batch))
        if len(batch):
            self._waiting[partition].append((offset, int(last_times(batch.records).max()) / SECOND))

    def stored(self, offsets: dict[int, int]) -> None:
        """Note that everything before these offsets, by partition, lasts."""
        now = self._clock()
        for partition, offset in offsets.items():
            waiting = self._waiting[partition]
            while waiting and waiting[0][0] < offset:
                table.PACKET_AGE.observe(now - waiting.popleft()[1], "stored")
